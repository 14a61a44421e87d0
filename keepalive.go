// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"math/rand/v2"
	"net"
	"time"
)

// keepAlive has the kernel find out, by TCP keep-alive, that the peer of an idle
// tunnel has vanished.
//
// Tunnels that were opened together, as after a restart, must not be asked
// about together: thousands of probes in one instant overrun queues, the same
// ones are lost each time, and after some rounds of that tunnels end whose
// peers are there. So each has a period of its own. A peer on this machine
// cannot vanish without its kernel saying so, and is not asked: there a queue
// of a thousand packets is all there is (net.core.netdev_max_backlog).
//
// on says whether the connection has keep-alive already. What the kernel does
// not accept makes no difference: a connection that is gone fails soon.
func keepAlive(conn net.Conn, on bool) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	remote, _ := tcp.RemoteAddr().(*net.TCPAddr)
	local := remote != nil && remote.IP.IsLoopback()
	switch {
	case !local:
		_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{
			Enable:   true,
			Idle:     keepAliveIdle + rand.N(keepAliveSpread),
			Interval: keepAliveInterval,
			Count:    keepAliveCount,
		})
	case on:
		_ = tcp.SetKeepAlive(false)
	}
}

// Most load balancers and home routers forget a connection after a minute or
// more without a packet.
const (
	keepAliveIdle     = 30 * time.Second
	keepAliveSpread   = 25 * time.Second
	keepAliveInterval = 15 * time.Second
	keepAliveCount    = 4
)

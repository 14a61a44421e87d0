// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"math/rand/v2"
	"net"
	"time"
)

// keepAlive has the kernel find out that the peer of a tunnel has vanished: by
// probes if the tunnel is idle, by a bound for the acknowledgement of what was
// sent if not.
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
		watchPeer(tcp)
	case on:
		_ = tcp.SetKeepAlive(false)
	}
}

func watchPeer(conn *net.TCPConn) {
	_ = conn.SetKeepAliveConfig(net.KeepAliveConfig{
		Enable:   true,
		Idle:     keepAliveIdle + rand.N(keepAliveSpread), //nolint:gosec // it need not be secret
		Interval: keepAliveInterval,
		Count:    keepAliveCount,
	})
	setUserTimeout(conn, userTimeout)
}

// Most load balancers and home routers forget a connection after a minute or
// more without a packet.
const (
	keepAliveIdle     = 30 * time.Second
	keepAliveSpread   = 25 * time.Second
	keepAliveInterval = 15 * time.Second
	keepAliveCount    = 4

	// userTimeout is as long as keep-alive takes at most.
	userTimeout = 2 * time.Minute
)

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// busyAddress is one where somebody listens, and has no room for a connection:
// the kernel answers nobody who wants one.
func busyAddress(t *testing.T) string {
	t.Helper()
	l := wstest.Listen(t)
	raw, err := l.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var listenErr error
	if err := raw.Control(func(fd uintptr) { listenErr = unix.Listen(int(fd), 0) }); err != nil || listenErr != nil {
		t.Fatal(err, listenErr)
	}
	wstest.Dial(t, l.Addr().String()) // takes the only place
	return l.Addr().String()
}

func TestClientGivesUpDuringDial(t *testing.T) {
	for _, version := range allVersions {
		t.Run(version, func(t *testing.T) {
			g := startGateway(t, true, "", "ws_tunnel "+busyAddress(t)+" {\ndial_timeout 1h\n}")
			leave := g.beginHandshake(version)
			awaitStacks(t, runs("(*dialing).dialTransport("))
			leave()
			if r := g.expectRefusal("client_left"); r["status"] != 499.0 {
				t.Errorf("record %v", r)
			}
			nothingLeft(t)
		})
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// Tunnels that are opened together are not probed together.
func TestPeersAreWatched(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	idle := make(map[int]bool)
	for range 10 {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		watchPeer(conn.(*net.TCPConn))
		idle[option(t, conn, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE)] = true
		for name, want := range map[int]int{unix.TCP_KEEPINTVL: 15, unix.TCP_KEEPCNT: 4, unix.TCP_USER_TIMEOUT: 120_000} {
			if got := option(t, conn, unix.IPPROTO_TCP, name); got != want {
				t.Errorf("option %d is %d, want %d", name, got, want)
			}
		}
	}
	for seconds := range idle {
		if seconds < 30 || seconds > 55 {
			t.Errorf("probed after %d s", seconds)
		}
	}
	if len(idle) < 2 {
		t.Error("all are probed at the same time")
	}
}

// A peer on the same machine is not probed: thousands of probes at once are more
// than the loopback device takes.
func TestLocalPeersAreNotProbed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if option(t, conn, unix.SOL_SOCKET, unix.SO_KEEPALIVE) == 0 {
		t.Fatal("Go does not switch keep-alive on any more")
	}
	keepAlive(conn, true)
	if option(t, conn, unix.SOL_SOCKET, unix.SO_KEEPALIVE) != 0 {
		t.Error("keep-alive is on")
	}
}

// option asks for an option of a connection's socket.
func option(t *testing.T, conn net.Conn, level, name int) (value int) {
	t.Helper()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err == nil {
		controlErr := raw.Control(func(fd uintptr) { value, err = unix.GetsockoptInt(int(fd), level, name) })
		if err == nil {
			err = controlErr
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return value
}

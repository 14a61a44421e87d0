// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstest

import (
	"net"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// CaddyPort is a port that the system chose and gives to nobody else until the test
// is over. Caddy can listen on it with TCP and UDP all the same: it sets SO_REUSEPORT,
// as the socket does that keeps the port. No connection goes to that, since it does not
// listen.
func CaddyPort(t *testing.T) string {
	t.Helper()
	for {
		port := keptPort(t)
		if udp, err := net.ListenPacket("udp", "127.0.0.1:"+port); err == nil {
			udp.Close()
			return port
		}
	}
}

func keptPort(t *testing.T) string {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	bound, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(bound.(*unix.SockaddrInet4).Port)
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package wstest has the WebSocket peers that tests put on both sides of the
// gateway: a client and an origin that show what came over the wire, and the
// ends on loopback that they are made of. Whatever goes wrong fails the test.
// Only tests import it.
package wstest

import (
	"net"
	"sync"
	"testing"
	"time"
)

// Patience is when a test gives up that hangs. No test comes near it, however
// busy the machine.
const Patience = 90 * time.Second

// Dial connects to a TCP address until the test is over.
func Dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(Patience))
	return conn
}

// Listen listens on a port that the system chose, until the test is over. By
// itself, this is an origin that takes connections and never says a word.
func Listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

// Serve hands every connection to serve, in a goroutine of its own, and closes
// it when that returns. It takes connections until the test is over, which waits
// for all of them.
func Serve(t *testing.T, ln net.Listener, serve func(conn net.Conn)) {
	t.Helper()
	var serving sync.WaitGroup
	t.Cleanup(func() {
		ln.Close()
		serving.Wait()
	})
	serving.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			_ = conn.SetDeadline(time.Now().Add(Patience))
			serving.Go(func() {
				defer conn.Close()
				serve(conn)
			})
		}
	})
}

// DeadAddress is one of loopback that refuses connections, for as long as the
// test runs: its port is that of the near end of a connection, so nobody else can
// be given it.
func DeadAddress(t *testing.T) string {
	t.Helper()
	return Dial(t, Listen(t).Addr().String()).LocalAddr().String()
}

var givenPorts sync.Map

// FreePort is a port of TCP that the system chose, for whom cannot be handed a
// listener. None is given twice.
func FreePort(t *testing.T) string {
	t.Helper()
	for {
		ln := Listen(t)
		_, port, _ := net.SplitHostPort(ln.Addr().String())
		ln.Close()
		if _, given := givenPorts.LoadOrStore(port, true); !given {
			return port
		}
	}
}

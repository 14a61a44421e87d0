// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package wstunnel

import (
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// sockets counts the sockets of this process.
func sockets(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, entry := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + entry.Name()); err == nil && strings.HasPrefix(target, "socket:") {
			n++
		}
	}
	return n
}

// However a tunnel or an attempt at one ends, its sockets are closed.
func TestNoSocketIsLeft(t *testing.T) {
	serve := map[string]func(p *peer){
		"/refused":  verbatim("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"),
		"/accept":   verbatim("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"),
		"/nonsense": verbatim("nonsense\r\n\r\n"),
		"/large":    verbatim("HTTP/1.1 101 Switching Protocols\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n"),
		"/silent":   func(p *peer) { _, _ = io.Copy(io.Discard, p.r) },
		"/reset":    func(p *peer) { _ = p.Conn.(*net.TCPConn).SetLinger(0) },
	}
	var directives strings.Builder
	for path, origin := range serve {
		directives.WriteString("ws_tunnel " + path + " " + startOrigin(t, nil, origin) + " {\nhandshake_timeout 200ms\n}\n")
	}
	g := startGateway(t, false, "", directives.String()+"ws_tunnel "+echoOrigin(t)+" {\nlinger 100ms\n}")
	before := sockets(t)

	for path := range serve {
		c := g.dial()
		c.send(handshakeOf(path, ""))
		_, _ = io.Copy(io.Discard, c.r)
		c.Close()
	}
	for _, end := range []func(p *peer){
		func(p *peer) { p.Close() },
		func(p *peer) { _ = p.Conn.(*net.TCPConn).SetLinger(0); p.Close() },
		func(p *peer) { p.closeWrite(); p.expectEOF(); p.Close() },
		func(p *peer) { p.send(closeFrame(1000)); p.expectClose(1000); p.Close() },
		func(p *peer) { p.send("\x88\x7f"); _, _ = io.Copy(io.Discard, p.r); p.Close() },
	} {
		end(g.open())
	}
	left := g.dial() // gives up in the middle of its handshake
	left.send(handshakeOf("/silent", ""))
	left.Close()

	nothingLeft(t)
	for deadline := time.Now().Add(patience); sockets(t) > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d sockets, %d before", sockets(t), before)
		}
	}
}

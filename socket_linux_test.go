// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"io"
	"net"
	"testing"
)

// Wherever both ends are plain sockets, the poll engine must have them. This
// fails when a new Caddy wraps connections in another way.
func TestEngines(t *testing.T) {
	origin := echoOrigin(t)
	secure := startOrigin(t, serverConfig(t), func(p *peer) { p.send(answer(p.readHead(), "")); _, _ = io.Copy(io.Discard, p.r) })
	receive := "listener_wrappers {\nproxy_header {\noptional 127.0.0.0/8\n}\n}\n"
	tests := []struct {
		name, global, site, first string
		withTLS                   bool
		want                      string
	}{
		{"plain", "", "ws_tunnel " + origin, "", false, "poll"},
		{"access log", "", "log\nws_tunnel " + origin, "", false, "poll"},
		{"other handlers", "", "log\nencode\ntemplates\nheader >X y\nws_tunnel " + origin, "", false, "poll"},
		{"HTTP/1 only", "servers {\nprotocols h1\n}", "ws_tunnel " + origin, "", false, "poll"},
		{"h2c too", "servers {\nprotocols h1 h2c\n}", "ws_tunnel " + origin, "", false, "poll"},
		{"PROXY header v1", "servers {\n" + receive + "}", "ws_tunnel " + origin, phLineV1, false, "poll"},
		{"optional PROXY header", "servers {\n" + receive + "}", "ws_tunnel " + origin, "", false, "poll"},
		{"PROXY header, HTTP/1 only, access log", "servers {\nprotocols h1\n" + receive + "}", "log\nws_tunnel " + origin, phLineV1, false, "poll"},
		{"TLS client", "", "ws_tunnel " + origin, "", true, "pump"},
		{"TLS client, HTTP/1 only", "servers {\nprotocols h1\n}", "ws_tunnel " + origin, "", true, "pump"},
		{"TLS origin", "", "ws_tunnel wss://" + secure + " {\ntls {\ntls_insecure_skip_verify\n}\n}", "", false, "pump"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := startGateway(t, test.withTLS, test.global, test.site)
			c := g.dial()
			c.send(test.first + handshakeOf("/", ""))
			c.readHead()
			c.send(textFrame("hi"))
			c.Close()
			if r := g.expectEnd("client_gone", "client"); r["engine"] != test.want {
				t.Errorf("engine %v, want %s", r["engine"], test.want)
			}
		})
	}
}

// disguised is a connection of a kind that nobody here knows.
type disguised struct{ net.Conn }

func (d disguised) NetConn() net.Conn { return d.Conn }

func TestUnknownWrapperStays(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if c := bareSocket(disguised{&net.TCPConn{}}); c == (net.Conn)(nil) {
		t.Error("lost")
	} else if _, ok := c.(disguised); !ok {
		t.Errorf("%T was taken for transparent", c)
	}
	if c := bareSocket(a); c != a {
		t.Errorf("got %T", c)
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"crypto/tls"
	"io"
	"net"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/reclaim"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/relay"
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

// An idle tunnel has no goroutine, with TLS neither, and goes on when there is
// something to carry. This fails when a new Caddy wraps TLS in another way.
func TestIdleTunnelHasNoGoroutine(t *testing.T) {
	g := startGateway(t, true, "skip_install_trust\nservers {\nlistener_wrappers {\nproxy_header {\noptional 127.0.0.0/8\n}\ntls\n}\n}", "log\nws_tunnel "+echoOrigin(t))
	p := g.open()
	for range 2 {
		awaitStacks(t, nobodyRuns("(*flow).carry("))
		p.send("\x81\x85\x00\x00\x00\x00hello")
		p.expect("\x81\x85\x00\x00\x00\x00hello")
	}
	p.Close()
	g.expectEnd("client_gone", "client")
}

// disguised is a connection of a kind that nobody here knows.
type disguised struct{ net.Conn }

func (d disguised) NetConn() net.Conn { return d.Conn }

func TestUnknownWrapperStays(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	unknown := disguised{&net.TCPConn{}}
	layer := tls.Server(unknown, nil)
	for _, test := range []struct{ c, want net.Conn }{
		{unknown, unknown},
		{disguised{layer}, disguised{layer}},
		{layer, reclaim.TLSConn{Conn: layer}},
		{a, a},
	} {
		if end, socket := endOf(test.c); socket != nil || end != relay.Conn(test.want) {
			t.Errorf("%T was taken for transparent", test.c)
		}
	}
}

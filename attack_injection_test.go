// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"strings"
	"testing"
)

// injecting is a path whose decoded form has line ends in it, and what a field would
// begin with that it adds.
const injecting = "/x%0d%0aX-Injected:%201%0d%0a%0d%0aGET%20/admin%00"

// injected fails the test if a head has more fields, or more requests, than one sent
// on purpose.
func injected(t *testing.T, head []string) {
	t.Helper()
	for _, line := range head {
		if strings.HasPrefix(line, "X-Injected") || strings.HasPrefix(line, "GET /admin") || line == "" {
			t.Errorf("injected %q in %q", line, head)
		}
	}
	if text := strings.Join(head, ""); strings.ContainsAny(text, "\r\n\x00") {
		t.Errorf("a line ends within %q", text)
	}
}

// Whatever takes a placeholder, the value stays a value: in the request to the origin,
// in the answer to the client, in TLS and in a PROXY header.
func TestAttackFieldByPlaceholder(t *testing.T) {
	for _, options := range []string{
		"host {path}",
		"host a{path}",
		"sni {path}",
		"origin_header {path}",
		"origin_header {path}{query}\nheader_up Host {path}",
		"header_up X-Path {path}",
		"header_up +X-Path {path}",
		"header_up X-Path x {path}",
		"header_up {path} value",
		"header_up -{path}",
		"header_up Sec-WebSocket-Protocol {path}",
		"header_up Cookie {path}",
		"header_up Transfer-Encoding {path}",
		"header_up Content-Length {path}",
		"header_up Connect* a {path}\nheader_up Upgr* a {path}",
		"header_down X-Path {path}",
		"header_down {path} value",
		"header_down Sec-WebSocket-Acc* a {path}",
		"limit {path} 9",
		"handshake_rate {path} 9 1s",
		"name {path}",
	} {
		t.Run(options, func(t *testing.T) {
			origin, questions := askingOrigin(t, nil, false, "")
			g := startGateway(t, false, "", "ws_tunnel "+origin+" {\n"+options+"\n}")
			c := g.dial()
			c.send(handshakeOf(injecting, "Origin: https://site.test\r\nCookie: a=b\r\n"))
			answer := strings.Split(strings.TrimSuffix(c.readHead(), "\r\n\r\n"), "\r\n")
			injected(t, answer)
			if strings.HasPrefix(answer[0], "HTTP/1.1 502 ") {
				g.expectRefusal("bad_override")
				return
			}
			injected(t, (<-questions).head)
			c.send(textFrame("x"))
			c.Close()
			g.await("tunnel ended")
		})
	}
}

// What HTTP/2 and HTTP/3 can carry and HTTP/1.1 cannot does not become more than a
// value there (RFC 9113 section 8.2.1, RFC 9114 section 4.2).
func TestAttackFieldsOfStreams(t *testing.T) {
	origin, questions := askingOrigin(t, nil, false, "")
	g := startGateway(t, true, "", "ws_tunnel "+origin)
	const line = "\r\nX-Injected: 1\r\n\r\nGET /admin HTTP/1.1\r\n"
	for _, field := range [][2]string{
		{"cookie", "a" + line}, {"origin", "x\nX-Injected: 1"}, {"x", "a\x00b"}, {"x" + line, "y"}, {"x: y", "z"}, {"x ", "y"}, {"", "y"},
		{":path", "/ws HTTP/1.1" + line}, {":path", "/ws\nX-Injected: 1"}, {":path", "ws"}, {":path", "*"}, {":path", "http://169.254.169.254/"},
		{":authority", "site.test" + line}, {":authority", "site.test/admin"}, {":authority", "a@site.test"},
		{"host", "evil.test" + line}, {":protocol", "websocket" + line}, {"content-length", "9"}, {"transfer-encoding", "chunked"}, {"te", "chunked"},
		{"sec-websocket-key", "x" + line}, {"sec-websocket-version", "13" + line}, {"sec-websocket-protocol", "chat" + line},
	} {
		fields := append(bareConnect(field[0]), field)
		for version, ask := range map[string]func(*gateway, [][2]string) int{"HTTP/2": bareHTTP2, "HTTP/3": bareHTTP3} {
			t.Run(version+" "+strings.Join(field[:], " "), func(t *testing.T) {
				g := *g
				g.t = t
				if ask(&g, fields) == 200 {
					injected(t, (<-questions).head)
				} else {
					select {
					case asked := <-questions:
						t.Errorf("refused, and yet the origin got %q", asked.head)
					default:
					}
				}
			})
		}
	}
}

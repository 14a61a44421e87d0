// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// smuggled is a request that nobody is to see.
const smuggled = "GET /admin HTTP/1.1\r\nHost: site.test\r\n\r\n"

// What comes behind an upgrade is of the tunnel if it opens, and of nobody if not:
// never a request of this server's, and never one of the origin's before it has
// switched.
func TestAttackPipelinedBehindUpgrade(t *testing.T) {
	body := func(length int) string {
		return fmt.Sprintf("Content-Length: %d\r\n", length)
	}
	for _, test := range []struct{ name, lines, answer string }{
		{"refused", "", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
		{"refused, with a body that is none", body(0), "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"},
		{"other protocol", "", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"},
		{"no key that it could know", "", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n"},
		{"only interim", "", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n"},
		{"two answers", "", "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nadmin"},
	} {
		t.Run(test.name, func(t *testing.T) {
			more := make(chan string, 1)
			origin := startOrigin(t, nil, func(p *peer) {
				p.readHead()
				p.send(test.answer)
				rest, _ := io.ReadAll(p.r) // which may end in a reset
				more <- string(rest)
			})
			g := startGateway(t, false, "", "route {\nws_tunnel /ws "+origin+"\nrespond smuggled\n}")
			c := g.dial()
			c.send(handshakeOf("/ws", test.lines) + smuggled)
			resp := c.readAnswer()
			if body, _ := io.ReadAll(resp.Body); resp.StatusCode == http.StatusSwitchingProtocols || len(body) > 0 && resp.StatusCode != http.StatusBadGateway {
				t.Errorf("%s %q", resp.Status, body)
			}
			if rest, _ := io.ReadAll(c.r); len(rest) > 0 {
				t.Errorf("a second answer: %q", rest)
			}
			if got := <-more; got != "" {
				t.Errorf("the origin got %q", got)
			}
		})
	}
}

// A request whose end the two sides could see in different places does not become
// an upgrade.
func TestAttackBodyOfUpgrade(t *testing.T) {
	g := startGateway(t, false, "", "route {\nws_tunnel "+startOrigin(t, nil, func(*peer) { t.Error("the origin was bothered") })+"\nrespond smuggled\n}")
	chunks := "0\r\n\r\n" + smuggled
	for name, wire := range map[string]string{
		"Content-Length":      handshakeOf("/", fmt.Sprintf("Content-Length: %d\r\n", len(smuggled))) + smuggled,
		"short":               handshakeOf("/", "Content-Length: 1\r\n") + smuggled,
		"two lengths":         handshakeOf("/", "Content-Length: 0\r\nContent-Length: 1\r\n") + smuggled,
		"list of lengths":     handshakeOf("/", "Content-Length: 0, 41\r\n") + smuggled,
		"negative length":     handshakeOf("/", "Content-Length: -1\r\n") + smuggled,
		"signed length":       handshakeOf("/", "Content-Length: +41\r\n") + smuggled,
		"chunked":             handshakeOf("/", "Transfer-Encoding: chunked\r\n") + chunks,
		"both":                handshakeOf("/", "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n") + chunks,
		"chunked with a tab":  handshakeOf("/", "Transfer-Encoding:\tchunked\r\n") + chunks,
		"vertical tab":        handshakeOf("/", "Transfer-Encoding: \x0bchunked\r\n") + chunks,
		"space before colon":  handshakeOf("/", "Transfer-Encoding : chunked\r\n") + chunks,
		"two encodings":       handshakeOf("/", "Transfer-Encoding: gzip, chunked\r\n") + chunks,
		"unknown encoding":    handshakeOf("/", "Transfer-Encoding: x\r\n") + chunks,
		"identity":            handshakeOf("/", "Transfer-Encoding: identity\r\n") + chunks,
		"line folding":        handshakeOf("/", "X: a\r\n Transfer-Encoding: chunked\r\nContent-Length: 5\r\n") + chunks,
		"bare CR in a field":  handshakeOf("/", "X: a\rTransfer-Encoding: chunked\r\n") + chunks,
		"NUL in a field":      handshakeOf("/", "X: a\x00b\r\n") + chunks,
		"request in a target": strings.Replace(handshakeOf("/", ""), "GET / ", "GET / HTTP/1.1 ", 1),
	} {
		t.Run(name, func(t *testing.T) {
			c := g.dial()
			_, _ = io.WriteString(c.Conn, wire) // it may be reset early
			resp := c.readAnswer()
			if body, _ := io.ReadAll(resp.Body); resp.StatusCode/100 == 2 || strings.Contains(string(body), "smuggled") {
				t.Errorf("%s %q", resp.Status, body)
			}
			if rest, _ := io.ReadAll(c.r); strings.Contains(string(rest), "smuggled") {
				t.Errorf("a second answer: %q", rest)
			}
		})
	}
}

// The origin is only ever asked for websocket, and is not told of anything else that
// the client would switch to.
func TestAttackOtherUpgrades(t *testing.T) {
	for _, lines := range []string{
		"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nConnection: HTTP2-Settings\r\n",
		"Upgrade: TLS/1.0, h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nConnection: Upgrade, HTTP2-Settings\r\n",
	} {
		origin, questions := askingOrigin(t, nil, false, "")
		g := startGateway(t, false, "", "ws_tunnel "+origin)
		c := g.dial()
		c.send(handshakeOf("/ws", lines))
		c.readHead()
		asked := <-questions
		asked.expectLines(t, "Upgrade: websocket", "Connection: Upgrade", "!HTTP2-Settings", "!TE", "!Transfer-Encoding")
		if n := strings.Count(strings.ToLower(strings.Join(asked.head, "\n")), "\nupgrade:"); n != 1 {
			t.Errorf("%d lines with Upgrade: %q", n, asked.head)
		}
		c.Close()
		g.expectEnd("client_gone", "client")
	}
	g := startGateway(t, false, "", "route {\nws_tunnel "+startOrigin(t, nil, func(*peer) { t.Error("the origin was bothered") })+"\nrespond passed\n}")
	for _, lines := range []string{
		"Connection: Upgrade\r\nUpgrade: h2c\r\n",
		"Connection: Upgrade\r\nUpgrade: websocket2\r\n",
		"Connection: Upgrade\r\nUpgrade: web socket\r\n",
		"Connection: Upgrade\r\nX-Upgrade: websocket\r\n",
		"Connection: \"Upgrade\"\r\nUpgrade: websocket\r\n",
	} {
		c := g.dial()
		c.send("GET / HTTP/1.1\r\nHost: site.test\r\n" + lines + "\r\n")
		if body, _ := io.ReadAll(c.readAnswer().Body); string(body) != "passed" {
			t.Errorf("%q: %q", lines, body)
		}
	}
}

// A 101 has no body (RFC 9110 section 15.2), whatever its fields say: what follows is
// the tunnel's, and the client does not hear of a length.
func TestAttackSwitchWithBody(t *testing.T) {
	for _, version := range allVersions {
		for _, lines := range []string{
			"Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "Content-Length: 7\r\nTransfer-Encoding: chunked\r\n", "Trailer: X\r\nContent-Length: 0\r\n",
		} {
			t.Run(version+" "+lines, func(t *testing.T) {
				g := startGateway(t, true, "", "ws_tunnel "+startOrigin(t, nil, func(p *peer) {
					p.send(answer(p.readHead(), lines) + textFrame("first"))
					_, _ = io.Copy(p.Conn, p.r)
				}))
				var c *peer
				if version == "HTTP/1.1" {
					c = g.dial()
					c.send(handshakeOf("/ws", ""))
					asked{head: strings.Split(c.readHead(), "\r\n")}.expectLines(t, "HTTP/1.1 101 Switching Protocols", "!Content-Length", "!Transfer-Encoding", "!Trailer")
				} else {
					c = g.openVersion(version)
				}
				c.expect(textFrame("first"))
				c.send(textFrame("more"))
				c.expect(textFrame("more"))
				c.Close()
				g.expectEnd("client_gone", "client")
			})
		}
	}
}

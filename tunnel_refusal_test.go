// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// What a client does wrong is answered before an origin is bothered, and the
// connection is closed: what comes behind is not the next request.
func TestBadRequests(t *testing.T) {
	origin := startOrigin(t, nil, func(p *peer) { t.Error("the origin was bothered") })
	g := startGateway(t, false, "", "ws_tunnel "+origin)
	good := handshakeOf("/", "")
	tests := []struct {
		name, request, reason string
		status                int
	}{
		{"no key", strings.Replace(good, "Sec-WebSocket-Key: "+testKey+"\r\n", "", 1), "bad_key", 400},
		{"two keys", handshakeOf("/", "Sec-WebSocket-Key: "+testKey+"\r\n"), "bad_key", 400},
		{"bad key", strings.Replace(good, testKey, "nonsense", 1), "bad_key", 400},
		{"no version", strings.Replace(good, "Sec-WebSocket-Version: 13\r\n", "", 1), "bad_version", 426},
		{"wrong version", strings.Replace(good, "Version: 13", "Version: 8", 1), "bad_version", 426},
		{"POST", strings.Replace(good, "GET", "POST", 1), "bad_method", 400},
		{"body", handshakeOf("/", "Content-Length: 4\r\n") + "body", "body_not_allowed", 400},
		{"chunked body", handshakeOf("/", "Transfer-Encoding: chunked\r\n") + "0\r\n\r\n", "body_not_allowed", 400},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := g.dial()
			c.send(test.request)
			resp := c.readAnswer()
			if resp.StatusCode != test.status || !resp.Close {
				t.Errorf("status %d, close %v; want %d and a close", resp.StatusCode, resp.Close, test.status)
			}
			if v := resp.Header.Get("Sec-WebSocket-Version"); (v == "13") != (test.status == 426) {
				t.Errorf("Sec-WebSocket-Version %q with status %d", v, resp.StatusCode)
			}
			if v := resp.Header.Get("Upgrade"); (v == "websocket") != (test.status == 426) {
				t.Errorf("Upgrade %q with status %d", v, resp.StatusCode)
			}
			if r := g.expectRefusal(test.reason); r["status"] != float64(test.status) {
				t.Errorf("record %v", r)
			}
		})
	}
}

// A refused client's frames must not pass for a request that slips through.
func TestRefusedConnectionIsNotReused(t *testing.T) {
	g := startGateway(t, false, "", "route {\nws_tunnel "+startOrigin(t, nil, verbatim("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"))+
		"\nrespond smuggled\n}")
	c := g.dial()
	c.send(handshakeOf("/", "") + "GET /admin HTTP/1.1\r\nHost: site.test\r\n\r\n")
	resp := c.readAnswer()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != 403 || string(body) != "no" {
		t.Errorf("%d %q", resp.StatusCode, body)
	}
	// The connection may end in a reset, since we sent what nobody read.
	if rest, _ := io.ReadAll(c.r); len(rest) > 0 {
		t.Errorf("a second answer: %q", rest)
	}
}

func TestOtherRequestsPass(t *testing.T) {
	g := startGateway(t, false, "", "route {\nws_tunnel "+echoOrigin(t)+"\nrespond passed\n}")
	for name, lines := range map[string]string{
		"plain":            "",
		"another protocol": "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
		"no Connection":    "Upgrade: websocket\r\n",
		"no Upgrade":       "Connection: upgrade\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			c := g.dial()
			c.send("GET / HTTP/1.1\r\nHost: site.test\r\n" + lines + "\r\n")
			if body, err := io.ReadAll(c.readAnswer().Body); err != nil || string(body) != "passed" {
				t.Errorf("got %q (%v)", body, err)
			}
		})
	}
}

// What an origin does wrong has a status, a reason, and leaves nothing behind.
func TestBadOrigins(t *testing.T) {
	edited := func(change, to string) func(p *peer) {
		return func(p *peer) { p.send(strings.Replace(answer(p.readHead(), ""), change, to, 1)) }
	}
	hold := func(p *peer) { _, _ = io.Copy(io.Discard, p.r) }
	tests := []struct {
		name   string
		serve  func(p *peer)
		status int
		reason string
	}{
		{"200", verbatim("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"), 200, "origin_refused"},
		{"401", verbatim("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"), 401, "origin_refused"},
		{"302", verbatim("HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n"), 302, "origin_refused"},
		{"101 without Upgrade", edited("Upgrade: websocket\r\n", ""), 502, "bad_upgrade"},
		{"101 for another protocol", edited("websocket\r\n", "h2c\r\n"), 502, "bad_upgrade"},
		{"101 without Connection", edited("Connection: Upgrade\r\n", ""), 502, "bad_connection"},
		{"wrong accept", edited("Accept: ", "Accept: A"), 502, "bad_accept"},
		{"64 KB of fields", verbatim("HTTP/1.1 101 Switching Protocols\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n"), 502, "origin_head_too_large"},
		{"half a head and the end", verbatim("HTTP/1.1 101 Switching"), 502, "origin_hung_up"},
		{"half a head and silence", func(p *peer) { p.readHead(); p.send("HTTP/1.1 101 Switching"); hold(p) }, 504, "no_answer"},
		{"silence", hold, 504, "no_answer"},
		{"no HTTP", verbatim("SSH-2.0-OpenSSH_9.2\r\n\r\nmore"), 502, "origin_malformed"},
		{"reset", func(p *peer) { _ = p.Conn.(*net.TCPConn).SetLinger(0) }, 502, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := startGateway(t, false, "", "ws_tunnel "+startOrigin(t, nil, test.serve)+" {\nhandshake_timeout 300ms\n}")
			c := g.dial()
			c.send(handshakeOf("/", ""))
			resp := c.readAnswer()
			if resp.StatusCode != test.status || !resp.Close {
				t.Errorf("status %d, close %v; want %d and a close", resp.StatusCode, resp.Close, test.status)
			}
			if name := "WWW-Authenticate"; test.status == 401 && resp.Header.Get(name) == "" {
				t.Errorf("%s was lost", name)
			}
			if test.reason == "" { // a reset shows at one step or another
				g.await("handshake refused")
			} else {
				g.expectRefusal(test.reason)
			}
			nothingLeft(t)
		})
	}
}

// An answer that breaks off does so for the client, too.
func TestTruncatedAnswer(t *testing.T) {
	g := startGateway(t, false, "", "ws_tunnel "+startOrigin(t, nil, verbatim("HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")))
	c := g.dial()
	c.send(handshakeOf("/", ""))
	resp, err := http.ReadResponse(c.r, nil)
	if err == nil {
		_, err = io.ReadAll(resp.Body)
	}
	if err == nil {
		t.Error("it passed for a whole one")
	}
	g.expectRefusal("origin_refused")
	nothingLeft(t)
}

func TestUnreachableOrigins(t *testing.T) {
	closed := deadAddress(t)
	plain := startOrigin(t, nil, func(p *peer) { p.send("HTTP/1.1 400 Bad Request\r\n\r\n") })
	tests := []struct {
		name, site, reason string
		status             int
	}{
		{"nobody listens", "ws_tunnel " + closed, "dial_failed", 502},
		{"no such name", "ws_tunnel ws://no..name", "dial_failed", 502},
		{"no such socket", "ws_tunnel unix//nonexistent/socket", "dial_failed", 502},
		{"no TLS there", "ws_tunnel wss://" + plain, "tls_failed", 502},
		{"empty host", "ws_tunnel 127.0.0.1:1 {\nhost {http.request.header.X-Nowhere}\n}", "bad_override", 502},
		{"empty placeholder", "ws_tunnel {http.request.header.X-Nowhere}:80", "no_origin", 503},
		{"placeholder with nonsense", "ws_tunnel {http.request.header.Host}:nonsense", "no_origin", 503},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := startGateway(t, false, "", test.site+"\nhandle_errors {\nrespond \"page for {err.status_code}\"\n}")
			c := g.dial()
			c.send(handshakeOf("/", ""))
			resp := c.readAnswer()
			body, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != test.status || !strings.HasPrefix(string(body), "page for 50") {
				t.Errorf("status %d, %q; want %d and the error page", resp.StatusCode, body, test.status)
			}
			g.expectRefusal(test.reason)
		})
	}
}

// A client that gives up while the origin thinks frees the origin's connection.
func TestClientLeavesDuringHandshake(t *testing.T) {
	asked, gone := make(chan struct{}), make(chan struct{})
	g := startGateway(t, false, "", "ws_tunnel "+startOrigin(t, nil, func(p *peer) {
		p.readHead()
		close(asked)
		p.expectEOF()
		close(gone)
	}))
	c := g.dial()
	c.send(handshakeOf("/", ""))
	<-asked
	c.Close()
	<-gone
	if r := g.expectRefusal("client_left"); r["status"] != 499.0 {
		t.Errorf("record %v", r)
	}
	nothingLeft(t)
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"crypto/tls"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/handshake"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/proxyheader"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// asked is what an origin was asked, as it came over the wire.
type asked struct {
	proxy *proxyheader.Header
	head  []string
}

func (a asked) expectLines(t *testing.T, want ...string) {
	t.Helper()
	for _, line := range want {
		if absent, ok := strings.CutPrefix(line, "!"); ok {
			if slices.ContainsFunc(a.head, func(l string) bool { return strings.HasPrefix(l, absent) }) {
				t.Errorf("%q was sent:\n%s", absent, strings.Join(a.head, "\n"))
			}
		} else if !slices.Contains(a.head, line) {
			t.Errorf("no line %q in\n%s", line, strings.Join(a.head, "\n"))
		}
	}
}

// askingOrigin reports what it is asked, and switches. The fields in lines go
// with its 101.
func askingOrigin(t *testing.T, config *tls.Config, withProxyHeader bool, lines string) (string, chan asked) {
	questions := make(chan asked, 1)
	serve := func(p *peer, a asked) {
		head := p.readHead()
		a.head = strings.Split(strings.TrimSuffix(head, "\r\n\r\n"), "\r\n")
		questions <- a
		p.send(answer(head, lines))
		_, _ = io.Copy(io.Discard, p.r)
	}
	if !withProxyHeader {
		return startOrigin(t, config, func(p *peer) { serve(p, asked{}) }), questions
	}
	return startOrigin(t, nil, func(p *peer) {
		var a asked
		var err error
		if a.proxy, _, err = (proxyheader.Options{}).Read(p.Conn); err != nil {
			t.Errorf("PROXY header: %v", err)
		}
		if config != nil { // TLS begins behind the header
			p = asPeer(t, tls.Server(p.Conn, config))
		}
		serve(p, a)
	}), questions
}

func serverConfig(t *testing.T) *tls.Config {
	t.Helper()
	cert, err := tls.X509KeyPair(wstest.Certificate(t, "site.test"))
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}}
}

func TestRequestToOrigin(t *testing.T) {
	tests := []struct {
		name, global, options, lines string
		want                         []string
	}{
		{"as it comes", "", "", "Origin: https://site.test\r\nCookie: a=b\r\nSec-WebSocket-Protocol: chat\r\nsec-websocket-extensions: permessage-deflate\r\n",
			[]string{
				"GET /chat?room=1&x=%20 HTTP/1.1", "Host: site.test", "Connection: Upgrade", "Upgrade: websocket",
				"Sec-WebSocket-Key: " + testKey, "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: chat",
				"Sec-WebSocket-Extensions: permessage-deflate", "Origin: https://site.test", "Cookie: a=b",
				"X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: http", "X-Forwarded-Host: site.test", "Via: 1.1 Caddy",
			}},
		{"nothing of the connection", "", "", "Connection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nProxy-Authorization: x\r\nTE: trailers\r\n",
			[]string{"Connection: Upgrade", "!X-Hop", "!Keep-Alive", "!Proxy-Authorization", "!Te"}},
		{"host", "", "host inner.test", "", []string{"Host: inner.test", "X-Forwarded-Host: site.test"}},
		{"host from a placeholder", "", "host {http.request.header.X-Inner}", "X-Inner: named.test\r\n", []string{"Host: named.test"}},
		{"origin_header rewrite", "", "host inner.test\norigin_header rewrite", "Origin: https://site.test\r\n", []string{"Origin: http://inner.test"}},
		{"origin_header rewrite of none", "", "origin_header rewrite", "", []string{"!Origin"}},
		{"origin_header value", "", "origin_header https://{http.request.host}", "Origin: x\r\n", []string{"Origin: https://site.test"}},
		{"header_up", "", "header_up X-Id {http.ws_tunnel.name}\nheader_up -Cookie\nheader_up Sec-WebSocket-Protocol mqtt\nheader_up Host up.test\nname chat",
			"Cookie: a=b\r\nSec-WebSocket-Protocol: chat\r\n",
			[]string{"X-Id: chat", "!Cookie", "Sec-WebSocket-Protocol: mqtt", "Host: up.test"}},
		{"header_up cannot break the handshake", "", "header_up -Connect*\nheader_up -Upgr*\nheader_up -Sec-Websocket-K*", "",
			[]string{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: " + testKey}},
		{"forwarded by nobody trusted", "", "", "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\n",
			[]string{"X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: http", "X-Forwarded-Host: site.test"}},
		{"forwarded by a trusted proxy", "servers {\ntrusted_proxies static 127.0.0.0/8\n}", "", "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: front.test\r\n",
			[]string{"X-Forwarded-For: 203.0.113.9, 127.0.0.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: front.test"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			origin, questions := askingOrigin(t, nil, false, "")
			g := startGateway(t, false, test.global, "ws_tunnel "+origin+" {\n"+test.options+"\n}")
			c := g.dial()
			c.send(handshakeOf("/chat?room=1&x=%20", test.lines))
			c.readHead()
			(<-questions).expectLines(t, test.want...)
			c.Close()
			g.await("tunnel ended")
		})
	}
}

// Header names keep RFC 6455's spelling on both wires, with header rules and
// over TLS too (Caddy #7784).
func TestHeaderNamesOnTheWire(t *testing.T) {
	for name, secure := range map[string]*tls.Config{"plain": nil, "TLS": serverConfig(t)} {
		t.Run(name, func(t *testing.T) {
			scheme := "ws://"
			if secure != nil {
				scheme = "wss://"
			}
			origin, questions := askingOrigin(t, secure, false, "sec-websocket-protocol: chat\r\nSec-WebSocket-Extensions: x-test\r\nServer: theirs\r\n")
			options := "header_up X-Other 1\nheader_up Sec-WebSocket-Protocol chat\nheader_down X-Down 1\nheader_down -Server\nheader_down -Sec-Websocket-Acc*\n"
			if secure != nil {
				options += "tls {\ntls_insecure_skip_verify\n}\n"
			}
			g := startGateway(t, false, "", "header X-Outer 1\nws_tunnel "+scheme+origin+" {\n"+options+"}")
			c := g.dial()
			c.send(handshakeOf("/", "sec-websocket-protocol: other\r\n"))
			got := asked{head: strings.Split(c.readHead(), "\r\n")}
			got.expectLines(t, "HTTP/1.1 101 Switching Protocols", "Sec-WebSocket-Accept: "+handshake.Accept(testKey),
				"Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Extensions: x-test", "X-Down: 1", "X-Outer: 1",
				"Connection: Upgrade", "Upgrade: websocket", "!Sec-Websocket", "!sec-websocket", "!Server: theirs")
			(<-questions).expectLines(t, "X-Other: 1", "Sec-WebSocket-Protocol: chat", "!Sec-Websocket", "!sec-websocket")
			c.Close()
			g.await("tunnel ended")
		})
	}
}

func TestSNI(t *testing.T) {
	for name, test := range map[string]struct{ options, want string }{
		"of the address":                 {"", "localhost"},
		"overridden":                     {"sni inner.test", "inner.test"},
		"placeholder":                    {"sni {http.request.host}", "site.test"},
		"server_name with a placeholder": {"tls {\ntls_server_name {http.request.host}\ntls_insecure_skip_verify\n}", "site.test"},
		"server_name":                    {"tls {\ntls_server_name named.test\ntls_insecure_skip_verify\n}", "named.test"},
	} {
		t.Run(name, func(t *testing.T) {
			names := make(chan string, 1)
			config := serverConfig(t)
			config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
				names <- hello.ServerName
				if !slices.Equal(hello.SupportedProtos, []string{"http/1.1"}) {
					t.Errorf("ALPN %v", hello.SupportedProtos)
				}
				return nil, nil
			}
			origin, questions := askingOrigin(t, config, false, "")
			_, port, _ := net.SplitHostPort(origin)
			options := test.options
			if !strings.Contains(options, "tls {") {
				options += "\ntls {\ntls_insecure_skip_verify\n}"
			}
			g := startGateway(t, false, "", "ws_tunnel wss://localhost:"+port+" {\n"+options+"\n}")
			c := g.open()
			if got := <-names; got != test.want {
				t.Errorf("SNI %q, want %q", got, test.want)
			}
			<-questions
			c.Close()
			g.await("tunnel ended")
		})
	}
}

// An origin whose certificate is not for the name that it is asked by is not
// talked to.
func TestOriginIsVerified(t *testing.T) {
	config := serverConfig(t)
	g := startGateway(t, false, "", "ws_tunnel wss://"+startOrigin(t, config, func(p *peer) { _, _ = p.r.ReadByte() }))
	c := g.dial()
	c.send(handshakeOf("/", ""))
	if resp := c.readAnswer(); resp.StatusCode != 502 {
		t.Errorf("status %d", resp.StatusCode)
	}
	g.expectRefusal("tls_failed")
}

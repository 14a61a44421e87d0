// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/frame"
)

// textFrame is an unmasked message. The gateway does not care about masks.
func textFrame(text string) string {
	return string(frame.Frame{Fin: true, Opcode: frame.Text, Payload: []byte(text)}.Append(nil))
}

func closeFrame(code int) string { return string(frame.AppendClose(nil, code, "", false)) }

func TestTunnel(t *testing.T) {
	g := startGateway(t, false, "", "ws_tunnel "+echoOrigin(t))
	c := g.open()
	for _, text := range []string{"hello", "", strings.Repeat("long ", 50_000)} {
		go c.send(textFrame(text))
		c.expect(textFrame(text))
	}
	c.send(closeFrame(1000))
	c.expectClose(1000)
	c.closeWrite()
	c.expectEOF()
	r := g.expectEnd("client_closed", "client")
	for _, direction := range []string{"to_origin", "to_client"} {
		traffic := r[direction].(map[string]any)
		if traffic["messages"] != 3.0 || traffic["close_code"] != 1000.0 || traffic["bytes"] != 250_023.0 {
			t.Errorf("%s: %v", direction, traffic)
		}
	}
	if r["client_ip"] != "127.0.0.1" || r["proto"] != "HTTP/1.1" || r["path"] != "/ws" || r["engine"] == "" || len(r["id"].(string)) != 16 {
		t.Errorf("record %v", r)
	}
	if steps := r["handshake"].(map[string]any); steps["wait"].(float64) <= 0 || steps["tcp"].(float64) <= 0 || steps["tls"] != 0.0 {
		t.Errorf("handshake times %v", steps)
	}
	nothingLeft(t)
}

// Bytes that come right behind either half of the handshake are delivered, and
// none reaches the origin before it has switched.
func TestEarlyBytes(t *testing.T) {
	g := startGateway(t, false, "", "ws_tunnel "+startOrigin(t, nil, func(p *peer) {
		head := p.readHead()
		if n := p.r.Buffered(); n > 0 {
			t.Errorf("%d bytes came before the origin had switched", n)
		}
		p.send(answer(head, "") + textFrame("greeting"))
		p.expect(textFrame("early"))
		p.send(closeFrame(1000))
	}))
	c := g.dial()
	c.send(handshakeOf("/ws", "") + textFrame("early"))
	c.readHead()
	c.expect(textFrame("greeting"))
	c.expectClose(1000)
	c.send(closeFrame(1000))
	c.Close()
	g.expectEnd("origin_closed", "origin")
}

func TestHalfClose(t *testing.T) {
	g := startGateway(t, false, "", "ws_tunnel "+startOrigin(t, nil, answersAtEnd))
	expectHalfClose(g, g.open())
}

// answersAtEnd is an origin that says nothing before the client has ended.
func answersAtEnd(p *peer) {
	p.send(answer(p.readHead(), ""))
	if all, err := io.ReadAll(p.r); err != nil || string(all) != textFrame("question") {
		p.t.Errorf("got %q (%v)", all, err)
	}
	p.send(textFrame("answer"))
}

// expectHalfClose has a client ask that origin.
func expectHalfClose(g *gateway, c *peer) {
	g.t.Helper()
	c.send(textFrame("question"))
	c.closeWrite()
	c.expect(textFrame("answer"))
	c.expectEOF()
	g.expectEnd("client_gone", "client")
	nothingLeft(g.t)
}

func TestEnds(t *testing.T) {
	tests := []struct {
		name, options, reason, side string
		do                          func(client, origin *peer)
	}{
		{"client vanishes", "", "client_gone", "client", func(client, _ *peer) {
			_ = client.Conn.(*net.TCPConn).SetLinger(0)
			client.Close()
		}},
		{"origin vanishes", "", "origin_gone", "origin", func(_, origin *peer) {
			_ = origin.Conn.(*net.TCPConn).SetLinger(0)
			origin.Close()
		}},
		{"idle", "idle_timeout 50ms", "idle_timeout", "gateway", func(client, origin *peer) {
			client.expectClose(1001)
			client.send(closeFrame(1001))
			f, err := frame.Read(origin.r, 125)
			if err != nil || f.Opcode != frame.Close {
				t.Errorf("origin got %+v (%v)", f, err)
			}
			origin.send(closeFrame(1001))
		}},
		{"old", "max_lifetime 50ms\nlinger 100ms", "max_lifetime", "gateway", func(client, _ *peer) {
			client.expectClose(1001)
			client.expectEOF() // though nobody answers
		}},
		{"no frames", "linger 100ms", "protocol_error", "client", func(client, _ *peer) {
			client.send(textFrame("one") + "\x88\x7f")
			client.expectClose(1002)
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			origins, over := make(chan *peer, 1), make(chan struct{})
			g := startGateway(t, false, "", "ws_tunnel "+startOrigin(t, nil, func(p *peer) {
				p.send(answer(p.readHead(), ""))
				origins <- p
				<-over
			})+" {\n"+test.options+"\n}")
			defer close(over)
			test.do(g.open(), <-origins)
			g.expectEnd(test.reason, test.side)
			nothingLeft(t)
		})
	}
}

// A reload neither ends a tunnel nor waits for it, and the tunnel's record goes
// to the config that is there when it ends.
func TestReloadKeepsTunnels(t *testing.T) {
	g := startGateway(t, false, "", "ws_tunnel "+echoOrigin(t)+" {\nname chat\n}")
	c := g.open()
	for range 3 {
		if err := g.load(); err != nil {
			t.Fatal(err)
		}
		c.send(textFrame("still here"))
		c.expect(textFrame("still here"))
	}
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	c.send(textFrame("even now"))
	c.expect(textFrame("even now"))
	c.Close()
	nothingLeft(t)
}

// A config that is refused leaves the running one's tunnels their log.
func TestFailedReloadKeepsLogger(t *testing.T) {
	g := startGateway(t, false, "", "ws_tunnel "+echoOrigin(t)+" {\nname chat\n}")
	c := g.open()
	g.config = strings.Replace(g.config, "ws_tunnel", "reverse_proxy 127.0.0.1:1 {\ntransport http {\ntls_trust_pool file /nonexistent\n}\n}\nws_tunnel", 1)
	if err := g.load(); err == nil {
		t.Fatal("the config was taken")
	}
	tunnels.mu.Lock()
	if len(tunnels.generations["chat"]) != 1 {
		t.Errorf("%d handlers are known", len(tunnels.generations["chat"]))
	}
	tunnels.mu.Unlock()
	c.Close()
	g.expectEnd("client_gone", "client")
}

// When the process ends, every tunnel is told, and waited for.
func TestExitClosesTunnels(t *testing.T) {
	g := startGateway(t, false, "", "ws_tunnel "+echoOrigin(t))
	c := g.open()
	c.send(textFrame("open"))
	c.expect(textFrame("open"))
	exitAfterwards(t)
	stopped := make(chan error, 1)
	go func() {
		err := caddy.Stop()
		tunnels.mu.Lock()
		defer tunnels.mu.Unlock()
		if len(tunnels.live) > 0 {
			err = errors.New("stopped without waiting for the client's Close")
		}
		stopped <- err
	}()
	c.expectClose(1001)
	c.send(closeFrame(1001))
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	c.Close()
	nothingLeft(t)
}

func TestOriginForms(t *testing.T) {
	plain := echoOrigin(t)
	config := serverConfig(t)
	config.NextProtos = []string{"h2", "http/1.1"}
	secure := startOrigin(t, config, switchAndEcho)
	socket := filepath.Join(t.TempDir(), "origin.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	serveOrigin(t, l, switchAndEcho)
	_, port, _ := net.SplitHostPort(plain)
	const insecure = " {\ntls {\ntls_insecure_skip_verify\n}\n}"
	tests := map[string]string{
		"host:port":    plain,
		"ws":           "ws://" + plain,
		"http":         "http://" + plain + "/",
		"wss":          "wss://" + secure + insecure,
		"https":        "https://" + secure + insecure,
		"tls option":   secure + insecure,
		"unix":         "unix/" + socket,
		"placeholders": "{http.request.header.X-Origin}:{http.request.header.X-Port}",
		"port":         "ws://127.0.0.1 {\nport " + port + "\n}",
	}
	for name, directive := range tests {
		t.Run(name, func(t *testing.T) {
			g := startGateway(t, false, "", "ws_tunnel "+directive)
			c := g.dial()
			c.send(handshakeOf("/", "X-Origin: 127.0.0.1\r\nX-Port: "+port+"\r\n"))
			if head := c.readHead(); !strings.HasPrefix(head, "HTTP/1.1 101 ") {
				t.Fatalf("answer %q", head)
			}
			c.send(textFrame("hi"))
			c.expect(textFrame("hi"))
			c.Close()
			g.expectEnd("client_gone", "client")
		})
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"bufio"
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"
	"golang.org/x/net/http2"
)

// streamConn is a client's side of a stream, as a connection.
type streamConn struct {
	net.Conn // for what a stream has not
	in       io.ReadCloser
	out      *io.PipeWriter
	cancel   context.CancelFunc
}

func (s streamConn) Read(p []byte) (int, error)  { return s.in.Read(p) }
func (s streamConn) Write(p []byte) (int, error) { return s.out.Write(p) }
func (s streamConn) CloseWrite() error           { return s.out.Close() }
func (s streamConn) SetDeadline(time.Time) error { return nil }
func (s streamConn) Close() error                { s.cancel(); return s.out.Close() }

// reset gives the stream up in both directions.
func (s streamConn) reset() {
	s.out.CloseWithError(errors.New("given up"))
	s.in.Close()
}

// connect asks for a WebSocket over HTTP/2 or HTTP/3. header are names and
// values.
func (g *gateway) connect(version string, header ...string) (*http.Response, *streamConn) {
	g.t.Helper()
	in, out := io.Pipe()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	resp, err := g.ask(ctx, version, in, header...)
	if err != nil {
		cancel()
		g.t.Fatalf("%s: %v", version, err)
	}
	g.t.Cleanup(cancel)
	return resp, &streamConn{in: resp.Body, out: out, cancel: cancel}
}

// ask is connect with a body of the caller's. A field may come several times, and
// one of them may be :protocol.
func (g *gateway) ask(ctx context.Context, version string, body io.Reader, header ...string) (*http.Response, error) {
	g.t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodConnect, "https://"+g.address+"/ws", body)
	if err != nil {
		g.t.Fatal(err)
	}
	r.Host = "site.test"
	fields := http.Header{"Sec-Websocket-Version": {"13"}, ":protocol": {"websocket"}}
	given := make(http.Header)
	for i := 0; i < len(header); i += 2 {
		given.Add(header[i], header[i+1])
	}
	maps.Copy(fields, given)
	r.Header = fields
	config := g.client.Clone()
	if version == "HTTP/3.0" {
		r.Proto = fields.Get(":protocol") // quic-go's way to say it
		fields.Del(":protocol")
		h3 := &http3.Transport{TLSClientConfig: config}
		g.t.Cleanup(func() { h3.Close() })
		return h3.RoundTrip(r)
	}
	h2 := &http2.Transport{TLSClientConfig: config}
	g.t.Cleanup(h2.CloseIdleConnections)
	return h2.RoundTrip(r)
}

// openVersion makes a tunnel over some version of HTTP.
func (g *gateway) openVersion(version string, header ...string) *peer {
	g.t.Helper()
	if version == "HTTP/1.1" {
		lines := ""
		for i := 0; i < len(header); i += 2 {
			lines += header[i] + ": " + header[i+1] + "\r\n"
		}
		p := g.dial()
		p.send(handshakeOf("/ws", lines))
		if resp := p.readAnswer(); resp.StatusCode != http.StatusSwitchingProtocols {
			g.t.Fatalf("status %s", resp.Status)
		}
		return p
	}
	resp, c := g.connect(version, header...)
	if resp.StatusCode != http.StatusOK {
		g.t.Fatalf("status %s", resp.Status)
	}
	for _, name := range []string{"Connection", "Upgrade", "Sec-Websocket-Accept"} {
		if resp.Header.Get(name) != "" {
			g.t.Errorf("%s has no business in %s", name, version)
		}
	}
	return &peer{g.t, c, bufio.NewReader(c)}
}

var streamVersions = []string{"HTTP/2.0", "HTTP/3.0"}

// The origin is asked in HTTP/1.1, and its accept value is checked though the
// client will never see it.
func TestStreamBecomesUpgrade(t *testing.T) {
	for _, version := range streamVersions {
		t.Run(version, func(t *testing.T) {
			origin, questions := askingOrigin(t, nil, false, "Sec-WebSocket-Protocol: chat\r\nContent-Length: 0\r\n")
			g := startGateway(t, true, "", "ws_tunnel "+origin)
			resp, c := g.connect(version, "Sec-WebSocket-Protocol", "chat")
			if resp.StatusCode != 200 || resp.Header.Get("Sec-WebSocket-Protocol") != "chat" || resp.Header.Get("Content-Length") != "" {
				t.Errorf("%s %v", resp.Status, resp.Header)
			}
			(<-questions).expectLines(t, "GET /ws HTTP/1.1", "Host: site.test", "Connection: Upgrade", "Upgrade: websocket",
				"Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: chat", "X-Forwarded-Proto: https", "!:protocol", "!Transfer-Encoding")
			liveTunnels(t, 1) // or the client would leave during the handshake
			c.Close()
			g.await("tunnel ended")
			nothingLeft(t)
		})
	}
}

func TestStreamRefusals(t *testing.T) {
	tests := []struct {
		name   string
		serve  func(p *peer)
		status int
		reason string
	}{
		{"403", verbatim("HTTP/1.1 403 Forbidden\r\nX-Why: x\r\nContent-Length: 2\r\n\r\nno"), 403, "origin_refused"},
		{"200 would be taken for a tunnel", verbatim("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"), 502, "not_switched"},
		{"wrong accept", verbatim("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"), 502, "bad_accept"},
	}
	for _, test := range tests {
		for _, version := range streamVersions {
			t.Run(test.name+" "+version, func(t *testing.T) {
				g := startGateway(t, true, "", "ws_tunnel "+startOrigin(t, nil, test.serve))
				resp, c := g.connect(version)
				defer c.Close()
				if body, err := io.ReadAll(resp.Body); resp.StatusCode != test.status || test.status == 403 && string(body) != "no" {
					t.Errorf("%s %q (%v)", resp.Status, body, err)
				}
				g.expectRefusal(test.reason)
			})
		}
	}
}

func TestStreamWithWrongVersion(t *testing.T) {
	g := startGateway(t, true, "", "ws_tunnel 127.0.0.1:1")
	for _, version := range streamVersions {
		resp, c := g.connect(version, "Sec-WebSocket-Version", "8")
		if resp.StatusCode != 426 || resp.Header.Get("Sec-WebSocket-Version") != "13" || resp.Header.Get("Upgrade") != "" {
			t.Errorf("%s: %s %v", version, resp.Status, resp.Header)
		}
		c.Close()
	}
}

// END_STREAM of the client is a FIN at the origin, which can still answer; the
// origin's FIN ends the stream in good order.
func TestStreamHalfClose(t *testing.T) {
	for _, version := range streamVersions {
		t.Run(version, func(t *testing.T) {
			g := startGateway(t, true, "", "ws_tunnel "+startOrigin(t, nil, answersAtEnd))
			expectHalfClose(g, g.openVersion(version))
		})
	}
}

// In HTTP/3 the origin's FIN ends what is sent to the client, and no more. In
// HTTP/2 a handler cannot do so: a stream ends as a whole.
func TestOriginHalfCloseHTTP3(t *testing.T) {
	heard := make(chan string, 1)
	g := startGateway(t, true, "", "ws_tunnel "+startOrigin(t, nil, func(p *peer) {
		p.send(answer(p.readHead(), "") + textFrame("all"))
		_ = p.Conn.(*net.TCPConn).CloseWrite()
		rest, _ := io.ReadAll(p.r)
		heard <- string(rest)
	}))
	c := g.openVersion("HTTP/3.0")
	c.expect(textFrame("all"))
	c.expectEOF()
	c.send(textFrame("but I have more"))
	c.Close()
	if got := <-heard; got != textFrame("but I have more") {
		t.Errorf("the origin got %q", got)
	}
	g.expectEnd("origin_gone", "origin")
	nothingLeft(t)
}

// A client that resets its stream, or its connection, has the origin's connection
// reset (RFC 8441 section 5).
func TestStreamReset(t *testing.T) {
	for _, version := range streamVersions {
		t.Run(version, func(t *testing.T) {
			gone := make(chan error, 1)
			g := startGateway(t, true, "", "ws_tunnel "+startOrigin(t, nil, readsReset(gone)))
			c := g.openVersion(version)
			liveTunnels(t, 1) // or the client would leave during the handshake
			c.Conn.(*streamConn).reset()
			wantReset(t, <-gone)
			g.expectEnd("client_gone", "client")
			nothingLeft(t)
		})
	}
}

// Caddy's idle timeouts are for uploads: a client that only listens stays.
func TestSilentStreamOutlivesIdleTimeouts(t *testing.T) {
	for _, version := range streamVersions {
		t.Run(version, func(t *testing.T) {
			const idle = 100 * time.Millisecond
			g := startGateway(t, true, "servers {\ntimeouts {\nread_body_idle 100ms\nwrite_idle 100ms\nread_body 200ms\nwrite 300ms\n}\n}",
				"ws_tunnel "+startOrigin(t, nil, func(p *peer) {
					p.send(answer(p.readHead(), ""))
					tick := time.NewTicker(idle / 2)
					defer tick.Stop()
					for range 12 {
						<-tick.C
						p.send(textFrame("tick"))
					}
					p.expect(textFrame("at last"))
				}))
			c := g.openVersion(version)
			for range 12 {
				c.expect(textFrame("tick"))
			}
			c.send(textFrame("at last"))
			g.expectEnd("origin_gone", "origin")
			c.Close()
		})
	}
}

// A stream belongs to the server's connection, which would keep the old server
// for as long: a reload ends it, and says so.
func TestReloadClosesStreams(t *testing.T) {
	for _, version := range streamVersions {
		t.Run(version, func(t *testing.T) {
			g := startGateway(t, true, "", "ws_tunnel "+echoOrigin(t))
			c := g.openVersion(version)
			c.send(textFrame("open"))
			c.expect(textFrame("open"))
			if err := g.load(); err != nil {
				t.Fatal(err)
			}
			c.expectClose(1012)
			c.send(closeFrame(1012))
			g.expectEnd("reload", "gateway")
			c.Close()
			nothingLeft(t)
		})
	}
}

// A handshake that is under way when a reload begins opens a tunnel when all
// others were told to end. It is told, too.
func TestReloadDuringHandshake(t *testing.T) {
	for _, version := range streamVersions {
		t.Run(version, func(t *testing.T) {
			asked, goOn := make(chan struct{}), make(chan struct{})
			g := startGateway(t, true, "", "ws_tunnel "+startOrigin(t, nil, func(p *peer) {
				head := p.readHead()
				close(asked)
				<-goOn
				p.send(answer(head, ""))
				_, _ = io.Copy(p.Conn, p.r)
			}))
			opened := make(chan *peer, 1)
			go func() { opened <- g.openVersion(version) }()
			<-asked
			reloaded := make(chan error, 1)
			go func() { reloaded <- g.load() }()
			g.await("servers shutting down with eternal grace period")
			close(goOn)
			c := <-opened
			c.expectClose(1012)
			c.send(closeFrame(1012))
			if err := <-reloaded; err != nil {
				t.Error(err)
			}
			g.expectEnd("reload", "gateway")
			c.Close()
			nothingLeft(t)
		})
	}
}

// A client that reads nothing holds up a write; ending the tunnel frees it.
func TestStreamThatReadsNothing(t *testing.T) {
	for _, version := range streamVersions {
		t.Run(version, func(t *testing.T) {
			g := startGateway(t, true, "", "ws_tunnel "+startOrigin(t, nil, func(p *peer) {
				p.send(answer(p.readHead(), ""))
				flood := textFrame(string(make([]byte, 1<<20)))
				for {
					if _, err := io.WriteString(p.Conn, flood); err != nil {
						return
					}
				}
			})+" {\nmax_lifetime 200ms\nlinger 200ms\n}")
			c := g.openVersion(version)
			g.expectEnd("max_lifetime", "gateway")
			nothingLeft(t)
			c.Close()
		})
	}
}

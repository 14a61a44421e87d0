// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"weak"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"golang.org/x/net/http2"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// sharedOrigin speaks HTTP/2 and, if asked to, opens WebSockets over it. What it
// does not open, it answers with 403.
type sharedOrigin struct {
	address string
	conns   atomic.Int32 // of HTTP/2
	asked   chan *http.Request
	opens   atomic.Bool
}

// newSharedOrigin starts one, with TLS if there is a config, which then decides
// what it speaks. Without, HTTP/1.1 is not spoken.
func newSharedOrigin(t *testing.T, config *tls.Config) *sharedOrigin {
	o := &sharedOrigin{asked: make(chan *http.Request, 100)}
	o.opens.Store(true)
	l := wstest.Listen(t)
	if config != nil {
		l = tls.NewListener(l, config)
	}
	o.address = l.Addr().String()
	wstest.Serve(t, l, func(c net.Conn) {
		if tlsConn, ok := c.(*tls.Conn); ok {
			if tlsConn.Handshake() != nil {
				return
			}
			if tlsConn.ConnectionState().NegotiatedProtocol != "h2" {
				switchIfAsked(asPeer(t, c))
				return
			}
		}
		o.serve(t, c)
	})
	return o
}

// serve serves a connection until it ends, at the end of the test at the latest:
// the gateway keeps it for a while.
func (o *sharedOrigin) serve(t *testing.T, c net.Conn) {
	o.conns.Add(1)
	defer context.AfterFunc(t.Context(), func() { c.Close() })()
	new(http2.Server).ServeConn(c, &http2.ServeConnOpts{Handler: o})
}

// ServeHTTP echoes what comes on a stream.
func (o *sharedOrigin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.asked <- r
	if !o.opens.Load() {
		http.Error(w, "no", http.StatusForbidden)
		return
	}
	wstest.EchoStream(w, r)
}

// Tunnels share a connection, and are asked for as RFC 8441 has it.
func TestSharedTunnels(t *testing.T) {
	for _, version := range append([]string{"HTTP/1.1"}, streamVersions...) {
		t.Run(version, func(t *testing.T) {
			o := newSharedOrigin(t, nil)
			g := startGateway(t, true, "skip_install_trust", "ws_tunnel "+o.address+" {\nname shared\nversions h2c\norigin_header https://app.test\n}")
			const tunnels = 20
			var open []*peer
			for range tunnels {
				p := g.openVersion(version)
				open = append(open, p)
				r := <-o.asked
				if r.Method != http.MethodConnect || r.Header.Get(":protocol") != "websocket" || r.URL.Path != "/ws" || r.Host != "site.test" ||
					r.Header.Get("Sec-Websocket-Version") != "13" || r.Header.Get("Sec-Websocket-Key") != "" || r.Header.Get("Origin") != "https://app.test" {
					t.Errorf("asked %s %s at %s: %v", r.Method, r.URL, r.Host, r.Header)
				}
			}
			if n := o.conns.Load(); n != 1 {
				t.Errorf("%d connections", n)
			}
			long := textFrame(strings.Repeat("x", 60000))
			for _, p := range open {
				go p.send(long)
				p.expect(long)
			}
			for _, p := range open {
				p.Close()
				if r := g.expectEnd("client_gone", "client"); r["engine"] != "pump" || r["origin_addr"] != o.address {
					t.Errorf("record %v", r)
				}
			}
			nothingLeft(t)
		})
	}
}

// An answer that opens no tunnel goes to the client, body and all.
func TestSharedRefusal(t *testing.T) {
	o := newSharedOrigin(t, nil)
	o.opens.Store(false)
	g := startGateway(t, false, "", "ws_tunnel "+o.address+" {\nversions h2c\n}")
	for range 3 {
		p := g.dial()
		p.send(handshakeOf("/ws", ""))
		resp := p.readAnswer()
		if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusForbidden || string(body) != "no\n" {
			t.Errorf("answered %s, %q", resp.Status, body)
		}
		g.expectRefusal("origin_refused")
	}
}

// An origin that does not offer it is asked in HTTP/1.1: one without HTTP/2, by
// ALPN or at all, and one whose HTTP/2 has no WebSockets.
func TestSharedFallsBack(t *testing.T) {
	files, _ := phCertificate(t)
	certFile, keyFile, _ := strings.Cut(files, " ")
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	trusted := "\nsni site.test\ntls {\ntls_trust_pool file " + certFile + "\n}"
	tests := map[string]struct {
		origin, options string
	}{
		"ALPN":    {"wss://" + newSharedOrigin(t, &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"http/1.1"}}).address, "versions h2" + trusted},
		"no ALPN": {"wss://" + startOrigin(t, &tls.Config{Certificates: []tls.Certificate{pair}}, switchIfAsked), "versions h2" + trusted},
		"no h2c":  {startOrigin(t, nil, http1Only), "versions h2c"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g := startGateway(t, false, "", "ws_tunnel "+test.origin+" {\n"+test.options+"\n}")
			for range 3 {
				p := g.open()
				p.send(textFrame("hi"))
				p.expect(textFrame("hi"))
			}
		})
	}
}

// switchIfAsked switches and echoes, unless the connection is closed at once.
func switchIfAsked(p *peer) {
	if _, err := p.r.Peek(1); err == nil {
		switchAndEcho(p)
	}
}

// http1Only answers what is no HTTP/1.1 as such a server would.
func http1Only(p *peer) {
	if start, err := p.r.Peek(3); err != nil || string(start) == "PRI" {
		p.send("HTTP/1.1 505 HTTP Version Not Supported\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		return
	}
	switchAndEcho(p)
}

// When the connection that tunnels share breaks, each ends, and the next one gets
// a new connection.
func TestSharedConnectionBreaks(t *testing.T) {
	var current atomic.Pointer[net.Conn]
	o := &sharedOrigin{asked: make(chan *http.Request, 100)}
	o.opens.Store(true)
	l := wstest.Listen(t)
	wstest.Serve(t, l, func(c net.Conn) {
		current.Store(&c)
		o.serve(t, c)
	})
	g := startGateway(t, false, "", "ws_tunnel "+l.Addr().String()+" {\nversions h2c\n}")
	g.open()
	g.open()
	(*current.Load()).Close()
	for range 2 {
		g.expectEnd("origin_gone", "origin")
	}
	g.open()
	if n := o.conns.Load(); n != 2 {
		t.Errorf("%d connections", n)
	}
}

func TestSharedMistakes(t *testing.T) {
	for input, want := range map[string]string{
		"ws_tunnel wss://a {\nversions 3\n}":                     "write 1.1, h2 or h2c",
		"ws_tunnel ws://a {\nversions h2\n}":                     "h2 is spoken over TLS",
		"ws_tunnel wss://a {\nversions h2c\n}":                   "h2c without",
		"ws_tunnel wss://a {\nversions h2\nproxy_protocol v2\n}": "exclude each other",
	} {
		if err := new(Handler).UnmarshalCaddyfile(caddyfile.NewTestDispenser(input)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", input, err, want)
		}
	}
}

// A reload leaves tunnels on shared connections alone, and the connection goes when
// the last of them has ended.
func TestSharedAcrossReloads(t *testing.T) {
	o := newSharedOrigin(t, nil)
	g := startGateway(t, false, "", "ws_tunnel "+o.address+" {\nname shared\nversions h2c\n}")
	p := g.open()
	old := weak.Make(theHTTPApp(t))
	g.change("name shared", "name shared\nheader_up X-Changed yes")
	g.expectAlive(p)
	for deadline := time.Now().Add(patience); old.Value() != nil; runtime.GC() {
		if time.Now().After(deadline) {
			t.Fatal("the tunnel keeps its config in memory")
		}
	}
	p.Close()
	g.expectEnd("client_gone", "client")
	awaitStacks(t, nobodyRuns("(*ClientConn).Shutdown("))
}

func theHTTPApp(t *testing.T) *caddyhttp.App {
	t.Helper()
	app, err := caddy.ActiveContext().AppIfConfigured("http")
	if err != nil {
		t.Fatal(err)
	}
	return app.(*caddyhttp.App)
}

// Another Caddy opens tunnels over HTTP/2, and its records say so.
func TestSharedWithCaddy(t *testing.T) {
	g := startGateway(t, true, "skip_install_trust", "handle /ws {\nrewrite /back\n"+
		"ws_tunnel wss://127.0.0.1:{http.request.local.port} {\nname front\nversions h2\nsni site.test\ntls {\ntls_insecure_skip_verify\n}\n}\n}\n"+
		"ws_tunnel /back "+echoOrigin(t)+" {\nname back\n}")
	p := g.open()
	p.send(textFrame("through both"))
	p.expect(textFrame("through both"))
	p.send(closeFrame(1000))
	p.expect(closeFrame(1000))
	p.Close()
	for range 2 {
		r := g.await("tunnel ended")
		if r["name"] == "back" && r["proto"] != "HTTP/2.0" {
			t.Errorf("asked over %v", r["proto"])
		}
		if r["reason"] != "client_closed" {
			t.Errorf("%v ended as %v", r["name"], r["reason"])
		}
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/frame"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/handshake"
)

// patience is how long a test waits for what must happen before it fails.
const patience = 20 * time.Second

// gateway is a running Caddy with one server that tests talk to.
type gateway struct {
	t       *testing.T
	address string
	client  *tls.Config // trusts the gateway; nil without TLS
	config  string
	records chan record
}

// record is a line of the log.
type record map[string]any

// startGateway runs Caddy with one site. global is a part of the global
// options, body that of the site; withTLS serves site.test over TLS.
func startGateway(t *testing.T, withTLS bool, global, body string) *gateway {
	t.Helper()
	nothingLeft(t) // of an earlier test, whose records would pass for ours
	g := &gateway{t: t, records: testRecords}
	for len(testRecords) > 0 {
		<-testRecords // of an earlier test
	}
	site := "http://:0"
	if withTLS {
		var files string
		files, g.client = phCertificate(t)
		site, body = "https://site.test:"+freePort(t), "tls "+files+"\n"+body
	}
	g.config = fmt.Sprintf(`{
	admin off
	persist_config off
	auto_https disable_redirects
	log {
		output wstunnel_test
		level DEBUG
	}
	%s
}
%s {
	bind 127.0.0.1
	%s
}
`, global, site, body)
	if err := g.load(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
	return g
}

// load loads the gateway's config, for the first time or again.
func (g *gateway) load() error {
	config, err := phAdapt(g.config)
	if err != nil {
		return err
	}
	if err := loadOrdered(config); err != nil {
		return err
	}
	app, err := caddy.ActiveContext().AppIfConfigured("http")
	if err != nil {
		return err
	}
	for _, srv := range app.(*caddyhttp.App).Servers {
		g.address = srv.Listeners()[0].Addr().String()
	}
	return nil
}

// freePort asks the system for a port that is free for TCP, which HTTP/3 then
// uses for UDP: with port 0 the two would differ.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// await waits for a record with a message and returns it.
func (g *gateway) await(message string) record {
	g.t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case r := <-g.records:
			if r["msg"] == message {
				return r
			}
		case <-timeout:
			g.t.Fatalf("no record %q", message)
		}
	}
}

// expectEnd waits for a tunnel's record and checks how it ended.
func (g *gateway) expectEnd(reason, side string) record {
	g.t.Helper()
	r := g.await("tunnel ended")
	if r["reason"] != reason || r["side"] != side {
		g.t.Errorf("ended as %v by %v, want %s by %s", r["reason"], r["side"], reason, side)
	}
	return r
}

// expectRefusal waits for the record of a handshake that failed.
func (g *gateway) expectRefusal(reason string) record {
	g.t.Helper()
	r := g.await("handshake refused")
	if r["reason"] != reason {
		g.t.Errorf("refused as %v (%v), want %s", r["reason"], r["error"], reason)
	}
	return r
}

const testKey = "dGhlIHNhbXBsZSBub25jZQ==" // RFC 6455 section 1.3

// handshakeOf is a handshake with more lines in it, each with its CRLF.
func handshakeOf(path, lines string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: site.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + testKey + "\r\n" + lines + "\r\n"
}

// peer is a raw connection to the gateway, or of it to an origin.
type peer struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

func newPeer(t *testing.T, c net.Conn) *peer {
	_ = c.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { c.Close() })
	return &peer{t, c, bufio.NewReader(c)}
}

func (g *gateway) dial() *peer {
	g.t.Helper()
	var c net.Conn
	var err error
	if g.client != nil {
		c, err = tls.Dial("tcp", g.address, g.client)
	} else {
		c, err = net.Dial("tcp", g.address)
	}
	if err != nil {
		g.t.Fatal(err)
	}
	return newPeer(g.t, c)
}

// open makes a tunnel.
func (g *gateway) open() *peer {
	g.t.Helper()
	p := g.dial()
	p.send(handshakeOf("/ws", ""))
	if head := p.readHead(); !strings.HasPrefix(head, "HTTP/1.1 101 ") {
		g.t.Fatalf("answer %q", head)
	}
	return p
}

func (p *peer) send(s string) {
	p.t.Helper()
	if _, err := io.WriteString(p.Conn, s); err != nil {
		p.t.Errorf("sending: %v", err)
	}
}

// readHead reads as far as the empty line, as it came over the wire.
func (p *peer) readHead() string {
	p.t.Helper()
	var head strings.Builder
	for !strings.HasSuffix(head.String(), "\r\n\r\n") {
		b, err := p.r.ReadByte()
		if err != nil {
			p.t.Errorf("after %q: %v", head.String(), err)
			break
		}
		head.WriteByte(b)
	}
	return head.String()
}

func (p *peer) expect(want string) {
	p.t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(p.r, got); err != nil || string(got) != want {
		p.t.Errorf("got %q (%v), want %q", got[:n], err, want)
	}
}

func (p *peer) expectEOF() {
	p.t.Helper()
	if rest, err := io.ReadAll(p.r); err != nil || len(rest) > 0 {
		p.t.Errorf("got %q (%v), want the end", rest, err)
	}
}

func (p *peer) expectClose(code int) {
	p.t.Helper()
	f, err := frame.Read(p.r, 125)
	if err != nil || f.Opcode != frame.Close || len(f.Payload) < 2 || int(f.Payload[0])<<8|int(f.Payload[1]) != code {
		p.t.Errorf("got %+v (%v), want a Close with %d", f, err, code)
	}
}

// closeWrite half-closes.
func (p *peer) closeWrite() {
	if c, ok := p.Conn.(interface{ CloseWrite() error }); !ok || c.CloseWrite() != nil {
		p.t.Error("cannot half-close")
	}
}

// startOrigin listens, hands every connection to serve, and returns where.
// Its TLS is that of config, if there is one.
func startOrigin(t *testing.T, config *tls.Config, serve func(p *peer)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if config != nil {
		l = tls.NewListener(l, config)
	}
	done := make(chan struct{})
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				p := newPeer(t, c)
				defer c.Close()
				serve(p)
			}()
		}
	}()
	return l.Addr().String()
}

// answer is an origin's 101 to a request head.
func answer(head, lines string) string {
	var key string
	for line := range strings.SplitSeq(head, "\r\n") {
		if value, ok := strings.CutPrefix(line, "Sec-WebSocket-Key: "); ok {
			key = value
		}
	}
	return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: " + handshake.Accept(key) + "\r\n" + lines + "\r\n"
}

// echoOrigin switches and sends back what comes until it ends, then ends.
func echoOrigin(t *testing.T) string {
	return startOrigin(t, nil, func(p *peer) {
		p.send(answer(p.readHead(), ""))
		_, _ = io.Copy(p.Conn, p.r)
	})
}

// nothingLeft fails the test unless the tunnels are gone from the registry and
// no goroutine of theirs remains.
func nothingLeft(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		tunnels.mu.Lock()
		live := len(tunnels.live)
		tunnels.mu.Unlock()
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		running := strings.Count(string(stacks), "internal/relay.(") + strings.Count(string(stacks), "(*attempt)") +
			strings.Count(string(stacks), "(*tunnel).end(") -
			strings.Count(string(stacks), "internal/relay.(*loop).run(") // those stay
		if live == 0 && running == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d tunnels and %d goroutines are left:\n%s", live, running, stacks)
		}
		runtime.Gosched()
	}
}

// testRecords receives every line that the log writer below is given.
var testRecords = make(chan record, 4096)

func init() { caddy.RegisterModule(recordWriter{}) }

// recordWriter is a log output for tests.
type recordWriter struct{}

func (recordWriter) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddy.logging.writers.wstunnel_test", New: func() caddy.Module { return new(recordWriter) }}
}
func (recordWriter) String() string                                { return "records" }
func (recordWriter) WriterKey() string                             { return "records" }
func (recordWriter) OpenWriter() (io.WriteCloser, error)           { return recordWriter{}, nil }
func (recordWriter) UnmarshalCaddyfile(*caddyfile.Dispenser) error { return nil }
func (recordWriter) Close() error                                  { return nil }
func (recordWriter) Write(line []byte) (int, error) {
	var r record
	if err := json.Unmarshal(line, &r); err != nil {
		return 0, err
	}
	select {
	case testRecords <- r:
	default: // nobody waits for so many
	}
	return len(line), nil
}

// readAnswer reads an ordinary answer.
func (p *peer) readAnswer() *http.Response {
	p.t.Helper()
	resp, err := http.ReadResponse(p.r, nil)
	if err != nil {
		p.t.Fatalf("reading the answer: %v", err)
	}
	return resp
}

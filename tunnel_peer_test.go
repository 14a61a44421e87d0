// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/frame"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

const testKey = wstest.Key

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

// newPeer is a client, whose connection is closed at the end of the test.
func newPeer(t *testing.T, c net.Conn) *peer {
	_ = c.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { c.Close() })
	return asPeer(t, c)
}

func asPeer(t *testing.T, c net.Conn) *peer { return &peer{t, c, bufio.NewReader(c)} }

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

// readAnswer reads an ordinary answer.
func (p *peer) readAnswer() *http.Response {
	p.t.Helper()
	resp, err := http.ReadResponse(p.r, nil)
	if err != nil {
		p.t.Fatalf("reading the answer: %v", err)
	}
	return resp
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
	l := wstest.Listen(t)
	if config != nil {
		l = tls.NewListener(l, config)
	}
	serveOrigin(t, l, serve)
	return l.Addr().String()
}

func serveOrigin(t *testing.T, l net.Listener, serve func(p *peer)) {
	t.Helper()
	wstest.Serve(t, l, func(c net.Conn) { serve(asPeer(t, c)) })
}

// answer is an origin's 101 to a request head.
func answer(head, lines string) string {
	var key string
	for line := range strings.SplitSeq(head, "\r\n") {
		if value, ok := strings.CutPrefix(line, "Sec-WebSocket-Key: "); ok {
			key = value
		}
	}
	return wstest.Switch(key, lines)
}

// echoOrigin switches and sends back what comes until it ends, then ends.
func echoOrigin(t *testing.T) string { return startOrigin(t, nil, switchAndEcho) }

func switchAndEcho(p *peer) {
	p.send(answer(p.readHead(), ""))
	_, _ = io.Copy(p.Conn, p.r)
}

// verbatim is an origin that answers with wire, whatever it is asked.
func verbatim(wire string) func(p *peer) {
	return func(p *peer) {
		p.readHead()
		p.send(wire)
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstest

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/frame"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/handshake"
)

// maxFrame is the longest frame that a peer reads, in bytes.
const maxFrame = 1 << 20

// Origin echoes WebSockets, answers "origin" to all else, and keeps what it was
// asked.
type Origin struct {
	Address string // loopback, host and port
	Port    string // the same
	Asked   chan Asked
}

// Asked is a request as it came to an origin.
type Asked struct {
	Proxy string // line of the PROXY header, without its end
	*http.Request
}

// NewOrigin starts an origin.
func NewOrigin(t *testing.T) *Origin {
	t.Helper()
	ln := Listen(t)
	o := &Origin{Address: ln.Addr().String(), Asked: make(chan Asked, 64)}
	_, o.Port, _ = net.SplitHostPort(o.Address)
	Serve(t, ln, o.serve)
	return o
}

// serve answers one request.
func (o *Origin) serve(conn net.Conn) {
	in := bufio.NewReader(conn)
	var asked Asked
	if start, _ := in.Peek(6); string(start) == "PROXY " {
		line, _ := in.ReadString('\n')
		asked.Proxy = strings.TrimSuffix(line, "\r\n")
	}
	var err error
	if asked.Request, err = http.ReadRequest(in); err != nil {
		return // a health check
	}
	o.Asked <- asked
	if asked.Header.Get("Upgrade") == "" {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\norigin")
		return
	}
	_, _ = io.WriteString(conn, Switch(asked.Header.Get("Sec-WebSocket-Key"), ""))
	for {
		f, err := frame.Read(in, maxFrame)
		if err != nil {
			return
		}
		if _, err := conn.Write(f.Append(nil)); err != nil {
			return
		}
	}
}

// EchoStream answers an extended CONNECT (RFC 8441) and sends back what comes on
// its stream.
func EchoStream(w http.ResponseWriter, r *http.Request) {
	out := http.NewResponseController(w)
	w.WriteHeader(http.StatusOK)
	_ = out.Flush()
	for buf := make([]byte, 4<<10); ; {
		n, err := r.Body.Read(buf)
		if _, failed := w.Write(buf[:n]); failed != nil || err != nil {
			return
		}
		_ = out.Flush()
	}
}

// Next waits for a request and returns the one that came first.
func (o *Origin) Next(t *testing.T) Asked {
	t.Helper()
	select {
	case asked := <-o.Asked:
		return asked
	case <-time.After(Patience):
		t.Fatal("the origin was not asked")
		return Asked{}
	}
}

// Switch is the 101 that answers a key, with more fields, each with its line
// break.
func Switch(key, fields string) string {
	return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: " + handshake.Accept(key) + "\r\n" + fields + "\r\n"
}

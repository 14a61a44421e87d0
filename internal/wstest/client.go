// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstest

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/frame"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/handshake"
)

// Key is that of a client's handshake (RFC 6455 section 1.3).
const Key = "dGhlIHNhbXBsZSBub25jZQ=="

// The fields of a request: Upgrade makes it one for a WebSocket, Plain one for
// anything else.
const (
	Upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + Key + "\r\n"
	Plain   = "Connection: close\r\n"
)

// Request is what a client asks.
type Request struct {
	Address string      // that it connects to
	Proxy   string      // sent ahead of all, TLS included
	TLS     *tls.Config // nil: none
	Host    string
	Path    string
	Fields  string // after Host, each with its line break
}

// Answer is the answer to a request, and the connection behind a 101.
type Answer struct {
	*http.Response
	Text string // the body, if this is no 101
	Conn net.Conn
	in   *bufio.Reader
}

// Ask sends a request over a connection of its own.
func Ask(t *testing.T, r Request) Answer {
	t.Helper()
	conn := Dial(t, r.Address)
	if _, err := io.WriteString(conn, r.Proxy); err != nil {
		t.Fatal(err)
	}
	if r.TLS != nil {
		conn = tls.Client(conn, r.TLS)
	}
	if _, err := io.WriteString(conn, "GET "+r.Path+" HTTP/1.1\r\nHost: "+r.Host+"\r\n"+r.Fields+"\r\n"); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	a := Answer{Response: resp, Conn: conn, in: in}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		if accept := resp.Header.Get("Sec-WebSocket-Accept"); accept != handshake.Accept(Key) {
			t.Errorf("Sec-WebSocket-Accept %q", accept)
		}
		return a
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a.Text = string(body)
	return a
}

// Echoes sends a message of less than 126 bytes and wants it back.
func (a Answer) Echoes(t *testing.T, message string) {
	t.Helper()
	// A client must mask; a key of zeroes leaves the text as it is.
	masked := append([]byte{0x81, 0x80 | byte(len(message)), 0, 0, 0, 0}, message...)
	if _, err := a.Conn.Write(masked); err != nil {
		t.Fatal(err)
	}
	if got := a.receive(t); got != message {
		t.Errorf("%q came back as %q", message, got)
	}
}

// Saw is the first message of ws_echo: what the request was when it came there.
type Saw struct {
	URI         string            `json:"uri"`
	Host        string            `json:"host"`
	Headers     http.Header       `json:"headers"`
	RemoteAddr  string            `json:"remote_addr"`
	ServerName  string            `json:"server_name"`
	ProxyHeader map[string]string `json:"proxy_header"`
}

// Saw receives it.
func (a Answer) Saw(t *testing.T) (s Saw) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.receive(t)), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// receive reads a message that came in one frame.
func (a Answer) receive(t *testing.T) string {
	t.Helper()
	if a.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%s: %s", a.Status, a.Text)
	}
	f, err := frame.Read(a.in, maxFrame)
	if err != nil || f.Opcode != frame.Text {
		t.Fatalf("frame %v, %v", f.Opcode, err)
	}
	return string(f.Payload)
}

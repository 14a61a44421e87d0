// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/frame"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/handshake"
)

// exDeadline is when a test gives up that hangs.
const exDeadline = 30 * time.Second

// exUpgrade is what makes a request one for a WebSocket.
const (
	exKey     = "dGhlIHNhbXBsZSBub25jZQ=="
	exUpgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + exKey + "\r\n"
	exPlain   = "Connection: close\r\n"
)

// exAsk is a request to an example.
type exAsk struct {
	port   string // as the example has it
	tls    bool
	proxy  string // sent ahead of all
	host   string
	path   string
	fields string // after Host, each with its line break
}

// exAnswer is what came: the answer, and the connection behind a 101.
type exAnswer struct {
	*http.Response
	body string
	conn net.Conn
	in   *bufio.Reader
}

func (s *exSite) dial(t *testing.T, port string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.ports[port])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(exDeadline))
	return conn
}

func (s *exSite) ask(t *testing.T, ask exAsk) exAnswer {
	t.Helper()
	conn := s.dial(t, ask.port)
	if _, err := io.WriteString(conn, ask.proxy); err != nil {
		t.Fatal(err)
	}
	if ask.tls {
		conn = tls.Client(conn, &tls.Config{RootCAs: s.trust, ServerName: ask.host, NextProtos: []string{"http/1.1"}})
	}
	request := "GET " + ask.path + " HTTP/1.1\r\nHost: " + ask.host + ":" + ask.port + "\r\n" + ask.fields + "\r\n"
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	answer := exAnswer{conn: conn, in: bufio.NewReader(conn)}
	var err error
	if answer.Response, err = http.ReadResponse(answer.in, nil); err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode == http.StatusSwitchingProtocols {
		if accept := answer.Header.Get("Sec-WebSocket-Accept"); accept != handshake.Accept(exKey) {
			t.Errorf("Sec-WebSocket-Accept %q", accept)
		}
		return answer
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	answer.body = string(body)
	return answer
}

// saw is the first message of ws_echo.
func (a exAnswer) saw(t *testing.T) saw {
	t.Helper()
	var s saw
	if err := json.Unmarshal([]byte(a.receive(t)), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// echoes sends a message and wants it back.
func (a exAnswer) echoes(t *testing.T, message string) {
	t.Helper()
	// A client must mask; a key of zeroes leaves the text as it is.
	masked := append([]byte{0x81, 0x80 | byte(len(message)), 0, 0, 0, 0}, message...)
	if _, err := a.conn.Write(masked); err != nil {
		t.Fatal(err)
	}
	if got := a.receive(t); got != message {
		t.Errorf("%q came back as %q", message, got)
	}
}

func (a exAnswer) receive(t *testing.T) string {
	t.Helper()
	if a.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%s: %s", a.Status, a.body)
	}
	f, err := frame.Read(a.in, maxEcho)
	if err != nil || f.Opcode != frame.Text {
		t.Fatalf("frame %v, %v", f.Opcode, err)
	}
	return string(f.Payload)
}

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
	"strings"
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

// exOrigin is an origin that keeps what it was asked, byte by byte where it
// matters.
type exOrigin struct {
	address string // loopback, host and port
	asked   chan exAsked
}

type exAsked struct {
	proxy string // line, without its end
	*http.Request
}

func newExOrigin(t *testing.T) *exOrigin {
	t.Helper()
	ln := exSilent(t)
	o := &exOrigin{address: ln.Addr().String(), asked: make(chan exAsked, 16)}
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go o.serve(conn)
		}
	}()
	return o
}

// serve answers one request: a WebSocket by echoing it, anything else with 200.
func (o *exOrigin) serve(conn net.Conn) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(exDeadline))
	in := bufio.NewReader(conn)
	var asked exAsked
	if start, _ := in.Peek(6); string(start) == "PROXY " {
		line, _ := in.ReadString('\n')
		asked.proxy = strings.TrimSuffix(line, "\r\n")
	}
	var err error
	if asked.Request, err = http.ReadRequest(in); err != nil {
		return
	}
	o.asked <- asked
	if asked.Header.Get("Upgrade") == "" {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\norigin")
		return
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Accept: "+handshake.Accept(asked.Header.Get("Sec-WebSocket-Key"))+"\r\n\r\n")
	for {
		f, err := frame.Read(in, maxEcho)
		if err != nil {
			return
		}
		if _, err := conn.Write(f.Append(nil)); err != nil {
			return
		}
	}
}

// next is the request that the origin got last.
func (o *exOrigin) next(t *testing.T) exAsked {
	t.Helper()
	select {
	case asked := <-o.asked:
		return asked
	case <-time.After(exDeadline):
		t.Fatal("the origin was not asked")
		return exAsked{}
	}
}

// exSilent is an origin that takes connections and never says a word.
func exSilent(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

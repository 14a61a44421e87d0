// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

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

const (
	upgradeKey    = "dGhlIHNhbXBsZSBub25jZQ=="
	upgradeFields = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + upgradeKey + "\r\n"
	plainFields   = "Connection: close\r\n"
)

// answer is that to a request, and the connection behind a 101.
type answer struct {
	*http.Response
	body string
	conn net.Conn
	in   *bufio.Reader
}

// ask sends a request to a port, over TLS if config is not nil. fields have
// their line breaks.
func ask(t *testing.T, port string, config *tls.Config, host, path, fields string) answer {
	t.Helper()
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	if config != nil {
		conn = tls.Client(conn, config)
	}
	if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: "+host+"\r\n"+fields+"\r\n"); err != nil {
		t.Fatal(err)
	}
	a := answer{conn: conn, in: bufio.NewReader(conn)}
	if a.Response, err = http.ReadResponse(a.in, nil); err != nil {
		t.Fatal(err)
	}
	if a.StatusCode == http.StatusSwitchingProtocols {
		if accept := a.Header.Get("Sec-WebSocket-Accept"); accept != handshake.Accept(upgradeKey) {
			t.Errorf("Sec-WebSocket-Accept %q", accept)
		}
		return a
	}
	body, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	a.body = string(body)
	return a
}

// echoes sends a message and wants it back.
func (a answer) echoes(t *testing.T, message string) {
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

func (a answer) receive(t *testing.T) string {
	t.Helper()
	if a.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%s: %s", a.Status, a.body)
	}
	f, err := frame.Read(a.in, 1<<20)
	if err != nil || f.Opcode != frame.Text {
		t.Fatalf("frame %v, %v", f.Opcode, err)
	}
	return string(f.Payload)
}

// saw is the first message of ws_echo.
type saw struct {
	URI         string            `json:"uri"`
	Host        string            `json:"host"`
	Headers     http.Header       `json:"headers"`
	RemoteAddr  string            `json:"remote_addr"`
	ProxyHeader map[string]string `json:"proxy_header"`
}

func (a answer) saw(t *testing.T) (s saw) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.receive(t)), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// origin echoes WebSockets, answers "origin" to all else, and keeps what it was
// asked, a PROXY line included.
type origin struct {
	port  string
	asked chan asked
}

type asked struct {
	proxy string
	*http.Request
}

func newOrigin(t *testing.T) *origin {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	o := &origin{port: port, asked: make(chan asked, 64)}
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

func (o *origin) serve(conn net.Conn) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	in := bufio.NewReader(conn)
	var a asked
	if first, _ := in.Peek(6); string(first) == "PROXY " {
		line, _ := in.ReadString('\n')
		a.proxy = strings.TrimSuffix(line, "\r\n")
	}
	var err error
	if a.Request, err = http.ReadRequest(in); err != nil {
		return // a health check
	}
	o.asked <- a
	if a.Header.Get("Upgrade") == "" {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\norigin")
		return
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Accept: "+handshake.Accept(a.Header.Get("Sec-WebSocket-Key"))+"\r\n\r\n")
	for {
		f, err := frame.Read(in, 1<<20)
		if err != nil {
			return
		}
		if _, err := conn.Write(f.Append(nil)); err != nil {
			return
		}
	}
}

func (o *origin) next(t *testing.T) asked {
	t.Helper()
	select {
	case a := <-o.asked:
		return a
	case <-time.After(patience):
		t.Fatal("the origin was not asked")
		return asked{}
	}
}

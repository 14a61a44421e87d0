// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

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

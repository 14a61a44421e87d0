// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/handshake"
)

// connLink is a connection of its own, with TLS or without.
type connLink struct {
	net.Conn // the outer layer
	tcp      *net.TCPConn
}

func (l connLink) CloseWrite() error {
	return l.Conn.(interface{ CloseWrite() error }).CloseWrite()
}

func (l connLink) Reset() {
	_ = l.tcp.SetLinger(0)
	l.tcp.Close()
}

// dial connects a client of HTTP/1.1.
func (s *soak) dial(k kind) (connLink, error) {
	conn, err := net.DialTimeout("tcp", s.gateway.address(k), patience)
	if err != nil {
		return connLink{}, fmt.Errorf("connecting to the gateway: %w", err)
	}
	l := connLink{conn, conn.(*net.TCPConn)}
	if k == overTLS {
		l.Conn = tls.Client(conn, s.trust)
	}
	return l, nil
}

// openConn opens a tunnel over HTTP/1.1. If the client gives up, it leaves right
// behind its request.
func (s *soak) openConn(t *tunnel) (*peer, http.Header, error) {
	l, err := s.dial(t.kind)
	if err != nil {
		return nil, nil, err
	}
	_ = l.SetDeadline(time.Now().Add(patience))
	key := handshake.NewKey()
	_, err = io.WriteString(l, "GET "+t.path()+" HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "+key+"\r\n\r\n")
	if err == nil && t.fate.givesUp {
		l.Close()
		return nil, nil, errGaveUp
	}
	in := bufio.NewReaderSize(l, 1<<10)
	var resp *http.Response
	if err == nil {
		resp, err = http.ReadResponse(in, nil) //nolint:bodyclose // a 101 has none, and of others the connection is closed
	}
	if err == nil && resp.StatusCode != http.StatusSwitchingProtocols {
		err = fmt.Errorf("%w: %s", errRefused, resp.Status)
	}
	if err == nil {
		err = handshake.CheckSwitch(resp, key)
	}
	if err != nil {
		l.Close()
		return nil, nil, err
	}
	_ = l.SetDeadline(time.Time{})
	return newPeer(l, in, true), resp.Header, nil
}

var errGaveUp = errors.New("the client gave up")

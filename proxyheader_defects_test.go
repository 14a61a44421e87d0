// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/proxyheader"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// The tests of this file are what Caddy's own proxy_protocol (v2.11.9) gets wrong,
// numbered as in the list of research/proxy-protocol.md, section 4.

// 1: a header that stops inside its TLVs was swallowed after the timeout, and a
// request behind it served with the load balancer's address.
func TestDefectStalledHeader(t *testing.T) {
	site := phRun(t, "proxy_header {\noptional 127.0.0.1\ntimeout 500ms\n}", `respond "{remote_host}"`)
	c := wstest.Dial(t, site.address)
	if _, err := io.WriteString(c, phVector(t, "v2-truncated-tlv-open")); err != nil {
		t.Fatal(err)
	}
	if got := phBody(t, c); got != "" {
		t.Errorf("answered %q", got)
	}
	lines := site.logs.lines(t, `"timeout-incomplete"`)
	if len(lines) != 1 || lines[0]["level"] != "warn" {
		t.Errorf("logged %v", lines)
	}
}

// 2: an AF_UNIX source named @ became a trusted Unix peer.
func TestDefectUnixSource(t *testing.T) {
	site := phRunOptions(t, "proxy_header 127.0.0.1", "trusted_proxies_unix", "http://:0", `respond "{client_ip} {remote_host}"`)
	request := strings.Replace(phGet, "\r\n\r\n", "\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n", 1)
	for _, vector := range []string{"v2-unix-at-sign", "v2-unix-108-no-nul"} {
		if got := site.send(t, phVector(t, vector)+request); got != "127.0.0.1 127.0.0.1" {
			t.Errorf("%s: %q", vector, got)
		}
	}
}

// 3: the zone of a link-local peer let it slip past a rule. 4: a peer whose address
// is none ended the listener.
func TestDefectPeerAddresses(t *testing.T) {
	peers := []string{"fe80::1%eth0", "@", ""}
	ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	defer cancel()
	lw := phRules("reject fe80::/10", "require ::/0 0.0.0.0/0")
	if err := lw.Provision(ctx); err != nil {
		t.Fatal(err)
	}
	ln := &phListener{}
	for _, peer := range append(peers, "203.0.113.1") {
		client, server := net.Pipe()
		defer client.Close()
		ln.conns = append(ln.conns, &phConn{Conn: server, peer: peer})
	}
	c, err := lw.WrapListener(ln).Accept()
	if err != nil {
		t.Fatal(err)
	}
	if got := c.(interface{ RealRemoteAddr() net.Addr }).RealRemoteAddr().String(); got != "203.0.113.1:1000" {
		t.Errorf("accepted %s", got)
	}
	for i, peer := range peers {
		if !ln.accepted[i].closed {
			t.Errorf("%q was not closed", peer)
		}
	}
}

// 5: a peer that was to be denied was served if it sent no header.
func TestDefectDenied(t *testing.T) {
	site := phRun(t, "proxy_header {\nreject 127.0.0.1\n}", "respond served")
	for _, header := range []string{"", phLineV1} {
		if got := site.get(t, header); got != "" {
			t.Errorf("%q: %q", header, got)
		}
	}
}

// 6: a wrong checksum was accepted, with the damaged address.
func TestDefectChecksum(t *testing.T) {
	site := phRun(t, "proxy_header 127.0.0.1", `respond "{remote_host}"`)
	header := phVector(t, "v2-tlv-crc32c")
	if got := site.get(t, header); got != "203.0.113.7" {
		t.Errorf("%q", got)
	}
	damaged := []byte(header)
	damaged[19] ^= 1
	if got := site.get(t, string(damaged)); got != "" {
		t.Errorf("damaged: %q", got)
	}
}

// 7: nothing was logged of a rejection.
func TestDefectSilence(t *testing.T) {
	site := phRun(t, "proxy_header 127.0.0.1", "respond served")
	if got := site.get(t, "PROXY TCP4 1.2.3.4 5.6.7.8 1 99999\r\n"); got != "" {
		t.Errorf("%q", got)
	}
	lines := site.logs.lines(t, `"connection rejected"`)
	if len(lines) != 1 {
		t.Fatalf("%d lines", len(lines))
	}
	line := lines[0]
	peer, _ := line["peer"].(string)
	if line["level"] != "warn" || line["reason"] != string(proxyheader.V1BadPort) || line["rule"] != "require 127.0.0.1/32" ||
		!strings.HasPrefix(peer, "127.0.0.1:") || line["logger"] != "caddy.listeners.proxy_header" ||
		line["first_bytes"] != "50524f5859205443503420312e322e332e3420352e362e372e38203120393939" {
		t.Errorf("%v", line)
	}

	// A health check that connects and closes is for the debug level.
	wstest.Dial(t, site.address).Close()
	c := wstest.Dial(t, site.address)
	_ = c.(*net.TCPConn).CloseWrite()
	_, _ = io.ReadAll(c)
	lines = site.logs.lines(t, `"eof-incomplete"`)
	if len(lines) == 0 {
		t.Error("no line at debug level")
	}
	for _, line := range lines {
		if line["level"] != "debug" {
			t.Errorf("%v", line)
		}
	}
}

// phListener accepts what it was given.
type phListener struct{ conns, accepted []*phConn }

func (l *phListener) Accept() (net.Conn, error) {
	if len(l.conns) == 0 {
		return nil, errors.New("nothing left")
	}
	c := l.conns[0]
	l.conns, l.accepted = l.conns[1:], append(l.accepted, c)
	return c, nil
}

func (*phListener) Close() error   { return nil }
func (*phListener) Addr() net.Addr { return phAddr("") }

// phConn has a peer of its own.
type phConn struct {
	net.Conn
	peer   string
	closed bool
}

func (c *phConn) RemoteAddr() net.Addr { return phAddr(c.peer) }

func (c *phConn) Close() error {
	c.closed = true
	return c.Conn.Close()
}

type phAddr string

func (phAddr) Network() string { return "tcp" }

func (a phAddr) String() string {
	if a == "" || a == "@" {
		return string(a)
	}
	return net.JoinHostPort(string(a), "1000")
}

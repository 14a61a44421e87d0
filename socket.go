// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"crypto/tls"
	"net"
	"reflect"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/proxylisten"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/reclaim"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/relay"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/unwrap"
)

// endOf makes an end of a tunnel of a connection. Where all that is wrapped
// around its socket passes bytes as they are, once a request has been read, it
// is the socket: then the poll engine can have it. Where there is TLS in
// between, the socket still tells when there is something to read. What is not
// known, a listener wrapper of another plugin for one, may do anything.
func endOf(conn net.Conn) (end relay.End, socket net.Conn) {
	layered := false
	for c := conn; c != nil; c = unwrap.Next(c) {
		switch c := c.(type) {
		case *net.TCPConn, *net.UnixConn:
			if layered {
				return relay.Layered(conn, c), c
			}
			return relay.Conn(c), c
		case *tls.Conn:
			if outer := reclaim.TLS(c); !layered {
				conn, layered = outer, true
			}
		default:
			if !transparent(c) {
				return relay.Conn(conn), nil
			}
		}
	}
	return relay.Conn(conn), nil
}

// transparent tells our own connections that had a PROXY header, and those that
// Caddy wraps when a server speaks one of HTTP/1 and HTTP/2 only, to look at
// the first bytes. The latter have no exported name.
func transparent(c net.Conn) bool {
	t := reflect.TypeOf(c)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.PkgPath() == proxylistenPath || t.PkgPath() == caddyhttpPath && t.Name() == "http2Conn"
}

var (
	proxylistenPath = reflect.TypeFor[proxylisten.Conn]().PkgPath()
	caddyhttpPath   = reflect.TypeFor[caddyhttp.Server]().PkgPath()
)

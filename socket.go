// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"net"
	"reflect"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/proxylisten"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/unwrap"
)

// bareSocket returns the socket below conn if all that is wrapped around it
// passes bytes as they are, once a request has been read: then the poll engine
// can have it. Otherwise it returns conn. What is not known, a listener wrapper
// of another plugin for one, may well change bytes.
func bareSocket(conn net.Conn) net.Conn {
	for c := conn; c != nil; c = unwrap.Next(c) {
		switch c.(type) {
		case *net.TCPConn, *net.UnixConn:
			return c
		}
		if !transparent(c) {
			break
		}
	}
	return conn
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

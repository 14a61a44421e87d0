// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package unwrap goes down through the connections that servers and listeners
// wrap around a socket.
package unwrap

import (
	"net"
	"reflect"
)

// Next returns the connection one layer below c, or nil where there is none or
// no way to it.
//
// The way is a method NetConn, as *tls.Conn has it. Where that is missing, it
// is an embedded field named Conn: Caddy's http2Conn, tlsStateConn and
// hijackedConn (modules/caddyhttp/http2listener.go and responsewriter.go) are
// unexported types without any accessor, and reflection is the only thing that
// reaches what they embed. That costs a microsecond, once for a connection.
func Next(c net.Conn) net.Conn {
	if c == nil {
		return nil
	}
	if n, ok := c.(interface{ NetConn() net.Conn }); ok {
		return n.NetConn()
	}

	v := reflect.ValueOf(c)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return nil
	}
	field, ok := v.Type().FieldByName("Conn")
	if !ok || !field.Anonymous {
		return nil
	}
	v, err := v.FieldByIndexErr(field.Index)
	if err != nil || !v.CanInterface() {
		return nil
	}
	next, _ := reflect.TypeAssert[net.Conn](v)
	return next
}

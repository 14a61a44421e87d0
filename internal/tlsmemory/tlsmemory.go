// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package tlsmemory has TLS connections let go of memory that they hold and do not
// need.
//
// Package crypto/tls cannot be asked for that, so this reaches for private fields of
// its connections. Should a later Go name one otherwise, the memory stays in use and
// nothing else is different; a test tells.
package tlsmemory

import (
	"bytes"
	"crypto/tls"
	"reflect"
	"unsafe"
)

// Conn is a TLS connection that needs less memory while it rests.
type Conn struct{ *tls.Conn }

// Of returns conn, whose handshake is over, as a Conn. It forgets the config that it
// was made with. Caddy's leads by its functions to everything that it was loaded with,
// so that one tunnel would keep a whole old config in memory, and each reload another
// one. conn must be in nobody else's hands yet.
func Of(conn *tls.Conn) Conn {
	if config := configOf.in(conn); config != nil && *config != nil && conn.ConnectionState().HandshakeComplete {
		*config = remains(*config)
	}
	return Conn{conn}
}

// Rest frees what the connection reads into, unless there is something in it. That has
// the size of the largest record so far, or of the handshake. The next Read makes it
// anew; none may be under way.
func (c Conn) Rest() {
	raw, hand, input := rawInputOf.in(c.Conn), handOf.in(c.Conn), inputOf.in(c.Conn)
	if raw == nil || hand == nil || input == nil {
		return
	}
	if raw.Len() == 0 && input.Len() == 0 {
		*raw, *input = bytes.Buffer{}, bytes.Reader{} // input reads what raw has
	}
	if hand.Len() == 0 {
		*hand = bytes.Buffer{}
	}
}

// remains returns what a connection asks its config for after the handshake.
func remains(config *tls.Config) *tls.Config {
	if config.Rand == nil && config.Time == nil && !config.DynamicRecordSizingDisabled {
		return &usual
	}
	return &tls.Config{
		Rand:                        config.Rand,
		Time:                        config.Time,
		DynamicRecordSizingDisabled: config.DynamicRecordSizingDisabled,
	}
}

var usual tls.Config

// The fields are those of Go 1.26's tls.Conn.
var (
	configOf   = lookUp[*tls.Config]("config")
	rawInputOf = lookUp[bytes.Buffer]("rawInput") // records as they came
	inputOf    = lookUp[bytes.Reader]("input")    // what has been decrypted, in place
	handOf     = lookUp[bytes.Buffer]("hand")     // messages of the handshake
)

// field is a field of a tls.Conn.
type field[T any] struct {
	offset uintptr
	known  bool
}

func lookUp[T any](name string) field[T] {
	f, ok := reflect.TypeFor[tls.Conn]().FieldByName(name)
	return field[T]{f.Offset, ok && f.Type == reflect.TypeFor[T]()}
}

// in returns where the field is in conn, or nil if it is not known.
func (f field[T]) in(conn *tls.Conn) *T {
	if !f.known {
		return nil
	}
	return (*T)(unsafe.Add(unsafe.Pointer(conn), f.offset))
}

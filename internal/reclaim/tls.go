// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package reclaim

import (
	"bytes"
	"crypto/tls"
)

// TLSConn is a TLS connection that needs less memory while it rests.
type TLSConn struct{ *tls.Conn }

// TLS returns conn, whose handshake is over, as a TLSConn. It forgets the config that it
// was made with, unless that allows renegotiation. Caddy's leads by its functions to
// everything that it was loaded with, so that one tunnel would keep a whole old config
// in memory, and each reload another one. conn must be in nobody else's hands yet.
func TLS(conn *tls.Conn) TLSConn {
	if config := configOf.in(conn); config != nil && *config != nil && conn.ConnectionState().HandshakeComplete {
		*config = remains(*config)
	}
	return TLSConn{conn}
}

// Rest frees what the connection reads into, unless there is something in it. That has
// the size of the largest record so far, or of the handshake. The next Read makes it
// anew; none may be under way.
func (c TLSConn) Rest() {
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
	if config.Renegotiation != tls.RenegotiateNever {
		return config // another handshake asks for all of it
	}
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
	configOf   = lookUp[tls.Conn, *tls.Config]("config")
	rawInputOf = lookUp[tls.Conn, bytes.Buffer]("rawInput") // records as they came
	inputOf    = lookUp[tls.Conn, bytes.Reader]("input")    // what has been decrypted, in place
	handOf     = lookUp[tls.Conn, bytes.Buffer]("hand")     // messages of the handshake
)

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"crypto/tls"
	"reflect"
	"unsafe"
)

// releaseConfig makes a TLS connection forget the config that it was accepted
// with. Caddy's leads by its functions to everything that it was loaded with,
// so that one tunnel would keep a whole old config in memory, and each reload
// another one. After the handshake nothing of it is asked for but these values.
//
// There is no way to this but the private field. Should a later Go name it
// otherwise, the memory stays in use, nothing else; a test tells. conn must be
// in nobody else's hands yet.
func releaseConfig(conn *tls.Conn) {
	field := reflect.ValueOf(conn).Elem().FieldByName("config")
	if !field.IsValid() || field.Type() != reflect.TypeFor[*tls.Config]() {
		return
	}
	config := (**tls.Config)(unsafe.Pointer(field.UnsafeAddr()))
	if *config == nil || !conn.ConnectionState().HandshakeComplete {
		return
	}
	*config = &tls.Config{
		Rand:                        (*config).Rand,
		Time:                        (*config).Time,
		DynamicRecordSizingDisabled: (*config).DynamicRecordSizingDisabled,
	}
}

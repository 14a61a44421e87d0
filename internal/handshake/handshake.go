// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package handshake is the codec of the WebSocket opening handshake (RFC 6455
// section 4) as a gateway needs it: it checks what a client asks, writes the
// request to an origin byte by byte, and checks what the origin answers.
package handshake

import (
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"strings"
)

// Error is a handshake that breaks a rule, and which.
type Error struct {
	// Reason is stable: it is a metric label and a field of log records.
	Reason string

	// Detail is what the error says.
	Detail string
}

func (e *Error) Error() string { return e.Detail }

// Version is the only version of the protocol there is (RFC 6455 section 4.1).
const Version = "13"

// guid is the constant of RFC 6455 section 1.3.
const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// What a client can do wrong.
var (
	ErrMethod  = &Error{"bad_method", "an upgrade must be a GET request"}
	ErrVersion = &Error{"bad_version", "the WebSocket version must be 13"}
	ErrKey     = &Error{"bad_key", "there must be one Sec-WebSocket-Key of 16 bytes in base64"}
	ErrBody    = &Error{"body_not_allowed", "an upgrade must not have a body"}
)

// CheckRequest reports what is wrong with a client's handshake, as one of the
// errors above, or nil. A request of HTTP/2 and HTTP/3 has neither key nor
// GET (RFC 8441 section 5), and its body is the tunnel itself.
func CheckRequest(r *http.Request) error {
	if r.ProtoMajor == 1 {
		switch {
		case r.Method != http.MethodGet:
			return ErrMethod
		case r.ContentLength != 0:
			return ErrBody
		}
	}
	if v := r.Header.Values("Sec-WebSocket-Version"); len(v) != 1 || strings.TrimSpace(v[0]) != Version {
		return ErrVersion
	}
	if r.ProtoMajor == 1 && !validKey(r.Header.Values("Sec-WebSocket-Key")) {
		return ErrKey
	}
	return nil
}

func validKey(keys []string) bool {
	if len(keys) != 1 {
		return false
	}
	var raw [18]byte // what 24 characters of base64 can hold
	key := keys[0]
	if len(key) != base64.StdEncoding.EncodedLen(16) {
		return false
	}
	n, err := base64.StdEncoding.Decode(raw[:], []byte(key))
	return err == nil && n == 16
}

// NewKey makes a key for an origin when the client has none: in HTTP/2 and
// HTTP/3 the gateway is the one who asks in HTTP/1.1.
func NewKey() string {
	var raw [16]byte
	rand.Read(raw[:]) // never fails
	return base64.StdEncoding.EncodeToString(raw[:])
}

// Accept computes the Sec-WebSocket-Accept that answers key (RFC 6455 section
// 4.2.2, step 5.4).
func Accept(key string) string {
	sum := sha1.Sum([]byte(key + guid))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package handshake

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// Request is what an origin is asked.
type Request struct {
	// Target is the request target in origin form, "/chat?room=1".
	Target string

	// Host is the Host field.
	Host string

	// Header holds all other fields. Connection, Upgrade and the key and
	// version are written from this struct, whatever it says of them.
	Header http.Header

	// Key is the Sec-WebSocket-Key.
	Key string
}

// written are the fields that Append writes itself.
var written = map[string]bool{
	"Host": true, "Connection": true, "Upgrade": true, "Content-Length": true, "Transfer-Encoding": true,
	"Sec-Websocket-Key": true, "Sec-Websocket-Version": true,
}

// Append appends the request as it goes on the wire. The fields are sorted, so
// that equal requests are equal bytes. It fails rather than let a target, a
// host or a name break the message; line breaks in values become spaces, as
// net/http has it.
func (q *Request) Append(dst []byte) ([]byte, error) {
	if !strings.HasPrefix(q.Target, "/") || strings.ContainsFunc(q.Target, isSpaceOrControl) {
		return nil, fmt.Errorf("request target %q cannot be sent", q.Target)
	}
	if !httpguts.ValidHostHeader(q.Host) {
		return nil, fmt.Errorf("host %q cannot be sent", q.Host)
	}
	dst = append(dst, "GET "...)
	dst = append(dst, q.Target...)
	dst = append(dst, " HTTP/1.1\r\n"...)
	dst = appendField(dst, "Host", q.Host)
	dst = appendField(dst, "Connection", "Upgrade")
	dst = appendField(dst, "Upgrade", "websocket")
	dst = appendField(dst, "Sec-WebSocket-Version", Version)
	dst = appendField(dst, "Sec-WebSocket-Key", q.Key)

	names := make([]string, 0, len(q.Header))
	for name := range q.Header {
		if !written[http.CanonicalHeaderKey(name)] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if !httpguts.ValidHeaderFieldName(name) {
			return nil, fmt.Errorf("field name %q cannot be sent", name)
		}
		for _, value := range q.Header[name] {
			dst = appendField(dst, WireName(name), value)
		}
	}
	return append(dst, "\r\n"...), nil
}

func appendField(dst []byte, name, value string) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	dst = append(dst, FieldValue(value)...)
	return append(dst, "\r\n"...)
}

// FieldValue is a value without what would end a field, or does for some recipients
// (RFC 9110 section 5.5).
func FieldValue(value string) string { return endings.Replace(value) }

var endings = strings.NewReplacer("\r", " ", "\n", " ", "\x00", " ")

func isSpaceOrControl(r rune) bool { return r <= ' ' || r == 0x7f }

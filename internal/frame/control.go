// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"crypto/rand"
	"encoding/binary"
	"strings"
	"unicode/utf8"
)

// AppendClose appends a Close frame to dst. Codes which RFC 6455 section 7.4.1
// forbids on the wire (1005, 1006, 1015), and 0, make a Close without payload.
// reason must fit a control frame beside the code: what is over 123 bytes is cut
// off between two characters, and what is not UTF-8 is replaced, since a receiver
// would fail the connection over it. mask is for frames sent to a server.
func AppendClose(dst []byte, code int, reason string, mask bool) []byte {
	switch code {
	case 0, closeNoStatus, closeAbnormal, closeTLS:
		return appendControl(dst, opClose, nil, mask)
	}
	var payload [maxControl]byte
	binary.BigEndian.PutUint16(payload[:], uint16(code))
	reason = cutUTF8(strings.ToValidUTF8(reason, "\uFFFD"), maxControl-2)
	n := 2 + copy(payload[2:], reason)
	return appendControl(dst, opClose, payload[:n], mask)
}

// AppendPing appends a Ping frame to dst. Payload over 125 bytes is cut off. mask is
// for frames sent to a server.
func AppendPing(dst, payload []byte, mask bool) []byte {
	return appendControl(dst, opPing, payload[:min(len(payload), maxControl)], mask)
}

func appendControl(dst []byte, opcode byte, payload []byte, mask bool) []byte {
	if !mask {
		dst = append(dst, finBit|opcode, byte(len(payload)))
		return append(dst, payload...)
	}
	dst = append(dst, finBit|opcode, maskBit|byte(len(payload)), 0, 0, 0, 0)
	// RFC 6455 section 5.3: the key must not be predictable. Read never fails.
	key := dst[len(dst)-4:]
	rand.Read(key)
	for i, b := range payload {
		dst = append(dst, b^key[i%4])
	}
	return dst
}

// cutUTF8 returns the longest prefix of s that has at most n bytes and ends
// between two characters.
func cutUTF8(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

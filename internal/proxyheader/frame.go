// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package proxyheader

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// Options are what a receiver accepts.
type Options struct {
	// RefuseV1 and RefuseV2 turn a version off.
	RefuseV1, RefuseV2 bool

	// MaxSize is the length in bytes of the longest header accepted.
	// Zero means DefaultMaxSize.
	MaxSize int
}

const (
	// DefaultMaxSize has room for a TLV with a client certificate.
	DefaultMaxSize = 4096

	// MaxSizeV1 is the longest version 1 line, CRLF included (2.1).
	MaxSizeV1 = 107

	// MaxSizeV2 is the longest header that the 16-bit length can express (2.2).
	MaxSizeV2 = v2Fixed + 0xffff
)

const (
	v1Signature = "PROXY"
	v1Shortest  = len("PROXY UNKNOWN\r\n")

	// The signature has CRLFCRLF and a NUL in it, which innocent input also
	// has: all 12 bytes have to be compared.
	v2Signature = "\r\n\r\n\x00\r\nQUIT\n"
	v2Fixed     = 16
)

// frame looks at b, the first bytes of a connection, and says how many belong
// to a header. With missing 0 the header is b[:size]. Otherwise all of b
// belongs to one, and so do at least missing bytes more. A reason is given as
// soon as the bytes seen cannot become a header that is accepted.
func (o Options) frame(b []byte) (size, missing int, reason Reason) {
	switch {
	case len(b) == 0:
		return 0, v1Shortest, ""
	case b[0] == v1Signature[0]:
		return o.frameV1(b)
	case b[0] == v2Signature[0]:
		return o.frameV2(b)
	}
	return 0, 0, NoSignature
}

func (o Options) frameV1(b []byte) (size, missing int, reason Reason) {
	if n := min(len(b), len(v1Signature)); string(b[:n]) != v1Signature[:n] {
		return 0, 0, NoSignature
	} else if n < len(v1Signature) {
		return 0, v1Shortest - len(b), ""
	}
	if o.RefuseV1 {
		return 0, 0, VersionRefused
	}

	// UNKNOWN is to be read up to CRLF whatever comes before it (2.1). Letting
	// a bare CR or LF pass there would swallow the first line of a request.
	end := bytes.IndexAny(b[:min(len(b), MaxSizeV1)], "\r\n")
	switch {
	case end < 0 && len(b) >= MaxSizeV1, end == MaxSizeV1-1 && b[end] == '\r':
		return 0, 0, V1TooLong
	case end < 0:
		return 0, max(len("\r\n"), v1Shortest-len(b)), ""
	case b[end] == '\n':
		return 0, 0, V1BadTerminator
	case end == len(b)-1:
		return 0, 1, ""
	case b[end+1] != '\n':
		return 0, 0, V1BadTerminator
	}
	return end + len("\r\n"), 0, ""
}

func (o Options) frameV2(b []byte) (size, missing int, reason Reason) {
	if n := min(len(b), len(v2Signature)); string(b[:n]) != v2Signature[:n] {
		return 0, 0, NoSignature
	}
	if len(b) > 12 {
		switch {
		case b[12]>>4 != 2:
			return 0, 0, V2BadVersion
		case o.RefuseV2:
			return 0, 0, VersionRefused
		case b[12]&0xf > byte(Proxy):
			return 0, 0, V2BadCommand
		}
	}
	// A LOCAL header's family is to be ignored, defined or not (2.2).
	proxied := len(b) > 12 && Command(b[12]&0xf) == Proxy
	if len(b) > 13 && proxied {
		switch {
		case b[13]>>4 > 3:
			return 0, 0, V2BadFamily
		case b[13]&0xf > 2:
			return 0, 0, V2BadTransport
		}
	}
	if len(b) < v2Fixed {
		return 0, v2Fixed - len(b), ""
	}

	length := int(binary.BigEndian.Uint16(b[14:]))
	size = v2Fixed + length
	switch {
	case size > o.maxSize():
		return 0, 0, TooLarge
	case proxied && length < Family(b[13]).addressSize():
		return 0, 0, V2ShortLength
	}
	return size, max(0, size-len(b)), ""
}

// HasSignature says whether b begins with the whole signature of a version.
// What does not is not a header, and what does is nothing else.
func HasSignature(b []byte) bool {
	return strings.HasPrefix(string(b[:min(len(b), len(v2Signature))]), v1Signature) ||
		len(b) >= len(v2Signature) && string(b[:len(v2Signature)]) == v2Signature
}

func (o Options) maxSize() int {
	if o.MaxSize == 0 {
		return DefaultMaxSize
	}
	return o.MaxSize
}

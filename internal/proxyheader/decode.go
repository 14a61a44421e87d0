// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package proxyheader

// Decode reads the header at the beginning of b and returns it with its
// length. The error is an *Error; a header that b holds only a part of is
// rejected as EOFIncomplete.
func (o Options) Decode(b []byte) (*Header, int, error) {
	size, missing, reason := o.frame(b)
	if reason == "" && missing > 0 {
		reason = EOFIncomplete
	}
	if reason != "" {
		return nil, 0, newError(reason, b, nil)
	}
	h, reason := parse(b[:size])
	if reason != "" {
		return nil, 0, newError(reason, b, nil)
	}
	return h, size, nil
}

// parse decodes b, which frame found to be exactly one header.
func parse(b []byte) (*Header, Reason) {
	if b[0] == v1Signature[0] {
		return parseV1(b)
	}
	return parseV2(b)
}

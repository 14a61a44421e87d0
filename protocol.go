// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"net/http"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/handshake"
)

// errProtocol is an extended CONNECT for something else (RFC 9220 section 3).
var errProtocol = &handshake.Error{Reason: "bad_protocol", Detail: "of the protocols that a CONNECT can be for, only websocket is known"}

// extendedProtocol is what the :protocol of an extended CONNECT says (RFC 8441
// section 4), or "". An extended CONNECT of which nobody knows the protocol must
// not get as far as a handler that answers 200, which would open a tunnel.
func extendedProtocol(r *http.Request) string {
	switch {
	case r.Method != http.MethodConnect:
		return ""
	case r.ProtoMajor == 2:
		// net/http hands the pseudo-field over under its own name; no client can send
		// a field name with a colon.
		return r.Header.Get(":protocol")
	case r.ProtoMajor == 3 && r.Proto != "HTTP/3.0":
		return r.Proto // as quic-go has it
	}
	return ""
}

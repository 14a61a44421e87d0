// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package handshake

import (
	"net/http"
	"strings"
)

// hopByHop are the fields that concern one connection only (RFC 9110 section
// 7.6.1, and those that once did).
var hopByHop = []string{
	"Connection", "Proxy-Connection", "Keep-Alive", "Te", "Trailer",
	"Transfer-Encoding", "Upgrade", "Proxy-Authenticate", "Proxy-Authorization",
}

// RemoveHopByHop takes out of h the fields of the connection it came over,
// those that its Connection field names included.
func RemoveHopByHop(h http.Header) {
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			h.Del(strings.TrimSpace(name))
		}
	}
	for _, name := range hopByHop {
		delete(h, name)
	}
}

const (
	canonicalPrefix = "Sec-Websocket-"
	wirePrefix      = "Sec-WebSocket-"
)

// WireName is how a field name goes on the wire. Go's canonical form spells
// Sec-Websocket-Key, which some servers do not recognise (Caddy #3888, #7784).
func WireName(name string) string {
	if len(name) >= len(canonicalPrefix) && strings.EqualFold(name[:len(canonicalPrefix)], canonicalPrefix) {
		return wirePrefix + name[len(canonicalPrefix):]
	}
	return name
}

// UseWireNames renames the fields of h that Go spells otherwise than RFC 6455.
func UseWireNames(h http.Header) {
	for name, values := range h {
		if wire := WireName(name); wire != name {
			delete(h, name)
			h[wire] = append(h[wire], values...)
		}
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package proxyheader

import (
	"bytes"
	"net/netip"
)

// parseV1 decodes line, which begins with "PROXY" and holds CRLF exactly once,
// at its end. The grammar of section 2.1 is checked here, to the letter: the
// library scans with Sscanf, which takes signs, tabs, leading zeroes and text
// behind the last port.
func parseV1(line []byte) (*Header, Reason) {
	rest, ok := bytes.CutPrefix(line[:len(line)-len("\r\n")], []byte("PROXY "))
	if !ok {
		return nil, V1BadSyntax
	}
	proto, rest, more := bytes.Cut(rest, []byte(" "))

	h := &Header{Version: 1, Command: Proxy}
	switch string(proto) {
	case "UNKNOWN":
		// What follows is to be ignored, and the real endpoints are used.
		return h, ""
	case "TCP4":
		h.Family = TCP4
	case "TCP6":
		h.Family = TCP6
	default:
		return nil, V1BadProto
	}

	if !more || bytes.Count(rest, []byte(" ")) != 3 {
		return nil, V1BadSyntax
	}
	for i := range 4 {
		var token []byte
		token, rest, _ = bytes.Cut(rest, []byte(" "))
		switch {
		case i < 2 && !v1Address(token, h.Family):
			return nil, V1BadAddress
		case i >= 2 && !v1Port(token):
			return nil, V1BadPort
		}
	}

	h.Source, h.Destination, ok = decodeAddresses(line)
	if !ok {
		return nil, V1BadAddress
	}
	return h, ""
}

// v1Address says whether token is an address of the family. A dotted tail in
// an IPv6 address is not in the grammar, but inet_ntop writes it.
func v1Address(token []byte, family Family) bool {
	for _, c := range token {
		digit := '0' <= c && c <= '9'
		hex := digit || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F' || c == ':'
		if !(c == '.' || digit || family == TCP6 && hex) {
			return false // a zone is among what ends here
		}
	}
	addr, err := netip.ParseAddr(string(token))
	return err == nil && addr.Is4() == (family == TCP4)
}

func v1Port(token []byte) bool {
	if len(token) == 0 || len(token) > len("65535") || token[0] == '0' && len(token) > 1 {
		return false
	}
	port := 0
	for _, c := range token {
		if c < '0' || c > '9' {
			return false
		}
		port = port*10 + int(c-'0')
	}
	return port <= 65535
}

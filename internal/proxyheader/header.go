// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package proxyheader reads and writes the headers of the PROXY protocol,
// versions 1 and 2, as doc/proxy-protocol.txt of HAProxy (revision of
// 2026-04-27) has them. Section numbers in comments are those of that text.
//
// Framing, grammar, TLVs and checksum are decided here; the addresses inside a
// header that is known to be sound are decoded by
// github.com/mastercactapus/proxyprotocol. Reading never takes a byte past the
// header, so that nothing has to be buffered for the connection's life.
package proxyheader

import (
	"net/netip"
)

// Header is one PROXY header.
type Header struct {
	// Version is 1 or 2.
	Version byte

	// Command says whether the header speaks for a client.
	Command Command

	// Family is the address family and transport the sender named. It is
	// Unspec for a LOCAL header, whatever the sender wrote there (2.2).
	Family Family

	// Source and Destination are the client's view of the connection, with
	// IPv4-mapped addresses unmapped. Both are the zero AddrPort where the
	// socket's own endpoints apply: LOCAL, UNKNOWN, UNSPEC, and the families
	// that cannot be an HTTP client's (UDP, AF_UNIX).
	Source, Destination netip.AddrPort

	// TLVs are the extensions of a version 2 header, in wire form.
	TLVs TLVs
}

// HasAddresses says whether the header replaces the socket's own endpoints.
func (h *Header) HasAddresses() bool { return h.Source.IsValid() }

// Command is what a header is sent for. Version 1 knows only Proxy.
type Command byte

const (
	// Local is a connection of the proxy itself, such as a health check.
	Local Command = 0x0
	// Proxy is a connection on behalf of a client.
	Proxy Command = 0x1
)

// String returns the name that section 2.2 gives the command.
func (c Command) String() string {
	if c == Local {
		return "LOCAL"
	}
	return "PROXY"
}

// Family is the address family (high nibble) and the transport (low nibble)
// of a version 2 header. Version 1 headers are mapped onto it.
type Family byte

// The families of section 2.2.
const (
	Unspec       Family = 0x00
	TCP4         Family = 0x11
	UDP4         Family = 0x12
	TCP6         Family = 0x21
	UDP6         Family = 0x22
	UnixStream   Family = 0x31
	UnixDatagram Family = 0x32
)

// String returns the family's name, "UNSPEC" where either half is unspecified.
func (f Family) String() string {
	switch f {
	case TCP4:
		return "TCP4"
	case UDP4:
		return "UDP4"
	case TCP6:
		return "TCP6"
	case UDP6:
		return "UDP6"
	case UnixStream:
		return "UNIX"
	case UnixDatagram:
		return "UNIXGRAM"
	}
	return "UNSPEC"
}

// addressSize is the length of the address block that section 2.2 puts in
// front of the TLVs.
func (f Family) addressSize() int {
	switch f >> 4 {
	case 1:
		return 4 + 4 + 2 + 2
	case 2:
		return 16 + 16 + 2 + 2
	case 3:
		return 108 + 108
	}
	return 0
}

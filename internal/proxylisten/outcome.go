// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package proxylisten

import (
	"net"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/proxyheader"
)

// Outcome is what became of a connection's PROXY header.
type Outcome struct {
	Result Result
	// Rule is the rule that held the peer, nil if none did.
	Rule *Rule
	// Peer is the real address of the other side. It may be nil where it could
	// not be found out.
	Peer net.Addr
	// Header is the header that was read, with Used, Local and Ignored.
	Header *proxyheader.Header
	// Err says why, with Rejected.
	Err *proxyheader.Error
}

// Result is one of a fixed set of outcomes.
type Result string

const (
	// Used: the header's addresses are the connection's.
	Used Result = "used"
	// Local: the header says to use the socket's own endpoints.
	Local Result = "local"
	// Ignored: a header was read and discarded.
	Ignored Result = "ignored"
	// Headerless: no header was there, and none had to be.
	Headerless Result = "headerless"
	// Skipped: the connection was not looked at.
	Skipped Result = "skipped"
	// Rejected: the connection was closed.
	Rejected Result = "rejected"
)

// Reasons for a rejection besides those of package proxyheader.
const (
	// PeerRefused: a rule says reject.
	PeerRefused proxyheader.Reason = "peer-refused"
	// PeerUnknown: no rule can be asked about such a peer address.
	PeerUnknown proxyheader.Reason = "peer-unknown"
)

// Probe says whether a rejected peer sent nothing at all: health checks connect
// and close, browsers connect ahead and may stay silent. Neither is an error.
func (o Outcome) Probe() bool {
	if o.Result != Rejected || len(o.Err.Seen) > 0 {
		return false
	}
	switch o.Err.Reason {
	case proxyheader.EOFIncomplete, proxyheader.TimeoutIncomplete, proxyheader.ReadFailed:
		return true
	}
	return false
}

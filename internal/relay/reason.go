// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package relay

// Reason is why a tunnel ended. Every end has one.
type Reason string

const (
	// ClientClosed and OriginClosed: that side sent a Close frame first.
	ClientClosed Reason = "client_closed"
	OriginClosed Reason = "origin_closed"

	// ClientGone and OriginGone: that side ended its connection without one.
	ClientGone Reason = "client_gone"
	OriginGone Reason = "origin_gone"

	// The others are the gateway's.
	IdleTimeout   Reason = "idle_timeout"
	MaxLifetime   Reason = "max_lifetime"
	ProtocolError Reason = "protocol_error"
	Reload        Reason = "reload"
	Shutdown      Reason = "shutdown"
)

// Side is who ended a tunnel.
type Side string

const (
	Client  Side = "client"
	Origin  Side = "origin"
	Gateway Side = "gateway"
)

// closeCode is what the Close frame of a tunnel ended for r says (RFC 6455
// section 7.4.1; 1012 is of the IANA registry).
func (r Reason) closeCode() int {
	switch r {
	case ProtocolError:
		return 1002
	case Reload:
		return 1012
	default:
		return 1001
	}
}

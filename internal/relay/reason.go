// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package relay

// Reason is why a tunnel ended. Every end has one.
type Reason uint8

const (
	// ClientClosed and OriginClosed: that side sent a Close frame first.
	ClientClosed Reason = iota + 1
	OriginClosed

	// ClientGone and OriginGone: that side ended its connection without one.
	ClientGone
	OriginGone

	// The others are the gateway's.
	IdleTimeout
	MaxLifetime
	HeartbeatTimeout
	Policy
	MessageTooBig
	ProtocolError
	Drain
	Admin
	Reload
	Shutdown
)

// reasonNames are what records and metrics call the reasons.
var reasonNames = [...]string{
	ClientClosed:     "client_closed",
	OriginClosed:     "origin_closed",
	ClientGone:       "client_gone",
	OriginGone:       "origin_gone",
	IdleTimeout:      "idle_timeout",
	MaxLifetime:      "max_lifetime",
	HeartbeatTimeout: "heartbeat_timeout",
	Policy:           "policy",
	MessageTooBig:    "message_too_big",
	ProtocolError:    "protocol_error",
	Drain:            "drain",
	Admin:            "admin",
	Reload:           "reload",
	Shutdown:         "shutdown",
}

func (r Reason) String() string { return reasonNames[r] }

// closeCode is what the Close frame of a tunnel ended for r says (RFC 6455
// section 7.4.1; 1012 is of the IANA registry).
func (r Reason) closeCode() int {
	switch r {
	case ProtocolError:
		return 1002
	case Policy:
		return 1008
	case MessageTooBig:
		return 1009
	case Drain, Reload:
		return 1012
	default:
		return 1001
	}
}

// Side is who ended a tunnel.
type Side uint8

const (
	Client Side = iota + 1
	Origin
	Gateway
)

func (s Side) String() string {
	return [...]string{Client: "client", Origin: "origin", Gateway: "gateway"}[s]
}

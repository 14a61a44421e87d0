// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"sync/atomic"
	"time"
)

// tunnel is one that the soak opens: what it does with it, and what is known of its
// end. Except for what never changes, the ledger guards it.
type tunnel struct {
	number  uint64
	kind    kind
	habit   habit
	handler string // of the gateway, and the first element of the path
	fate    fate
	begun   time.Time

	taken  atomic.Uint64 // messages that a slow reader is done with
	hurry  chan struct{} // closed when it has no more time
	causes []cause
	met    bool // its fate

	// What has been heard of it, by three who all have to be asked.
	client *peer   // nil until it is open
	origin *peer   // nil until it has reached an origin
	at     *origin // where that is
	record *record // nil until the gateway has logged its end, or its refusal

	id      string // that the gateway told the client
	opened  bool
	done    bool  // the client is
	failure error // of the handshake, if it failed
}

// kind is what carries the client.
type kind int

const (
	plain kind = iota
	overTLS
	overHTTP2
	overHTTP3
)

func (k kind) String() string { return [...]string{"HTTP/1.1", "TLS", "HTTP/2", "HTTP/3"}[k] }

// stream tells whether the client shares its connection with others.
func (k kind) stream() bool { return k >= overHTTP2 }

// proto is how records call the version of HTTP.
func (k kind) proto() string { return [...]string{"HTTP/1.1", "HTTP/1.1", "HTTP/2.0", "HTTP/3.0"}[k] }

// engine is what carries the tunnel (docs/ws_tunnel.md).
func (k kind) engine() string {
	if k == plain {
		return "poll"
	}
	return "pump"
}

// cause is something that the soak did for which a tunnel may end.
type cause struct {
	reasons []string
	due     time.Time // when the tunnel must have ended; zero: it need not
}

// The reasons by which causes allow a handshake to fail: with an answer, or a record,
// or without.
const (
	refusal    = "refusal"
	unanswered = "unanswered"
)

// may notes that the tunnel may end for one of these reasons from now on.
func (t *tunnel) may(reasons ...string) { t.causes = append(t.causes, cause{reasons: reasons}) }

// must notes that it has to, and until when.
func (t *tunnel) must(due time.Time, reasons ...string) {
	t.causes = append(t.causes, cause{reasons, due})
}

// allowed tells whether the soak gave cause for a reason.
func (t *tunnel) allowed(reason string) bool {
	return slices.ContainsFunc(t.causes, func(c cause) bool { return slices.Contains(c.reasons, reason) })
}

// overdue tells whether the tunnel should have ended before now.
func (t *tunnel) overdue(now time.Time) bool {
	return slices.ContainsFunc(t.causes, func(c cause) bool { return !c.due.IsZero() && now.After(c.due) })
}

// settled tells whether all that can be heard of it has been.
func (t *tunnel) settled() bool {
	if !t.done || t.origin != nil && !t.origin.finished {
		return false
	}
	return t.record != nil
}

// unheardOf tells whether the handshake has failed before the gateway took notice,
// as far as is known: there may never be a record.
func (t *tunnel) unheardOf() bool { return t.failure != nil && t.record == nil && t.origin == nil }

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package proxylisten is a listener whose connections read the PROXY header
// that their peer sends, as far as the peer is trusted to send one.
//
// Accept never reads. A connection reads its header when it is first used, in
// the goroutine that uses it, so that a silent peer holds up no one else, and a
// connection still waiting when its listener is closed is not lost.
package proxylisten

import (
	"net"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/proxyheader"
)

// DefaultTimeout is the time a peer has for its header.
const DefaultTimeout = 5 * time.Second

// Listener wraps a listener. Its fields must not be changed once it is in use.
type Listener struct {
	net.Listener

	// Rules are asked in order; the first that holds the peer counts. A peer
	// that no rule holds is skipped.
	Rules []Rule

	// Options limit which headers are accepted.
	Options proxyheader.Options

	// Timeout is the time from Accept to a complete header. Zero means
	// DefaultTimeout.
	Timeout time.Duration

	// Observe is told what became of each connection, once, in the goroutine
	// that found out. It must not use the connection. It may be nil.
	Observe func(Outcome)
}

// Accept waits for a connection that is not closed at once by a rule. What it
// returns is the connection below, as it is, for a peer that is skipped;
// otherwise FromConn finds a *Conn in it. Errors are those of the listener
// below, never those of a connection.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		addr := c.RemoteAddr()
		p, ok := classify(addr)
		if !ok {
			l.reject(c, addr, nil, PeerUnknown)
			continue
		}
		rule := find(l.Rules, p)
		switch {
		case rule == nil || rule.Policy == Skip:
			l.observe(Outcome{Result: Skipped, Rule: rule, Peer: addr})
			return c, nil
		case rule.Policy == Reject:
			l.reject(c, addr, rule, PeerRefused)
			continue
		}
		return newConn(c, l, rule), nil
	}
}

func (l *Listener) reject(c net.Conn, addr net.Addr, rule *Rule, reason proxyheader.Reason) {
	l.observe(Outcome{Result: Rejected, Rule: rule, Peer: addr, Err: &proxyheader.Error{Reason: reason}})
	_ = c.Close()
}

func (l *Listener) observe(o Outcome) {
	if l.Observe != nil {
		l.Observe(o)
	}
}

func (l *Listener) timeout() time.Duration {
	if l.Timeout == 0 {
		return DefaultTimeout
	}
	return l.Timeout
}

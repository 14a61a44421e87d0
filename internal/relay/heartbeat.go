// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"crypto/rand"
	"sync/atomic"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/frame"
)

// heartbeat asks sides that are silent whether they are still there, by Pings
// (RFC 6455 section 5.5.2). Whatever a side sends then is an answer. The Pongs
// that answer these Pings end here; all others, and the Pings that the peers
// send each other, pass.
type heartbeat struct{ client, origin pulse }

// pingPayload is that of all Pings of the process, to know their Pongs by. It is
// long enough that no application hits upon the same.
var pingPayload = func() (p [pingSize]byte) {
	rand.Read(p[:]) // never fails
	return p
}()

const pingSize = 8

// pulse is what is known of one side.
type pulse struct {
	heard atomic.Int64 // when it last sent something, in nanoseconds since opened
	asked atomic.Int64 // when it was last sent a Ping, or zero if it has been heard since

	// due: a Ping is to be sent as soon as the side is between two frames.
	due atomic.Bool

	// owed is how many Pongs of its are to end here.
	owed atomic.Int32

	// held is the beginning of what may be one. It belongs to the flow from here.
	held [pongSize]byte
	have uint8
}

// pongSize is the size of the largest Pong: 2 bytes of header, 4 of masking key.
const pongSize = 6 + pingSize

// pulse returns that of a side, or nil if there is no heartbeat.
func (t *Tunnel) pulse(side Side) *pulse {
	switch {
	case t.heartbeat() == nil:
		return nil
	case side == Client:
		return &t.limited.heartbeat.client
	default:
		return &t.limited.heartbeat.origin
	}
}

// overslept is how late a look must be not to be trusted: timers are never so late by
// themselves.
const overslept = 500 * time.Millisecond

// beat looks after one side, which may have refused to take what is for it. It
// returns when to look again, and whether a Ping has become due, or the side is taken
// for gone.
func (p *pulse) beat(at time.Duration, limits *Limits, refused bool) (next time.Duration, ping, gone bool) {
	heard, asked := time.Duration(p.heard.Load()), time.Duration(p.asked.Load())
	if asked > 0 && heard >= asked {
		p.asked.Store(0)
		asked = 0
	}
	switch {
	case asked > 0 && at >= asked+limits.HeartbeatTimeout+overslept:
		// The machine was asleep or too busy: an answer may be there and unread. The
		// side gets its time again.
		p.asked.Store(int64(at))
		return at + limits.HeartbeatTimeout, false, false
	case asked > 0 && at >= asked+limits.HeartbeatTimeout:
		return 0, false, true
	case asked > 0:
		// It may be heard at once, and then be silent for as long as before.
		return min(asked+limits.HeartbeatTimeout, at+limits.Heartbeat), false, false
	case at < heard+limits.Heartbeat:
		return heard + limits.Heartbeat, false, false
	case refused && p.due.Load(): // since the last look at least
		return 0, false, true
	}
	// The time to answer runs from when the Ping is sent, which may have to wait
	// for the end of a frame.
	return at + limits.patience(), true, false
}

// pingIfDue sends dst a Ping, if one is due and dst is between two frames. It is
// called with f.mu held.
func (f *flow) pingIfDue() {
	p := f.tunnel.pulse(f.to())
	if p == nil || f.shut || f.scan.CloseSeen() || !f.between() || !p.due.Swap(false) {
		return
	}
	if asked := p.asked.Load(); asked > 0 && p.heard.Load() < asked {
		return // it became due once more while the last one was being sent
	}
	p.owed.Add(1) // before the Pong can come
	p.asked.Store(int64(now() - f.tunnel.opened))
	var buf [pongSize]byte
	// If it cannot be sent, reading tells why.
	_, _ = f.dst().Write(frame.AppendPing(buf[:0], pingPayload[:], f.to() == Origin))
	_, taken := backlog(f.dst())
	f.taken.Store(taken)
}

// swallow takes the next bytes of src, which is between two frames, as far as
// they are a Pong that ends here. What has been held back and is no such Pong is
// returned in pass, to go out before the rest.
func (f *flow) swallow(p []byte) (pass, rest []byte) {
	from := f.tunnel.pulse(f.from())
	for i, b := range p {
		from.held[from.have] = b
		from.have++
		switch held := from.held[:from.have]; compare(held) {
		case differs:
			from.have = 0
			return held, p[i+1:]
		case isPong:
			from.have = 0
			from.owed.Add(-1)
			return nil, p[i+1:]
		}
	}
	return nil, nil
}

type comparison int

const (
	mayBePong comparison = iota
	isPong
	differs
)

// compare compares what a frame begins with to a Pong that answers a Ping of the
// gateway's, masked or not.
func compare(p []byte) comparison {
	const pong, masked = 0x8a, 0x80
	if p[0] != pong || len(p) > 1 && p[1]&^masked != pingSize {
		return differs
	}
	if len(p) < 2 {
		return mayBePong
	}
	key, payload := [4]byte{}, p[2:]
	if p[1]&masked != 0 {
		if len(payload) < 4 {
			return mayBePong
		}
		key, payload = [4]byte(payload), payload[4:]
	}
	for i, b := range payload {
		if b^key[i%4] != pingPayload[i] {
			return differs
		}
	}
	if len(payload) < pingSize {
		return mayBePong
	}
	return isPong
}

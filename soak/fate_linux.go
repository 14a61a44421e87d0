// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math/rand/v2"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/frame"
)

// fate is what becomes of a tunnel, unless a reload or a restart comes first.
type fate struct {
	name    string
	weight  int
	handler string   // of the gateway; "": any that does not end tunnels by itself
	reasons []string // by which the gateway may record it
	order   order    // what has to arrive all the same
	act     func(s *soak, t *tunnel)
	after   func(p plan) time.Duration // nil: some time of a tunnel's life
	again   bool                       // the tunnel goes on, and meets another one
	givesUp bool                       // the client, during the handshake
}

// order is in which directions an end is in good order.
type order int

const (
	none order = iota
	toOrigin
	toClient
	bothWays
)

// The gateway's handlers, by name. They differ in when they end tunnels.
const (
	steady        = "steady"
	withHeartbeat = "heartbeat"
	withIdle      = "idle"
	withLifetime  = "lifetime"
	withMaximum   = "maximum"
	onDrain       = "drain"
	onClose       = "close"
)

// The two fates that are no faults.
const (
	clientCloses = "client closes"
	originCloses = "origin closes"
)

func allFates() []fate {
	return []fate{
		{
			name: clientCloses, weight: 24, reasons: []string{"client_closed"}, order: bothWays,
			act: func(_ *soak, t *tunnel) { t.client.close(1000) },
		},
		{
			name: originCloses, weight: 14, reasons: []string{"origin_closed"}, order: bothWays,
			act: func(_ *soak, t *tunnel) { t.origin.close(1000) },
		},
		{
			name: "client resets", weight: 8, reasons: []string{"client_gone"},
			act: func(_ *soak, t *tunnel) { t.client.link.Reset() },
		},
		{
			name: "origin resets", weight: 8, reasons: []string{"origin_gone"},
			act: func(_ *soak, t *tunnel) { t.origin.link.Reset() },
		},
		{
			name: "client half-closes", weight: 6, reasons: []string{"client_gone"}, order: toOrigin,
			act: func(_ *soak, t *tunnel) { t.client.halfClose() },
		},
		{
			name: "origin half-closes", weight: 6, reasons: []string{"origin_gone"}, order: toClient,
			act: func(_ *soak, t *tunnel) { t.origin.halfClose() },
		},
		{
			name: "client ends within a frame", weight: 4, reasons: []string{"client_gone"}, order: toOrigin,
			act: func(_ *soak, t *tunnel) { halfAFrame(t.client) },
		},
		{
			name: "origin ends within a frame", weight: 4, reasons: []string{"origin_gone"}, order: toClient,
			act: func(_ *soak, t *tunnel) { halfAFrame(t.origin) },
		},
		{
			name: "client vanishes", weight: 3, handler: withHeartbeat, reasons: []string{"heartbeat_timeout"},
			act: func(_ *soak, t *tunnel) { vanish(t.client) },
		},
		{
			name: "origin vanishes", weight: 3, handler: withHeartbeat, reasons: []string{"heartbeat_timeout"},
			act: func(_ *soak, t *tunnel) { vanish(t.origin) },
		},
		{
			name: "client stalls", weight: 8, handler: steady, again: true,
			act: func(s *soak, t *tunnel) { s.stall(t.client) },
		},
		{
			name: "origin stalls", weight: 8, handler: steady, again: true,
			act: func(s *soak, t *tunnel) { s.stall(t.origin) },
		},
		{
			name: "message too big", weight: 3, handler: withMaximum, reasons: []string{"message_too_big"}, order: toOrigin,
			act: func(_ *soak, t *tunnel) { t.client.breakOff(tooBig) },
		},
		{
			name: "protocol error", weight: 3, reasons: []string{"protocol_error"}, order: toOrigin,
			act: func(_ *soak, t *tunnel) { t.client.breakOff(fragmentedPing) },
		},
		{
			name: "lifetime is over", weight: 4, handler: withLifetime, reasons: []string{"max_lifetime"},
			after: func(plan) time.Duration { return 0 },
		},
		{
			name: "idle for too long", weight: 4, handler: withIdle, reasons: []string{"idle_timeout"},
			after: func(plan) time.Duration { return 0 },
		},
		{
			name: "closed by the admin API", weight: 4, reasons: []string{"admin"},
			act: (*soak).closeByAdmin,
		},
		{
			name: "client gives up", weight: 4, givesUp: true, reasons: []string{"client_gone"},
			act: func(_ *soak, t *tunnel) { t.client.link.Reset() }, // it was too late
		},
	}
}

// halfAFrame says more than it does.
func halfAFrame(p *peer) {
	whole := appendFrame(nil, frame.Frame{Fin: true, Opcode: frame.Binary, Payload: noise[:1000]}, p.mask)
	p.breakOff(whole[:1+rand.IntN(len(whole)-1)])
	p.halfClose()
}

// vanish is a host that is switched off: its connections are there, and nobody reads.
// On a connection that is shared this is done to one stream.
func vanish(p *peer) {
	p.gate.close()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
}

// stall has a peer read nothing for a while.
func (s *soak) stall(p *peer) {
	p.gate.close()
	time.AfterFunc(s.plan.stall, p.gate.open)
}

var (
	// tooBig announces a message that the handler withMaximum does not take.
	tooBig = appendFrame(nil, frame.Frame{Fin: true, Opcode: frame.Binary, Payload: make([]byte, maximum+1)}, true)

	// fragmentedPing is a control frame that is not the last of its message (RFC 6455
	// section 5.5).
	fragmentedPing = appendFrame(nil, frame.Frame{Opcode: frame.Ping}, true)
)

// maximum is the largest message for withMaximum, in bytes.
const maximum = 128 << 10

// draw chooses by weight.
func draw[T any](all []T, weight func(T) int) T {
	sum := 0
	for _, one := range all {
		sum += weight(one)
	}
	at := rand.IntN(sum)
	for _, one := range all {
		if at -= weight(one); at < 0 {
			return one
		}
	}
	panic("unreachable")
}

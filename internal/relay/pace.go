// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"sync"
	"time"
)

// Pace bounds how fast one direction of a tunnel goes. A sender that is faster
// has to wait, as for a slow network.
type Pace struct{ Bytes, Messages Rate }

// Rate is so many of something in a time. It may all come at once, and then
// evenly as time goes by. The zero value is no bound.
type Rate struct {
	Amount uint64
	Per    time.Duration
}

func (p Pace) zero() bool { return p == Pace{} }

// paces are the two directions of a tunnel that is paced. Such a tunnel is always
// pumped: its goroutines can wait between two frames.
type paces struct {
	toOrigin, toClient pacer
	stopOnce           sync.Once
	stopped            chan struct{}
}

// pacer belongs to the goroutine of one flow.
type pacer struct {
	bytes, messages time.Duration // when what has gone would have gone evenly, since opened
	seen            uint64        // messages
}

func newPaces() *paces { return &paces{stopped: make(chan struct{})} }

// stop ends all waits, and those to come.
func (p *paces) stop() { p.stopOnce.Do(func() { close(p.stopped) }) }

// pacer returns f's, or nil if its tunnel has none.
func (f *flow) pacer() (*pacer, Pace) {
	switch {
	case f.tunnel.paces() == nil:
		return nil, Pace{}
	case f.from() == Client:
		return &f.tunnel.limited.paces.toOrigin, f.tunnel.limits.ToOrigin
	default:
		return &f.tunnel.limited.paces.toClient, f.tunnel.limits.ToClient
	}
}

// keepPace waits after n bytes as long as f has to. What src sends meanwhile is
// not seen, so neither it nor the tunnel is taken for silent.
func (f *flow) keepPace(n int) {
	p, pace := f.pacer()
	if p == nil {
		return
	}
	f.mu.Lock()
	messages := f.scan.Messages()
	f.mu.Unlock()
	at := now() - f.tunnel.opened
	wait := max(pace.Bytes.spend(&p.bytes, at, uint64(n)), pace.Messages.spend(&p.messages, at, messages-p.seen))
	p.seen = messages
	if wait <= 0 {
		return
	}
	f.heard(at + wait)
	f.tunnel.active(at + wait)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-f.tunnel.limited.paces.stopped:
	}
}

// spend takes an amount from what the rate allows, and returns how long to wait
// until there is as much again, or all that may come at once.
func (r Rate) spend(until *time.Duration, at time.Duration, amount uint64) (wait time.Duration) {
	if r.Amount == 0 {
		return 0
	}
	took := time.Duration(min(float64(amount)*float64(r.Per)/float64(r.Amount), float64(Longest)))
	*until = max(*until, at) + took
	return *until + min(took, r.Per) - at - r.Per
}

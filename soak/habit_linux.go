// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math/rand/v2"
	"time"
)

// habit is how the peers of a tunnel talk.
type habit int

const (
	silent     habit = iota // not a word, for the gateway's idle_timeout
	idle                    // a message now and then
	chatty                  // small messages, each answered
	bursty                  // many at once, each answered
	slowReader              // the origin sends as fast as it may, and the client takes its time
)

func (h habit) String() string {
	return [...]string{"silent", "idle", "chatty", "bursty", "slow reader"}[h]
}

func (h habit) slow() bool { return h == slowReader }

// pause is how long the client then says nothing.
func (h habit) pause(life time.Duration) time.Duration {
	switch h {
	case silent:
		return 24 * time.Hour
	case chatty:
		return between(500*time.Millisecond, 2500*time.Millisecond)
	case bursty:
		return between(life/40, life/8)
	default:
		return between(life/20, life/4)
	}
}

// talk sends what the client has to say at once.
func (t *tunnel) talk() {
	count, most := 1, 256
	if t.habit == bursty {
		count, most = 4+rand.IntN(24), 16<<10
	}
	for range count {
		if !t.client.send(t.number, leastMessage+rand.IntN(most)) {
			return
		}
	}
}

// ahead is how many messages an origin sends before the client has read them: more
// than the gateway holds, so that it has to wait.
const ahead = 48

// stream sends to a slow reader, from its origin.
func (t *tunnel) stream(p *peer) {
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for {
		for p.sent.Load() < t.taken.Load()+ahead {
			if !p.send(t.number, leastMessage+rand.IntN(32<<10)) {
				return
			}
		}
		select {
		case <-look.C:
		case <-p.over:
			return
		}
	}
}

// ponder is what a slow reader does with a message.
func (t *tunnel) ponder() {
	t.taken.Add(1)
	timer := time.NewTimer(between(100*time.Millisecond, time.Second))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.hurry:
	}
}

func between(least, most time.Duration) time.Duration {
	return least + rand.N(most-least+1)
}

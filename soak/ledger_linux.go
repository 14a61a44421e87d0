// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// ledger has every tunnel until all of its ends are known, and then judges it. What
// is wrong is collected here.
type ledger struct {
	began time.Time

	mu   sync.Mutex
	next uint64
	live map[uint64]*tunnel

	// While one of these goes on, handshakes are under its effect, too.
	reloading  bool
	restarting int

	asked, opened int
	bytes         uint64 // that tunnels which have ended carried, both ways
	ended         map[string]int
	refused       map[string]int
	done          map[string]int // what the soak did to tunnels
	warnings      map[string]int // that the gateway logged

	faults     []string // the first ones
	faultCount int

	change chan struct{} // closed when a tunnel has settled
}

func newLedger() *ledger {
	return &ledger{
		began: time.Now(),
		live:  make(map[uint64]*tunnel),
		ended: make(map[string]int), refused: make(map[string]int),
		done: make(map[string]int), warnings: make(map[string]int),
		change: make(chan struct{}),
	}
}

// maxFaults is how many are told one by one.
const maxFaults = 40

func (l *ledger) wrong(format string, arguments ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wrongLocked(format, arguments...)
}

func (l *ledger) wrongLocked(format string, arguments ...any) {
	if l.faultCount++; len(l.faults) < maxFaults {
		l.faults = append(l.faults, clock(time.Since(l.began))+" "+fmt.Errorf(format, arguments...).Error())
	}
}

// wrongOf is wrong about a tunnel.
func (l *ledger) wrongOf(t *tunnel, where string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wrongLocked("%s, %s: %w", t.describe(), where, err)
}

// noticed counts what is worth a line of the report, and no more.
func (l *ledger) noticed(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.warnings[what]++
}

// begin takes a tunnel in, before its handshake.
func (l *ledger) begin(t *tunnel) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	t.number, t.begun, t.hurry = l.next, time.Now(), make(chan struct{})
	l.live[t.number] = t
	l.asked++
	if l.reloading {
		t.reloaded(false)
	}
	if l.restarting > 0 {
		t.may(restartReasons...)
	}
}

// must notes that a tunnel has to end for something that the soak is about to do.
func (l *ledger) must(t *tunnel, reasons ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t.must(time.Now().Add(patience), reasons...)
}

// meets notes that a tunnel is about to meet its fate.
func (l *ledger) meets(t *tunnel) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done[t.fate.name]++
	if !t.fate.again {
		t.met = true
		t.must(time.Now().Add(patience), t.fate.reasons...)
	}
}

// mayRefuse notes that a handshake may fail, and that its tunnel may end.
func (l *ledger) mayRefuse(t *tunnel, what string, reasons ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done[what]++
	t.may(append(slices.Clone(reasons), refusal)...)
}

// destine gives a tunnel another fate.
func (l *ledger) destine(t *tunnel, f fate) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t.fate = f
}

// open tells how many tunnels are open, by their clients.
func (l *ledger) open() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range l.live {
		if t.opened && !t.done {
			n++
		}
	}
	return n
}

// lateOnes finds tunnels that should have ended, once each.
func (l *ledger) lateOnes() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for number, t := range l.live {
		switch {
		case t.overdue(now):
			l.wrongLocked("%s is still there", t.describe())
			delete(l.live, number)
			if t.client != nil {
				t.client.gate.open()
				go t.client.link.Reset()
			}
		case t.unheardOf() && now.Sub(t.begun) > patience:
			delete(l.live, number)
		}
	}
}

// counts returns copies.
func (l *ledger) counts() (ended, refused, done map[string]int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.ended), maps.Clone(l.refused), maps.Clone(l.done)
}

// faultsMade is how many tunnels the soak has ended otherwise than by a Close frame,
// or held up.
func (l *ledger) faultsMade() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for what, count := range l.done {
		switch what {
		case clientCloses, originCloses:
		default:
			n += count
		}
	}
	return n
}

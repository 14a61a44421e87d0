// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"sync"
	"time"
)

const (
	statusInterval = 2 * time.Second
	statusPoints   = 150 // five minutes of them
	statusKeep     = statusPoints * statusInterval
)

// theStatus is what all pages of the process show. It outlives reloads, as tunnels
// do.
var theStatus statusWatch

// statusWatch counts at intervals while somebody looks at what it counts, and for
// statusKeep after. Then it forgets all, until somebody looks again.
type statusWatch struct {
	mu       sync.Mutex // guards all below
	running  bool
	watchers int
	looked   time.Time // when somebody last did
	fresh    chan struct{}
	view     *statusView
	round    int // never 0 for a view
	count    statusCount
	ring     [statusPoints]statusPoint // the point of a round is at its remainder
	points   int
}

// look returns what was counted last. It is counted now if nobody has looked for
// long; then there are no rates yet.
func (w *statusWatch) look() *statusView {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wake()
	return w.view
}

// join begins to watch, until the function is called that it returns.
func (w *statusWatch) join() (leave func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wake()
	w.watchers++
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.watchers--
		w.looked = time.Now()
	}
}

// newest returns what was counted last, and what is closed when there is newer. It
// is for those who have joined.
func (w *statusWatch) newest() (*statusView, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.view, w.fresh
}

func (w *statusWatch) wake() {
	w.looked = time.Now()
	if w.running {
		return
	}
	w.running, w.fresh = true, make(chan struct{})
	w.sample()
	go w.run()
}

func (w *statusWatch) run() {
	ticker := time.NewTicker(statusInterval)
	defer ticker.Stop()
	for range ticker.C {
		if !w.tick() {
			return
		}
	}
}

// tick counts, or forgets all if nobody has looked for long.
func (w *statusWatch) tick() (goOn bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.watchers == 0 && time.Since(w.looked) >= statusKeep {
		w.running, w.view, w.points, w.count = false, nil, 0, statusCount{}
		return false
	}
	w.sample()
	close(w.fresh)
	w.fresh = make(chan struct{})
	return true
}

// sample makes a new view. Nobody changes one that has been made.
func (w *statusWatch) sample() {
	view := w.count.take(time.Now())
	w.round++
	w.ring[w.round%statusPoints] = view.Now
	w.points = min(w.points+1, statusPoints)
	view.round = w.round
	view.History = make([]statusPoint, w.points)
	for i := range view.History {
		view.History[i] = w.ring[(w.round-w.points+1+i)%statusPoints]
	}
	w.view = view
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import "time"

// rounds sees to the tunnels of one handler at intervals, for as long as that is
// there.
type rounds struct {
	interval   time.Duration
	generation *generation
	visit      func(*tunnel)
	stop, done chan struct{}
}

// startRounds has visit called for each tunnel in each interval.
func (h *Handler) startRounds(interval time.Duration, visit func(*tunnel)) {
	r := &rounds{interval, h.generation, visit, make(chan struct{}), make(chan struct{})}
	h.rounds = append(h.rounds, r)
	go r.run()
}

// end returns when nothing is visited any more.
func (r *rounds) end() {
	close(r.stop)
	<-r.done
}

func (r *rounds) run() {
	defer close(r.done)
	ticker := time.NewTicker(r.interval)
	defer ticker.Stop()
	for {
		select {
		case <-r.stop:
			return
		case <-ticker.C:
			r.round()
		}
	}
}

// round visits all tunnels once. It takes a tenth of the interval, so that
// neither the work nor the clients that come back are all in the same moment.
func (r *rounds) round() {
	began, all := time.Now(), tunnels.keptBy(r.generation)
	for i, t := range all {
		due := began.Add(r.interval / 10 / time.Duration(len(all)) * time.Duration(i))
		if !r.await(due) {
			return
		}
		r.visit(t)
	}
}

// timerWorth is the shortest wait that a timer is set for.
const timerWorth = 10 * time.Millisecond

// await waits for a time, unless that is almost now, and is false if r is to end.
func (r *rounds) await(due time.Time) bool {
	if left := time.Until(due); left > timerWorth {
		select {
		case <-r.stop:
		case <-time.After(left):
		}
	}
	select {
	case <-r.stop:
		return false
	default:
		return true
	}
}

// keptBy returns the tunnels that the handler of a generation has to see to.
func (g *registry) keptBy(keeper *generation) (all []*tunnel) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for t := range g.live {
		if t.relay != nil && g.keeper(t.generation) == keeper {
			all = append(all, t)
		}
	}
	return all
}

// start is called when the config of a handler runs.
func (g *registry) start(starting *generation) {
	g.mu.Lock()
	defer g.mu.Unlock()
	starting.started = true
}

// keeper returns the generation that sees to the tunnels of another: itself
// until its config stops; then the same handler of a later config, if there is
// one, or the newest of the name. A config that fails to start has no say. It is
// called with mu held.
func (g *registry) keeper(opened *generation) (keeper *generation) {
	for _, other := range g.generations[opened.name] { // the newest last
		switch {
		case other.ended, !other.started:
		case other == opened:
			return opened
		case keeper == nil, other.same(opened), !keeper.same(opened):
			keeper = other
		}
	}
	return keeper
}

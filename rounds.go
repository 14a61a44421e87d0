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
	now        chan struct{} // asks for a round at once
	stop, done chan struct{}
}

// startRounds has visit called for each tunnel in each interval.
func (h *Handler) startRounds(interval time.Duration, visit func(*tunnel)) *rounds {
	r := &rounds{interval, h.generation, visit, make(chan struct{}, 1), make(chan struct{}), make(chan struct{})}
	h.rounds = append(h.rounds, r)
	go r.run()
	return r
}

// end returns when nothing is visited any more.
func (r *rounds) end() {
	tunnels.forgetRechecks(r)
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
			// Neither the work nor the clients that come back shall be all in the
			// same moment.
			r.round(r.interval / 10)
		case <-r.now:
			r.round(0)
		}
	}
}

// round visits all tunnels once, spread over a time. If it is asked for a round at
// once meanwhile, it gives up for that.
func (r *rounds) round(over time.Duration) {
	began, all := time.Now(), tunnels.keptBy(r.generation)
	for i, t := range all {
		select {
		case <-r.stop:
			return
		case <-r.now:
			r.round(0)
			return
		case <-after(time.Until(began.Add(over / time.Duration(len(all)) * time.Duration(i)))):
		}
		r.visit(t)
	}
}

// timerWorth is the shortest wait that a timer is set for.
const timerWorth = 10 * time.Millisecond

// after is time.After, but does not wait if that is not worth it.
func after(d time.Duration) <-chan time.Time {
	if d > timerWorth {
		return time.After(d)
	}
	return past
}

// past is a time that is over.
var past = func() <-chan time.Time {
	c := make(chan time.Time)
	close(c)
	return c
}()

// recheckBy notes who rechecks tunnels, for recheckNow.
func (g *registry) recheckBy(r *rounds) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rechecks[r] = struct{}{}
}

func (g *registry) forgetRechecks(r *rounds) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.rechecks, r)
}

// recheckNow has all tunnels rechecked at once that are at all.
func (g *registry) recheckNow() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for r := range g.rechecks {
		select {
		case r.now <- struct{}{}:
		default: // it is about to
		}
	}
}

// keptBy returns the tunnels that the handler of a generation has to see to.
func (g *registry) keptBy(keeper *generation) (all []*tunnel) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, t := range g.live {
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

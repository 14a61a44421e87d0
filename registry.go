// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"slices"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/relay"
)

// tunnels is every tunnel of the process. A tunnel outlives the config that it
// was opened under (DESIGN 3.1, decision 2), so no handler owns them.
var tunnels = registry{
	generations: make(map[string][]*generation),
	rechecks:    make(map[*rounds]struct{}),
}

func init() { tunnels.settled = sync.NewCond(&tunnels.mu) }

type registry struct {
	mu   sync.Mutex // guards all below, what generation says, and relay and place of tunnels
	live []*tunnel

	// exiting: the process ends, and no tunnel can stay.
	exiting bool

	// handshakes is how many are under way. What becomes of them at the end of
	// the process has to be waited for, too: the server does not.
	handshakes int
	settled    *sync.Cond // when that becomes zero

	// generations has those of each name whose handlers are there, the newest
	// last: a tunnel is recorded where the current config wants it, not where
	// that one did under which it was opened, whose writers may be closed.
	generations map[string][]*generation

	rechecks map[*rounds]struct{} // of the handlers that there are
}

// begin takes note of a handshake, until end, or refuses it since the process is
// about to end.
func (g *registry) begin() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.exiting {
		return false
	}
	g.handshakes++
	return true
}

func (g *registry) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.handshakes--; g.handshakes == 0 {
		g.settled.Broadcast()
	}
}

// open starts t's relay. A tunnel whose handshake was still under way when all
// others were told to end is told now.
func (g *registry) open(t *tunnel, config relay.Config) {
	g.mu.Lock()
	t.place = int32(len(g.live))
	g.live = append(g.live, t) // before the relay can end, and t be removed
	g.mu.Unlock()
	started := relay.Start(config, t.end)
	g.mu.Lock()
	t.relay = started
	exiting, ended := g.exiting, t.generation.ended && (t.streams || g.leaves(t.generation))
	g.mu.Unlock()
	switch {
	case exiting:
		started.Close(relay.Shutdown)
	case ended:
		started.Close(relay.Reload)
	}
}

func (g *registry) remove(t *tunnel) {
	g.mu.Lock()
	defer g.mu.Unlock()
	last := len(g.live) - 1
	g.live[t.place], g.live[last].place = g.live[last], t.place
	g.live[last] = nil
	g.live = g.live[:last]
	if cap(g.live) > 64 && last < cap(g.live)/4 {
		g.live = slices.Clip(slices.Clone(g.live)) // after a storm
	}
}

// stop ends the tunnels that cannot or shall not outlive a handler whose config
// stops, and those that it has yet to open. It does not wait for them.
func (g *registry) stop(stopping *generation) {
	g.mu.Lock()
	stopping.ended = true
	leave, replaced := g.leaves(stopping), g.replaced(stopping)
	var drained []*tunnel
	kept := 0
	for _, t := range g.live {
		switch {
		case t.relay == nil: // open sees to it
		case t.streams && t.generation == stopping, leave && stopping.onReload == reloadClose && t.generation.same(stopping):
			t.relay.Close(relay.Reload)
		case leave && t.generation.same(stopping):
			drained = append(drained, t)
		case replaced && t.generation.same(stopping):
			kept++
		}
	}
	g.mu.Unlock()
	if kept > 0 {
		g.logger(stopping.name).Info("tunnels go on without their handler",
			zap.String("name", stopping.name), zap.Int("tunnels", kept))
	}
	if len(drained) > 0 {
		go newDrain(stopping.name, drained, stopping.drain).run(relay.Reload)
	}
}

// leaves tells whether the tunnels of a handler whose config stops have to end:
// it wants that, and it is replaced. It is called with mu held.
func (g *registry) leaves(stopping *generation) bool {
	return stopping.onReload != reloadKeep && g.replaced(stopping)
}

// replaced tells whether no handler is there that is the same as one whose config
// stops. It is called with mu held.
func (g *registry) replaced(stopping *generation) bool {
	return !slices.ContainsFunc(g.generations[stopping.name], func(other *generation) bool {
		return !other.ended && other.same(stopping)
	})
}

// exit ends all tunnels, those of each handler spread over the time that it
// wants, and waits until they have ended.
func (g *registry) exit() {
	g.mu.Lock()
	first := !g.exiting
	g.exiting = true
	origins.Announce() // who waits for one gives up
	byName := make(map[string][]*tunnel)
	for _, t := range g.live {
		if t.relay != nil { // otherwise open sees to it
			byName[t.generation.name] = append(byName[t.generation.name], t)
		}
	}
	var drains sync.WaitGroup
	for name, these := range byName {
		over := these[0].generation.drain
		if current := g.generations[name]; len(current) > 0 {
			over = current[len(current)-1].drain
		}
		if first { // the other handlers find it done
			drains.Go(func() { newDrain(name, these, over).run(relay.Shutdown) })
		}
	}
	g.mu.Unlock()
	drains.Wait()

	g.mu.Lock()
	for g.handshakes > 0 {
		g.settled.Wait()
	}
	all := slices.Clone(g.live)
	g.mu.Unlock()
	for _, t := range all {
		<-t.done()
	}
}

func (g *registry) isExiting() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.exiting
}

// running returns the tunnels that there are now.
func (g *registry) running() []*tunnel {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := make([]*tunnel, 0, len(g.live))
	for _, t := range g.live {
		if t.relay != nil {
			all = append(all, t)
		}
	}
	return all
}

func (g *registry) add(generation *generation) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.generations[generation.name] = append(g.generations[generation.name], generation)
}

// logger returns the newest logger of a name, or Caddy's own if all its handlers
// are gone.
func (g *registry) logger(name string) *zap.Logger {
	g.mu.Lock()
	defer g.mu.Unlock()
	if all := g.generations[name]; len(all) > 0 {
		return all[len(all)-1].logger
	}
	return caddy.Log().Named("http.handlers.ws_tunnel")
}

// forget forgets the generation of a handler that is gone. That may be the
// newest one: of a config that was not good, while an older one goes on.
func (g *registry) forget(gone *generation) {
	g.mu.Lock()
	defer g.mu.Unlock()
	rest := slices.DeleteFunc(g.generations[gone.name], func(other *generation) bool { return other == gone })
	if g.generations[gone.name] = rest; len(rest) == 0 {
		delete(g.generations, gone.name)
	}
	gone.logger = nil
}

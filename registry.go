// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"slices"
	"sync"

	"go.uber.org/zap"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/relay"
)

// tunnels is every tunnel of the process. A tunnel outlives the config that it
// was opened under (DESIGN 3.1, decision 2), so no handler owns them.
var tunnels = registry{
	live:    make(map[*tunnel]struct{}),
	loggers: make(map[string][]*zap.Logger),
}

type registry struct {
	mu   sync.Mutex // guards all below, generation.ended and tunnel.relay
	live map[*tunnel]struct{}

	// exiting: the process ends, and no tunnel can stay.
	exiting bool

	// loggers has those of the handlers of each name, the newest last: a tunnel
	// is recorded where the current config wants it, not where that one did
	// under which it was opened, whose writers may be closed.
	loggers map[string][]*zap.Logger
}

// open starts t's relay. A tunnel whose handshake was still under way when all
// others were told to end is told now.
func (g *registry) open(t *tunnel, config relay.Config) {
	g.mu.Lock()
	g.live[t] = struct{}{} // before the relay can end, and t be removed
	g.mu.Unlock()
	started := relay.Start(config, t.end)
	g.mu.Lock()
	t.relay = started
	exiting, ended := g.exiting, t.attachedTo != nil && t.attachedTo.ended
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
	delete(g.live, t)
}

// endGeneration ends the tunnels that cannot outlive a handler, and those that
// it has yet to open.
func (g *registry) endGeneration(ended *generation) {
	g.mu.Lock()
	defer g.mu.Unlock()
	ended.ended = true
	for t := range g.live {
		if t.attachedTo == ended && t.relay != nil {
			t.relay.Close(relay.Reload)
		}
	}
}

// exit ends all tunnels, and waits until they have ended, which takes their
// linger time at most.
func (g *registry) exit() {
	g.mu.Lock()
	g.exiting = true
	done := make([]<-chan struct{}, 0, len(g.live))
	for t := range g.live {
		if t.relay != nil {
			t.relay.Close(relay.Shutdown)
		}
		done = append(done, t.done())
	}
	g.mu.Unlock()
	for _, d := range done {
		<-d
	}
}

func (g *registry) addLogger(name string, logger *zap.Logger) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.loggers[name] = append(g.loggers[name], logger)
}

// logger returns the newest logger of a name, or nil if all its handlers are
// gone.
func (g *registry) logger(name string) *zap.Logger {
	g.mu.Lock()
	defer g.mu.Unlock()
	if all := g.loggers[name]; len(all) > 0 {
		return all[len(all)-1]
	}
	return nil
}

// removeLogger forgets a logger. That may be the newest one: of a config that
// was not good, while an older one goes on.
func (g *registry) removeLogger(name string, logger *zap.Logger) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.loggers[name] = slices.DeleteFunc(g.loggers[name], func(l *zap.Logger) bool { return l == logger })
	if len(g.loggers[name]) == 0 {
		delete(g.loggers, name)
	}
}

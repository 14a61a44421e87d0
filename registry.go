// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"sync"

	"go.uber.org/zap"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/relay"
)

// tunnels is every tunnel of the process. A tunnel outlives the config that it
// was opened under (DESIGN 3.1, decision 2), so no handler owns them.
var tunnels = registry{
	live:    make(map[*tunnel]struct{}),
	loggers: make(map[string]*zap.Logger),
}

type registry struct {
	mu   sync.Mutex // guards all below, and generation.ended
	live map[*tunnel]struct{}

	// exiting: the process ends, and no tunnel can stay.
	exiting bool

	// loggers has the logger of the newest handler of each name: a tunnel is
	// recorded where the current config wants it, not where that one did under
	// which it was opened, whose writers may be closed.
	loggers map[string]*zap.Logger
}

// open starts t's relay. The lock is held, so that a tunnel which ends at once
// is not removed before it is there. A tunnel whose handshake was still under
// way when all others were told to end is told now.
func (g *registry) open(t *tunnel, config relay.Config) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.live[t] = struct{}{}
	t.relay = relay.Start(config, t.end)
	switch {
	case g.exiting:
		t.relay.Close(relay.Shutdown)
	case t.attachedTo != nil && t.attachedTo.ended:
		t.relay.Close(relay.Reload)
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
		if t.attachedTo == ended {
			t.relay.Close(relay.Reload)
		}
	}
}

// exit ends all tunnels, and waits until they have ended.
func (g *registry) exit() {
	g.mu.Lock()
	g.exiting = true
	done := make([]<-chan struct{}, 0, len(g.live))
	for t := range g.live {
		t.relay.Close(relay.Shutdown)
		done = append(done, t.done())
	}
	g.mu.Unlock()
	for _, d := range done {
		<-d
	}
}

func (g *registry) setLogger(name string, logger *zap.Logger) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.loggers[name] = logger
}

// logger returns the newest logger of a name, or nil if its handler is gone.
func (g *registry) logger(name string) *zap.Logger {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.loggers[name]
}

// dropLogger forgets a logger unless a newer config has replaced it.
func (g *registry) dropLogger(name string, logger *zap.Logger) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.loggers[name] == logger {
		delete(g.loggers, name)
	}
}

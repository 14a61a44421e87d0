// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/tls"
	"net/http"
	"sync"
)

// carrier is a client of HTTP/2 or HTTP/3 with a few connections, mostly one, whose
// streams are tunnels.
type carrier struct {
	transport http.RoundTripper
	mark      func(*http.Request) // how a request says :protocol
	cut       func()              // breaks the connections

	// Guarded by the fleet.
	tunnels   map[*tunnel]struct{}
	used      int
	connected bool // a tunnel has been opened
}

const (
	streamsAtOnce = 50 // below the limits of all servers
	streamsInAll  = 400
)

// fleet is all carriers of one version.
type fleet struct {
	dial func(*tls.Config) *carrier

	mu  sync.Mutex
	all map[*carrier]struct{}
}

// board finds a carrier with room for a tunnel. A client that gives up must not have
// others wait for a connection that it has begun to make: it takes one that is there,
// or makes one for itself.
func (f *fleet) board(t *tunnel, trust *tls.Config) *carrier {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.all {
		if len(c.tunnels) < streamsAtOnce && c.used < streamsInAll && (c.connected || !t.fate.givesUp) {
			c.tunnels[t] = struct{}{}
			c.used++
			return c
		}
	}
	c := f.dial(trust)
	c.tunnels, c.used = map[*tunnel]struct{}{t: {}}, 1
	if t.fate.givesUp {
		c.used = streamsInAll
	}
	f.all[c] = struct{}{}
	return c
}

// connected notes that a tunnel has been opened over a carrier.
func (f *fleet) connected(c *carrier) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c.connected = true
}

// leave is called when a tunnel is over. The last one out of a carrier that is worn
// out closes it.
func (f *fleet) leave(c *carrier, t *tunnel, worn bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(c.tunnels, t)
	if worn {
		c.used = streamsInAll
	}
	if len(c.tunnels) == 0 && c.used >= streamsInAll {
		delete(f.all, c)
		c.cut()
	}
}

// cutOne breaks the connections of one carrier, after told has been called with each
// tunnel that ends thereby.
func (f *fleet) cutOne(told func(*tunnel)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.all {
		for t := range c.tunnels {
			told(t)
		}
		c.used = streamsInAll
		c.cut()
		return
	}
}

// retire has no further tunnel go by the connections that there are now, and closes
// those without any.
func (f *fleet) retire() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.all {
		if c.used = streamsInAll; len(c.tunnels) == 0 {
			delete(f.all, c)
			c.cut()
		}
	}
}

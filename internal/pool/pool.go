// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package pool knows the origins that tunnels go to: how many tunnels each has,
// and whether it is up. What it knows outlives the configs that name an origin,
// as tunnels do.
package pool

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"time"
)

// Pool is a set of origins. The zero Pool is ready for use.
type Pool struct {
	mu      sync.Mutex // guards all below, and the origins
	origins map[Key]*Origin
	tunnels map[string]int // to the origins of a name
	sweepAt int            // so many origins
	freed   chan struct{}  // closed when an origin may have become available; nil: nobody waits
}

// Process is every origin of the process: what is known of one goes on across
// reloads, as its tunnels do.
var Process Pool

// Tunnels is how many tunnels there are to the origins of a name.
func (p *Pool) Tunnels(name string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tunnels[name]
}

// Key is what an origin is known by.
type Key struct {
	// Name is that of the handler: what one takes for down, with checks of its
	// own, another need not.
	Name string

	// Address is where the origin is.
	Address string
}

// Origin is one origin of a pool.
type Origin struct {
	pool    *Pool
	key     Key
	label   string
	users   int  // configs
	named   bool // by a config, once
	seen    time.Time
	since   time.Time // when it came to others that had tunnels, or came back
	tunnels int
	totals  Totals
	health  health
}

// Totals is what an origin's tunnels came to since the origin is known.
type Totals struct {
	Opened uint64

	// What those have carried that have ended.
	ToOrigin, ToClient Traffic
}

// Traffic is what went one way.
type Traffic struct{ Bytes, Messages uint64 }

func (t *Traffic) add(more Traffic) {
	t.Bytes += more.Bytes
	t.Messages += more.Messages
}

// keep is how long an origin without tunnels is remembered that no config names:
// one that a lookup or a placeholder brought.
const keep = 10 * time.Minute

// Origin returns the origin with a key, which is new if it has not been seen for
// long. label is what reports call it.
func (p *Pool) Origin(key Key, label string) *Origin {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.origin(key, label)
}

func (p *Pool) origin(key Key, label string) *Origin {
	now := time.Now()
	o := p.origins[key]
	if o == nil {
		if len(p.origins) >= p.sweepAt {
			p.sweep(now)
		}
		if p.origins == nil {
			p.origins, p.tunnels = make(map[Key]*Origin), make(map[string]int)
		}
		o = &Origin{pool: p, key: key, label: label}
		if p.tunnels[key.Name] > 0 {
			o.since = now
		}
		p.origins[key] = o
	}
	o.seen = now
	return o
}

// sweep forgets what nobody needs.
func (p *Pool) sweep(now time.Time) {
	for key, o := range p.origins {
		if o.users == 0 && o.tunnels == 0 && now.Sub(o.seen) > keep {
			delete(p.origins, key)
		}
	}
	p.sweepAt = max(64, 2*len(p.origins))
}

// Use is Origin for a config, which has to call Disuse when it goes.
func (p *Pool) Use(key Key, label string) *Origin {
	p.mu.Lock()
	defer p.mu.Unlock()
	o := p.origin(key, label)
	o.users++
	o.named = true
	return o
}

// Disuse forgets o if no config names it and no tunnel goes there.
func (o *Origin) Disuse() {
	o.pool.mu.Lock()
	defer o.pool.mu.Unlock()
	o.users--
	o.forgetUnneeded()
}

// forgetUnneeded forgets what no config names any more. Others are kept for a
// while: they have nothing but their tunnels to be known by.
func (o *Origin) forgetUnneeded() {
	o.seen = time.Now()
	if o.named && o.users == 0 && o.tunnels == 0 && o.pool.origins[o.key] == o {
		delete(o.pool.origins, o.key)
	}
}

// Take counts one more tunnel, and reports whether there was room for it: at
// most max may be there, or any number if that is 0.
func (o *Origin) Take(max int) bool {
	o.pool.mu.Lock()
	defer o.pool.mu.Unlock()
	if max > 0 && o.tunnels >= max {
		return false
	}
	o.tunnels++
	o.pool.tunnels[o.key.Name]++
	if o.pool.origins[o.key] == nil {
		o.pool.origins[o.key] = o // it was forgotten since it was looked up
	}
	return true
}

// Opened notes that what Take counted has become a tunnel.
func (o *Origin) Opened() {
	o.pool.mu.Lock()
	defer o.pool.mu.Unlock()
	o.totals.Opened++
}

// Release takes back what Take counted.
func (o *Origin) Release() { o.Ended(Traffic{}, Traffic{}) }

// Ended is Release for a tunnel, and notes what that has carried.
func (o *Origin) Ended(toOrigin, toClient Traffic) {
	o.pool.mu.Lock()
	defer o.pool.mu.Unlock()
	o.totals.ToOrigin.add(toOrigin)
	o.totals.ToClient.add(toClient)
	o.tunnels--
	if o.pool.tunnels[o.key.Name]--; o.pool.tunnels[o.key.Name] == 0 {
		delete(o.pool.tunnels, o.key.Name)
	}
	o.forgetUnneeded()
	o.pool.announce()
}

// Freed returns a channel that is closed when an origin may have become
// available: a tunnel has ended, or an origin has come back.
func (p *Pool) Freed() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.freed == nil {
		p.freed = make(chan struct{})
	}
	return p.freed
}

// Announce tells those who wait that something has changed.
func (p *Pool) Announce() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.announce()
}

func (p *Pool) announce() {
	if p.freed != nil {
		close(p.freed)
		p.freed = nil
	}
}

// Available reports whether o is up and has room for another tunnel.
func (o *Origin) Available(max int) bool {
	o.pool.mu.Lock()
	defer o.pool.mu.Unlock()
	return o.health.up() && (max == 0 || o.tunnels < max)
}

// Load is how many tunnels o has, for a comparison with others. That of an origin
// which has come less than slow ago is raised, so that it gets no more than its
// part for the time that it has been there, and not every new tunnel at once.
func (o *Origin) Load(slow time.Duration) int {
	o.pool.mu.Lock()
	defer o.pool.mu.Unlock()
	age := time.Since(o.since)
	if age >= slow {
		return o.tunnels
	}
	part := max(float64(age)/float64(slow), 0.01)
	return int(math.Ceil(float64(o.tunnels+1) / part))
}

// Name is what o is called in reports.
func (o *Origin) Name() string { return o.label }

// Key is what o is known by.
func (o *Origin) Key() Key { return o.key }

// Status is what is known of the origins that a report calls the same.
type Status struct {
	Name    string // of the handler
	Origin  string
	Up      bool
	Tunnels int
	Totals  Totals
}

// Statuses returns what is known, sorted by names. Origins of one label, which a
// placeholder in it leads to, are one, which is up if one of them is.
func (p *Pool) Statuses() []Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.sweep(now)
	found := make(map[[2]string]Status)
	for key, o := range p.origins {
		name := [2]string{key.Name, o.label}
		s := found[name]
		s.Totals.Opened += o.totals.Opened
		s.Totals.ToOrigin.add(o.totals.ToOrigin)
		s.Totals.ToClient.add(o.totals.ToClient)
		found[name] = Status{key.Name, o.label, s.Up || o.health.up(), s.Tunnels + o.tunnels, s.Totals}
	}
	all := make([]Status, 0, len(found))
	for _, s := range found {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Status) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Origin, b.Origin))
	})
	return all
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package pool

import "time"

// health is what checks and handshakes say of an origin. A new one is up.
type health struct {
	// What checks found.
	watch  any  // who checks
	known  bool // one of them was good: only then do several have to agree
	down   bool
	streak int // how many in a row found the opposite of down

	// What handshakes found.
	fails     int // since the last that worked, within the window
	first     time.Time
	suspended time.Time // at least until then; zero: not
}

func (h *health) up() bool { return !h.down && h.suspended.IsZero() }

// Up reports whether o is up.
func (o *Origin) Up() bool {
	o.pool.mu.Lock()
	defer o.pool.mu.Unlock()
	return o.health.up()
}

// Watch notes who checks o from now on, and returns who did until now. What that
// one found still holds.
func (o *Origin) Watch(by any) (before any) {
	o.pool.mu.Lock()
	defer o.pool.mu.Unlock()
	before, o.health.watch = o.health.watch, by
	return before
}

// Unwatch forgets what checks found, unless somebody else checks o by now.
func (o *Origin) Unwatch(by any) {
	o.change(func(h *health, now time.Time) {
		if h.watch == by {
			h.watch, h.known, h.down, h.streak = nil, false, false, 0
		}
	})
}

// Checked notes what a check found, if that is by who checks o. So many in a row
// that say otherwise take o down, or up again; of an origin that no check has found
// well yet, each decides. It reports whether o has gone down or come up by this.
func (o *Origin) Checked(by any, ok bool, healthy, unhealthy int) (changed bool) {
	return o.change(func(h *health, _ time.Time) {
		if by != h.watch {
			return
		}
		if !h.known {
			h.known, h.down = ok, !ok
			return
		}
		if ok != h.down {
			h.streak = 0
			return
		}
		needed := unhealthy
		if ok {
			needed = healthy
		}
		if h.streak++; h.streak >= needed {
			h.down, h.streak = !ok, 0
		}
	})
}

// Failed notes that a handshake with o failed. If so many did within a window,
// and none worked, o is taken for down for as long as the window, and Resume is to
// be called when that is over. It reports whether o has gone down by this.
func (o *Origin) Failed(most int, window time.Duration) (changed, suspended bool) {
	changed = o.change(func(h *health, now time.Time) {
		if now.Before(h.suspended) {
			return // a handshake that had begun before
		}
		if now.Sub(h.first) > window {
			h.fails, h.first = 0, now
		}
		if h.fails++; h.fails >= most {
			h.fails, h.suspended, suspended = 0, now.Add(window), true
		}
	})
	return changed, suspended
}

// Worked notes that a handshake with o worked, and reports whether o has come up
// by this.
func (o *Origin) Worked() (changed bool) {
	return o.change(func(h *health, _ time.Time) { h.fails, h.suspended = 0, time.Time{} })
}

// Resume ends the time for which Failed took o for down, if that is over, and
// reports whether o has come up by this.
func (o *Origin) Resume() (changed bool) {
	return o.change(func(h *health, now time.Time) {
		if !now.Before(h.suspended) {
			h.suspended = time.Time{}
		}
	})
}

// change makes a change and reports whether o has gone down or come up by it.
func (o *Origin) change(by func(h *health, now time.Time)) bool {
	o.pool.mu.Lock()
	defer o.pool.mu.Unlock()
	now := time.Now()
	before := o.health.up()
	by(&o.health, now)
	after := o.health.up()
	if after && !before {
		o.since = now
		o.pool.announce()
	}
	return before != after
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package pool

import "time"

// health is what checks and handshakes say of an origin. A new one is up.
type health struct {
	// What checks found.
	watch  any // who checks
	down   bool
	streak int // how many in a row found the opposite of down

	// What handshakes found.
	fails     int // since the last that worked, within the window
	first     time.Time
	suspended time.Time // until then
}

func (h *health) up(now time.Time) bool { return !h.down && !now.Before(h.suspended) }

// Up reports whether o is up.
func (o *Origin) Up() bool {
	o.pool.mu.Lock()
	defer o.pool.mu.Unlock()
	return o.health.up(time.Now())
}

// Watch notes who checks o from now on. What a config found that was there before
// still holds.
func (o *Origin) Watch(by any) {
	o.pool.mu.Lock()
	defer o.pool.mu.Unlock()
	o.health.watch = by
}

// Unwatch forgets what checks found, unless somebody else checks o by now.
func (o *Origin) Unwatch(by any) {
	o.pool.mu.Lock()
	defer o.pool.mu.Unlock()
	if o.health.watch != by {
		return
	}
	if o.health.down {
		o.back(time.Now())
	}
	o.health.watch, o.health.down, o.health.streak = nil, false, 0
}

// Checked notes what a check found, if that is by who checks o. So many in a row
// that say otherwise take o down, or up again; it reports whether this one has.
func (o *Origin) Checked(by any, ok bool, healthy, unhealthy int) (changed bool) {
	o.pool.mu.Lock()
	defer o.pool.mu.Unlock()
	h := &o.health
	if by != h.watch {
		return false
	}
	if ok != h.down {
		h.streak = 0
		return false
	}
	needed := unhealthy
	if ok {
		needed = healthy
	}
	if h.streak++; h.streak < needed {
		return false
	}
	h.down, h.streak = !ok, 0
	if ok {
		o.back(time.Now())
	}
	return true
}

// back notes that o is there again from a time on.
func (o *Origin) back(from time.Time) {
	o.since = from
	o.pool.announce()
}

// Failed notes that a handshake with o failed. If so many did within a window,
// and none worked, o is taken for down for as long as the window; it reports
// whether this one has.
func (o *Origin) Failed(most int, window time.Duration) (changed bool) {
	o.pool.mu.Lock()
	defer o.pool.mu.Unlock()
	h, now := &o.health, time.Now()
	if now.Before(h.suspended) {
		return false // it was tried since nothing else was left
	}
	if now.Sub(h.first) > window {
		h.fails, h.first = 0, now
	}
	if h.fails++; h.fails < most {
		return false
	}
	h.fails = 0
	h.suspended = now.Add(window)
	o.since = h.suspended
	return !h.down
}

// Worked notes that a handshake with o worked, and reports whether o had been
// taken for down because others had failed.
func (o *Origin) Worked() (changed bool) {
	o.pool.mu.Lock()
	defer o.pool.mu.Unlock()
	h := &o.health
	if changed = !h.suspended.IsZero(); changed && time.Now().Before(h.suspended) {
		o.back(time.Now())
	}
	h.fails, h.suspended = 0, time.Time{}
	return changed && !h.down
}

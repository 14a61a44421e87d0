// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package pool

import "time"

// health is what checks and handshakes say of an origin. A new one is up.
type health struct {
	// What checks found.
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

// Checked notes what a check found. So many in a row that say otherwise take o
// down, or up again; it reports whether this one has.
func (o *Origin) Checked(ok bool, healthy, unhealthy int) (changed bool) {
	o.pool.mu.Lock()
	defer o.pool.mu.Unlock()
	h := &o.health
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

// Unchecked forgets what checks found, since there are none any more.
func (o *Origin) Unchecked() {
	o.pool.mu.Lock()
	defer o.pool.mu.Unlock()
	if o.health.down {
		o.back(time.Now())
	}
	o.health.down, o.health.streak = false, 0
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

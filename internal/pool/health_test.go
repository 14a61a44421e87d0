// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"testing"
	"testing/synctest"
	"time"
)

// Checks change their mind only after so many in a row.
func TestChecked(t *testing.T) {
	const healthy, unhealthy = 2, 3
	var p Pool
	o := p.Use(keyA, "a")
	for i, step := range []struct{ ok, changes, up bool }{
		{true, false, true},
		{false, false, true},
		{false, false, true},
		{true, false, true}, // begins anew
		{false, false, true},
		{false, false, true},
		{false, true, false},
		{false, false, false},
		{true, false, false},
		{false, false, false}, // begins anew
		{true, false, false},
		{true, true, true},
		{true, false, true},
	} {
		if changed := o.Checked(nil, step.ok, healthy, unhealthy); changed != step.changes || o.Up() != step.up {
			t.Errorf("check %d: changed %t, up %t", i, changed, o.Up())
		}
	}
}

// The first check of an origin decides, and so do the next until one is good: those
// that are dead when all begins are not tried first, and one that comes up a moment
// later is there at once.
func TestFirstChecks(t *testing.T) {
	const healthy, unhealthy = 2, 2
	var p Pool
	o := p.Use(keyA, "a")
	for i, step := range []struct{ ok, changes, up bool }{
		{false, true, false},
		{false, false, false},
		{true, true, true},
		{false, false, true},
		{false, true, false},
		{true, false, false},
		{true, true, true},
	} {
		if changed := o.Checked(nil, step.ok, healthy, unhealthy); changed != step.changes || o.Up() != step.up {
			t.Errorf("check %d: changed %t, up %t", i, changed, o.Up())
		}
	}
	o.Unwatch(nil)
	if changed := o.Checked(nil, false, healthy, unhealthy); !changed {
		t.Error("what checks found before they ended is not forgotten")
	}
}

// So many handshakes that fail within a window take an origin for down for as long.
func TestFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most, window = 3, 10 * time.Second
		var p Pool
		o := p.Use(keyA, "a")
		fail := func(want bool) {
			t.Helper()
			changed, suspended := o.Failed(most, window)
			if changed != want || suspended != want || o.Up() == want {
				t.Errorf("changed %t, suspended %t, up %t", changed, suspended, o.Up())
			}
		}
		fail(false)
		fail(false)
		<-time.After(window + 1) // those two are too old to count
		fail(false)
		fail(false)
		if o.Worked() { // nor do those from before one that worked
			t.Error("it had not been down")
		}
		fail(false)
		fail(false)
		fail(true)
		if changed, suspended := o.Failed(most, window); changed || suspended {
			t.Error("a handshake that had begun before is news")
		}
		<-time.After(window - 1)
		if o.Resume() || o.Up() {
			t.Error("up too early")
		}
		<-time.After(1)
		if !o.Resume() || o.Resume() || !o.Up() || o.Load(window) < 100 {
			t.Errorf("up %t with a load of %d, as if it had always been there", o.Up(), o.Load(window))
		}
	})
}

// With checks and handshakes both, an origin is down while either says so, and only
// that it goes down or comes up is news.
func TestChecksAndHandshakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p Pool
		o := p.Use(keyA, "a")
		if !o.Checked(nil, false, 1, 1) {
			t.Error("that a check fails is no news")
		}
		if changed, suspended := o.Failed(1, time.Second); changed || !suspended {
			t.Error("that a handshake fails, too, is news, or is not noted")
		}
		if o.Checked(nil, true, 1, 1) || o.Up() {
			t.Error("a check outweighs handshakes")
		}
		<-time.After(time.Second)
		if !o.Resume() || !o.Up() {
			t.Error("it does not come back")
		}
		o.Failed(1, time.Second)
		o.Checked(nil, false, 1, 1)
		if o.Worked() || o.Up() {
			t.Error("a handshake outweighs checks")
		}
	})
}

// When nobody checks any more, what checks found is forgotten. A check of an
// earlier config, which comes late, is not heard.
func TestUnwatch(t *testing.T) {
	var p Pool
	o := p.Use(keyA, "a")
	o.Watch("old")
	o.Checked("old", false, 1, 1)
	o.Watch("new")
	o.Unwatch("old")
	if o.Up() || o.Checked("old", true, 1, 1) {
		t.Error("the new config has forgotten what the old one found")
	}
	o.Unwatch("new")
	if !o.Up() {
		t.Error("down for ever")
	}
	if o.Checked("new", false, 1, 1) || !o.Up() {
		t.Error("a late check takes it down for ever")
	}
}

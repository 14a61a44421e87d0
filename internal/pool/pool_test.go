// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var keyA, keyB = Key{"chat", "ws://a:1"}, Key{"chat", "ws://b:1"}

// An origin has as many tunnels as it may, however many handshakes want one at
// the same time, and none in the end.
func TestTakeAndRelease(t *testing.T) {
	const most, wanted = 10, 100
	var p Pool
	o := p.Use(keyA, "a")
	var took sync.Map
	var all sync.WaitGroup
	for i := range wanted {
		all.Go(func() {
			if o.Take(most) {
				took.Store(i, true)
			}
		})
	}
	all.Wait()
	count := 0
	took.Range(func(any, any) bool { count++; return true })
	if count != most || o.Available(most) || !o.Available(most+1) || !o.Available(0) {
		t.Errorf("%d tunnels where %d may be", count, most)
	}
	for range count {
		o.Release()
	}
	if s := p.Statuses(); len(s) != 1 || s[0] != (Status{Name: "chat", Origin: "a", Up: true}) {
		t.Errorf("%+v", s)
	}
}

// An origin that a config names, or that has tunnels, is the same one after any
// number of configs. Others are forgotten.
func TestForgetting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p Pool
		gone := p.Use(keyB, "b")
		gone.Take(0)
		gone.Disuse()
		gone.Release()
		if all := p.Statuses(); len(all) != 0 {
			t.Errorf("no config names it, and it has no tunnels: %+v", all)
		}
		first := p.Origin(keyA, "a")
		first.Take(0)
		if again := p.Origin(keyA, "a"); again != first {
			t.Error("forgotten with a tunnel")
		}
		first.Release()
		<-time.After(keep + 1)
		for i := range 2 * 64 { // is an occasion to sweep
			p.Origin(Key{"many", strconv.Itoa(i)}, "many")
		}
		if again := p.Origin(keyA, "a"); again == first {
			t.Error("not forgotten, though nobody needs it")
		}

		used := p.Use(Key{"other", keyA.Address}, "a")
		used.Disuse()
		if slices.ContainsFunc(p.Statuses(), func(s Status) bool { return s.Name == "other" }) {
			t.Error("reported, though no config names it any more")
		}
		if !used.Take(0) || !slices.Contains(p.Statuses(), Status{Name: "other", Origin: "a", Up: true, Tunnels: 1}) {
			t.Error("a tunnel to it is not reported")
		}
		if p.Use(used.Key(), "a") != used {
			t.Error("the next config knows another origin")
		}
	})
}

// Origins that reports call the same are one.
func TestStatuses(t *testing.T) {
	var p Pool
	for _, key := range []Key{{"z", "1"}, {"z", "2"}, {"z", "3"}} {
		p.Use(key, "{to}").Take(0)
	}
	p.Use(Key{"a", "1"}, "1")
	p.Use(Key{"z", "2"}, "{to}").Checked(nil, false, 1, 1)
	want := []Status{{Name: "a", Origin: "1", Up: true}, {Name: "z", Origin: "{to}", Up: true, Tunnels: 3}}
	if got := p.Statuses(); !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// A new origin among full ones gets its part of the tunnels, and no more, while it
// is new.
func TestSlowStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const slow, old = 100 * time.Second, 1000
		var p Pool
		a := p.Use(keyA, "a")
		for range old {
			a.Take(0)
		}
		<-time.After(2 * slow)
		b := p.Use(keyB, "b")
		for passed := range 100 {
			for b.Load(slow) < a.Load(slow) {
				b.Take(0)
			}
			// After so many hundredths of the time it has as many of the tunnels.
			if has, part := p.Statuses()[1].Tunnels, old*max(passed, 1)/100; has > part || has < part-1 {
				t.Errorf("after %ds it has %d tunnels, not %d", passed, has, part)
			}
			<-time.After(slow / 100)
		}
		if b.Load(slow) != p.Statuses()[1].Tunnels {
			t.Error("it is new for longer than it should be")
		}
		if got := a.Load(0); got != old {
			t.Errorf("without slow start the load is %d", got)
		}
	})
}

// Who waits for an origin is told when one may be there.
func TestFreed(t *testing.T) {
	var p Pool
	o := p.Use(keyA, "a")
	for name, event := range map[string]func(){
		"a tunnel ends":         o.Release,
		"checks succeed again":  func() { o.Checked(nil, true, 1, 1) },
		"a handshake works":     func() { o.Worked() },
		"it is checked no more": func() { o.Unwatch(nil) },
	} {
		o.Take(0)
		o.Checked(nil, false, 1, 1)
		if name == "a handshake works" {
			o.Unwatch(nil)
			o.Failed(1, time.Hour)
		}
		freed := p.Freed()
		select {
		case <-freed:
			t.Errorf("%s: told before it did", name)
		default:
		}
		event()
		select {
		case <-freed:
		default:
			t.Errorf("%s: nobody is told", name)
		}
	}
}

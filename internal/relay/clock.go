// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"container/heap"
	"sync"
	"time"
)

// clock wakes tunnels when something is due to them. A timer of the runtime for
// each, and its function, would take many times the two words that it is here.
type clock struct {
	mu     sync.Mutex // taken after a tunnel's, never before it
	alarms alarms
	timer  *time.Timer // for the first of them; nil if there is none
}

// theClock is that of the process. It is a variable for the sake of tests, which
// have times of their own.
var theClock = new(clock)

// alarm is when to wake a tunnel.
type alarm struct {
	at     time.Duration // since the process began
	tunnel *Tunnel
}

// set has t.look called at a time, instead of any that was set before.
func (c *clock) set(t *Tunnel, at time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.alarm == 0 {
		heap.Push(&c.alarms, alarm{at, t})
	} else {
		c.alarms[t.alarm-1].at = at
		heap.Fix(&c.alarms, int(t.alarm-1))
	}
	if t.alarm == 1 {
		c.wind()
	}
}

// clear forgets t. A look that has begun is not waited for.
func (c *clock) clear(t *Tunnel) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.alarm == 0 {
		return
	}
	heap.Remove(&c.alarms, int(t.alarm-1))
	if len(c.alarms) == 0 {
		c.wind()
	}
}

// wind sets the timer for the first alarm. It may go off early, if that alarm is
// cleared, but not late.
func (c *clock) wind() {
	switch {
	case len(c.alarms) == 0:
		c.alarms = nil
		if c.timer != nil {
			c.timer.Stop()
			c.timer = nil
		}
	case c.timer == nil:
		c.timer = time.AfterFunc(c.alarms[0].at-now(), c.ring)
	default:
		c.timer.Reset(c.alarms[0].at - now())
	}
}

// ring wakes the tunnels whose time has come. None of them may wait for
// anything: they do so one after the other.
func (c *clock) ring() {
	for t := c.next(); t != nil; t = c.next() {
		t.look()
	}
}

// next takes out the first tunnel whose time has come. If there is none, the
// timer is set for the one that is first by then.
func (c *clock) next() *Tunnel {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.alarms) == 0 || c.alarms[0].at > now() {
		c.wind()
		return nil
	}
	return heap.Pop(&c.alarms).(alarm).tunnel
}

// alarms are a heap, the earliest first. Each tunnel knows its place.
type alarms []alarm

func (a alarms) Len() int           { return len(a) }
func (a alarms) Less(i, j int) bool { return a[i].at < a[j].at }

func (a alarms) Swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].tunnel.alarm, a[j].tunnel.alarm = int32(i+1), int32(j+1)
}

// Push is called by package heap.
func (a *alarms) Push(x any) {
	*a = append(*a, x.(alarm))
	x.(alarm).tunnel.alarm = int32(len(*a))
}

// Pop is called by package heap.
func (a *alarms) Pop() any {
	last := (*a)[len(*a)-1]
	last.tunnel.alarm = 0
	(*a)[len(*a)-1] = alarm{}
	*a = (*a)[:len(*a)-1]
	return last
}

// Interface guards
var _ heap.Interface = (*alarms)(nil)

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package relay

import "time"

// timers are a tunnel's timers. They are runtime timers and cost no goroutine
// until they fire. That of the idle timeout is not reset by traffic: when it
// fires too early it looks at when the last bytes came, and sleeps for the
// rest.
type timers struct {
	lifetime, idle, linger *time.Timer
}

func (ts *timers) stop() {
	for _, timer := range []*time.Timer{ts.lifetime, ts.idle, ts.linger} {
		if timer != nil {
			timer.Stop()
		}
	}
}

func (t *Tunnel) startTimers() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.finished {
		return // so soon
	}
	if d := t.limits.MaxLifetime; d > 0 {
		t.timers.lifetime = time.AfterFunc(d, func() { t.Close(MaxLifetime) })
	}
	if d := t.limits.IdleTimeout; d > 0 {
		t.timers.idle = time.AfterFunc(d, t.checkIdle)
	}
}

// touch notes that bytes came.
func (t *Tunnel) touch() {
	if t.limits.IdleTimeout > 0 {
		t.lastActive.Store(int64(now() - t.opened))
	}
}

func (t *Tunnel) checkIdle() {
	idle := now() - t.opened - time.Duration(t.lastActive.Load())
	if idle >= t.limits.IdleTimeout {
		t.Close(IdleTimeout)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.finished {
		t.timers.idle.Reset(t.limits.IdleTimeout - idle)
	}
}

// startLinger gives an end that has begun its last moment.
func (t *Tunnel) startLinger() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.timers.linger == nil && !t.finished {
		t.timers.linger = time.AfterFunc(t.limits.Linger, func() { t.engine.abort(t) })
	}
}

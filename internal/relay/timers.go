// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package relay

import "time"

// A tunnel's timers are runtime timers: they cost no goroutine until they
// fire. That of the idle timeout is not reset by traffic; when it fires too
// early it looks at when the last bytes came and sleeps for the rest.

func (t *Tunnel) startTimers() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if d := t.config.MaxLifetime; d > 0 {
		t.lifetime = time.AfterFunc(d, func() { t.Close(MaxLifetime) })
	}
	if d := t.config.IdleTimeout; d > 0 {
		t.idle = time.AfterFunc(d, t.checkIdle)
	}
}

// touch notes that bytes came.
func (t *Tunnel) touch() {
	if t.config.IdleTimeout > 0 {
		t.lastActive.Store(int64(time.Since(t.opened)))
	}
}

func (t *Tunnel) checkIdle() {
	idle := time.Since(t.opened) - time.Duration(t.lastActive.Load())
	if idle >= t.config.IdleTimeout {
		t.Close(IdleTimeout)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.finished {
		t.idle.Reset(t.config.IdleTimeout - idle)
	}
}

// startLinger gives an end that has begun its last moment.
func (t *Tunnel) startLinger() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.linger == nil && !t.finished {
		t.linger = time.AfterFunc(t.config.Linger, t.abort)
	}
}

// stopTimers is called with t.mu held.
func (t *Tunnel) stopTimers() {
	for _, timer := range []*time.Timer{t.lifetime, t.idle, t.linger} {
		if timer != nil {
			timer.Stop()
		}
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package relay

import "time"

// A tunnel has one timer for all that it waits for, and none if that is
// nothing. It is a timer of the runtime and costs no goroutine until it fires.
// Traffic does not set it: when it fires too early, look finds out when the
// last bytes came, and sleeps for the rest.

func (t *Tunnel) startTimer() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.setTimer(now() - t.opened)
}

// startLinger gives an end that has begun its last moment.
func (t *Tunnel) startLinger() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.lingers == 0 {
		at := now() - t.opened
		t.lingers = at + max(t.limits.Linger, 1)
		t.setTimer(at)
	}
}

// look does what is due.
func (t *Tunnel) look() {
	t.mu.Lock()
	at := now() - t.opened
	reason := t.overdue(at)
	abort := t.lingers > 0 && at >= t.lingers
	if reason == 0 && !abort {
		t.setTimer(at)
	}
	t.mu.Unlock()
	switch {
	case abort:
		t.engine.abort(t)
	case reason != 0:
		t.Close(reason)
	}
}

// setTimer sets the timer for what is due next. It is called with mu held.
func (t *Tunnel) setTimer(at time.Duration) {
	next := t.next()
	if t.finished || next == 0 {
		return
	}
	if wait := next - at; t.timer == nil {
		t.timer = time.AfterFunc(wait, t.look)
	} else {
		t.timer.Reset(wait)
	}
}

// next is when something is due, or zero. Once the end has begun, only how long
// that may take matters.
func (t *Tunnel) next() time.Duration {
	if t.lingers > 0 {
		return t.lingers
	}
	idle, lifetime := t.idleEnd(), t.limits.MaxLifetime
	if idle == 0 || lifetime > 0 && lifetime < idle {
		return lifetime
	}
	return idle
}

// overdue is why the tunnel should have ended by now, or zero.
func (t *Tunnel) overdue(at time.Duration) Reason {
	switch idle, lifetime := t.idleEnd(), t.limits.MaxLifetime; {
	case t.lingers > 0:
		return 0
	case lifetime > 0 && at >= lifetime:
		return MaxLifetime
	case idle > 0 && at >= idle:
		return IdleTimeout
	}
	return 0
}

// idleEnd is when a tunnel that carries nothing more has been idle for too
// long.
func (t *Tunnel) idleEnd() time.Duration {
	if t.limits.IdleTimeout == 0 {
		return 0
	}
	return time.Duration(t.lastActive.Load()) + t.limits.IdleTimeout
}

// touch notes that bytes came.
func (t *Tunnel) touch() {
	if t.limits.IdleTimeout > 0 {
		t.lastActive.Store(int64(now() - t.opened))
	}
}

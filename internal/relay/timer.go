// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package relay

import "time"

// A tunnel has one alarm for all that it waits for, and none if that is nothing.
// Traffic does not set it: when it goes off too early, look finds out when the
// last bytes came, and sleeps for the rest.

func (t *Tunnel) startAlarm() {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := now() - t.opened
	next, _, overdue := t.examine(at, false)
	if overdue.reason != 0 {
		next = max(at, 1) // it is looked at there
	}
	t.setAlarm(next)
}

// startLinger gives an end that has begun its last moment.
func (t *Tunnel) startLinger() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.lingers {
		t.lingers = true
		t.until = now() - t.opened + max(t.limits.Linger, 1)
		t.setAlarm(t.until)
	}
}

// look does what is due. It does not wait for any of it.
func (t *Tunnel) look() { t.lookAt(false) }

func (t *Tunnel) lookAt(closely bool) {
	t.mu.Lock()
	at := now() - t.opened
	abort := t.lingers && at >= t.until
	next, pings, end := t.examine(at, closely)
	if !abort && end.reason == 0 {
		t.setAlarm(next)
	}
	t.mu.Unlock()
	switch {
	case abort:
		t.engine().do(t, func() { t.engine().abort(t) }) // a TLS connection takes its time to close
	case !closely && (end.reason == IdleTimeout || end.reason == HeartbeatTimeout):
		t.engine().do(t, t.lookClosely)
	case end.reason != 0 && t.cause(end.reason, end.side):
		t.sendCloses(end.reason, 0)
	case end.reason != 0:
		t.startLinger()
	}
	for _, f := range pings {
		if f != nil {
			t.pulse(f.to()).due.Store(true)
			t.engine().do(t, f.insertUnlessBusy)
		}
	}
}

// setAlarm has the tunnel woken when something is due next. It is called with mu
// held.
func (t *Tunnel) setAlarm(next time.Duration) {
	if next > 0 && t.running.Load() > 0 {
		t.clock.set(t, t.opened+next)
	}
}

// examine finds out when something is due next, zero if never; which flows owe
// their dst a Ping; and why the tunnel should have ended by now, if it should. For
// silence that is certain only if it was examined closely.
// Once the end has begun, only how long that may take matters.
func (t *Tunnel) examine(at time.Duration, closely bool) (next time.Duration, pings [2]*flow, overdue end) {
	if t.lingers {
		return t.until, pings, end{}
	}
	if closely {
		t.toClient.stir(at)
		t.toOrigin.stir(at)
	}
	earlier := func(due time.Duration) {
		if next == 0 || due < next {
			next = due
		}
	}
	if t.until > 0 {
		if at >= t.until {
			return 0, pings, end{MaxLifetime, Gateway}
		}
		earlier(t.until)
	}
	if idle := t.limits.IdleTimeout; idle > 0 {
		last := time.Duration(t.lastActive.Load())
		if at >= last+idle {
			return 0, pings, end{IdleTimeout, Gateway}
		}
		earlier(last + idle)
	}
	if t.limited != nil && t.limited.heartbeat != nil {
		for i, f := range [...]*flow{&t.toClient, &t.toOrigin} {
			due, ping, gone := t.pulse(f.to()).beat(at, t.limits, !closely || f.refused)
			if gone {
				return 0, [2]*flow{}, end{HeartbeatTimeout, f.to()}
			}
			if ping {
				pings[i] = f
			}
			earlier(due)
		}
	}
	return next, pings, end{}
}

// touch notes that bytes came.
func (t *Tunnel) touch() {
	if t.limits.IdleTimeout > 0 {
		t.active(now() - t.opened)
	}
}

// active notes that the tunnel carried bytes until a time.
func (t *Tunnel) active(until time.Duration) { t.lastActive.Store(int64(until)) }

// watchful tells whether something depends on when the tunnel was last active.
func (t *Tunnel) watchful() bool { return t.limits.IdleTimeout > 0 || t.heartbeat() != nil }

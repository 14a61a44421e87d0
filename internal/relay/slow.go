// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package relay

import "time"

// A side that reads slowly holds up the other: nothing is read from that any more,
// and a Ping waits behind what was sent before. Neither is gone, and the tunnel is
// not idle. So before silence ends it, it is looked at closely, where its engine
// moves it.

// lookClosely is look for a tunnel in which a side seems silent.
func (t *Tunnel) lookClosely() { t.lookAt(true) }

// stir finds out whether the silence around f is that of a slow dst, and what has
// become of it since dst was asked, or last looked at.
func (f *flow) stir(at time.Duration) {
	stuck := f.stuck()
	unsent, taken := backlog(f.dst())
	takes := unsent && taken > f.taken.Swap(taken)
	if from := f.tunnel.pulse(f.from()); from != nil && stuck {
		// Of an end that is no socket it is known when it last took something.
		takes = takes || time.Duration(from.heard.Load()) > at-f.tunnel.limits.patience()
		f.heard(at)
	}
	if to := f.tunnel.pulse(f.to()); to != nil && takes {
		to.heard.Store(int64(at))
	}
	if stuck && takes {
		f.tunnel.active(at)
	}
	f.refused = stuck && !takes
}

// stuck tells whether dst takes less than src sends.
func (f *flow) stuck() bool {
	if f.tunnel.by != byPump {
		return queued(f.dst())
	}
	if f.mu.TryLock() {
		f.mu.Unlock()
		return false
	}
	return true
}

// heard notes that src was heard, or could not be, until a time.
func (f *flow) heard(until time.Duration) {
	if from := f.tunnel.pulse(f.from()); from != nil {
		from.heard.Store(int64(until))
	}
}

// patience is how long a side is waited for at once.
func (l *Limits) patience() time.Duration { return min(l.Heartbeat, l.HeartbeatTimeout) }

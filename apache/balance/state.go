// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package balance

import (
	"fmt"
	"slices"
	"time"
)

// DefaultRetry is how long a member is out after a failure if it does not say.
const DefaultRetry = time.Minute

// State is a member, and what is known of it. Its methods may be called at any
// time.
type State struct {
	balancer *Balancer
	member   Member
	factor   int // LoadFactor in hundredths
	retry    time.Duration

	// guarded by the balancer's lock
	status int // httpd's lbstatus: how much it is this one's turn
	busy   int
	bytes  int64
	out    bool // httpd's "in error"
	since  time.Time
}

func (b *Balancer) newState(m Member) (*State, error) {
	s := &State{balancer: b, member: m, factor: 100, retry: DefaultRetry}
	if m.LoadFactor != 0 {
		s.factor = int(m.LoadFactor * 100)
	}
	if s.factor < 100 || s.factor > 10000 {
		return nil, fmt.Errorf("loadfactor must be from 1 to 100, not %g", m.LoadFactor)
	}
	if m.Set < 0 || m.Set > 99 {
		return nil, fmt.Errorf("lbset must be from 0 to 99, not %d", m.Set)
	}
	if m.Retry != 0 {
		s.retry = max(m.Retry, 0)
	}
	return s, nil
}

// Member returns the member as it was given to New.
func (s *State) Member() *Member { return &s.member }

// Done ends a choice: the member has answered, and carried so many bytes in both
// directions.
func (s *State) Done(status int, bytes int64) {
	s.end(slices.Contains(s.balancer.options.FailOnStatus, status), bytes)
}

// Failed ends a choice: there was no connection, or none that could be used. The
// member is out for its time.
func (s *State) Failed() { s.end(true, 0) }

// TimedOut ends a choice: the member was connected and did not answer in time.
func (s *State) TimedOut() { s.end(s.balancer.options.FailOnTimeout, 0) }

func (s *State) end(failed bool, bytes int64) {
	b := s.balancer
	b.mu.Lock()
	defer b.mu.Unlock()
	s.busy = max(s.busy-1, 0)
	s.bytes += bytes
	if failed && !s.member.IgnoreErrors {
		s.out, s.since = true, b.options.Now()
	}
}

// carries is how many requests and tunnels the member carries.
func (s *State) carries() int {
	if s.member.Tunnels != nil {
		return s.busy + s.member.Tunnels()
	}
	return s.busy
}

// usable says whether the member may be chosen, and gives one back whose time
// out has passed.
func (s *State) usable(now time.Time) bool {
	s.revive(now)
	return s.in()
}

func (s *State) in() bool { return !s.out && !s.member.Disabled && !s.member.Stopped }

// revive ends the member's time out if it has passed. A stopped one has none.
func (s *State) revive(now time.Time) {
	if s.out && !s.member.Stopped && now.Sub(s.since) > s.retry {
		s.out = false
	}
}

// recoverAll gives all members back if all of them are out: to try is better than
// to refuse. One that is disabled or stopped is not out, and prevents it.
func (b *Balancer) recoverAll(now time.Time) {
	for _, s := range b.members {
		if s.revive(now); !s.out {
			return
		}
	}
	if b.options.NoRecovery {
		return
	}
	for _, s := range b.members {
		s.out = false
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package balance

import (
	"slices"
	"time"
)

// better says whether a member is to be preferred to the best one so far.
type better func(s, best *State) bool

// best returns the member that the method prefers, or nil. It takes the first
// set that has one. Within a set a spare is looked at for each member that cannot
// be chosen, and standbys only if there is nobody else.
func (b *Balancer) best(tried []*State, now time.Time) *State {
	c := choice{better: b.better, tried: tried}
	if b.look(&c, now); c.best != nil {
		c.best.status -= c.total
	}
	return c.best
}

// look looks at the members that there is a choice of.
func (b *Balancer) look(c *choice, now time.Time) {
	for _, set := range b.sets {
		missing := 0
		for _, s := range b.members {
			if s.member.Set != set || s.member.Spare || s.member.Standby {
				continue
			}
			if s.member.Draining || !s.usable(now) || !c.look(s) {
				missing++
			}
		}
		b.reserve(c, set, missing, now, func(m *Member) bool { return m.Spare })
		if c.best == nil {
			b.reserve(c, set, len(b.members), now, func(m *Member) bool { return m.Standby && !m.Spare })
		}
		if c.best != nil {
			return
		}
	}
}

// reserve looks at most at so many of a kind of members.
func (b *Balancer) reserve(c *choice, set, most int, now time.Time, kind func(*Member) bool) {
	for _, s := range b.members {
		if most == 0 {
			return
		}
		if m := &s.member; m.Set == set && kind(m) && !m.Draining && s.usable(now) {
			c.look(s)
			most--
		}
	}
}

// choice is the best of the members looked at so far.
type choice struct {
	better better
	tried  []*State
	best   *State
	total  int       // of the factors of those looked at
	all    *[]*State // that could be chosen; nil: nobody asks
}

// look compares a member with the best one, and says whether it may be chosen at
// all. Each that is looked at comes closer to its turn by its factor; the one
// chosen in the end pays for all of them, so that the sum over all members stays
// the same. httpd could choose one again that has been tried, if its retry is 0.
func (c *choice) look(s *State) bool {
	s.status += s.factor
	c.total += s.factor
	if slices.Contains(c.tried, s) {
		return false
	}
	if c.all != nil {
		*c.all = append(*c.all, s)
	}
	if c.best == nil || c.better(s, c.best) {
		c.best = s
	}
	return true
}

func byRequests(s, best *State) bool { return s.status > best.status }

func byBusyness(s, best *State) bool {
	mine, its := s.carries(), best.carries()
	return mine < its || mine == its && s.status > best.status
}

func byTraffic(s, best *State) bool {
	return s.bytes/int64(s.factor) < best.bytes/int64(best.factor)
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package balance

import "github.com/caddy-wstunnel/caddy-wstunnel/apache/request"

// Would returns the members of which Choose would return one for a first choice:
// one if the request belongs to a session, or else all that there is a choice of.
// No choice is made; everything stays as it was.
func (b *Balancer) Would(r *request.Request) (members []*State) {
	session := b.session(r)

	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.members {
		status, out := s.status, s.out
		defer func() { s.status, s.out = status, out }()
	}
	now := b.options.Now()
	b.recoverAll(now)
	if s := b.byRoute(session.route, nil, now); s != nil {
		return []*State{s}
	}
	if !b.options.NoFailover || !b.hasRoute(session.route) {
		b.look(&choice{better: b.better, all: &members}, now)
	}
	return members
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package balance

import (
	"slices"
	"strings"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
)

// session is what a request says about the member it belongs to.
type session struct {
	found bool
	name  string // of the parameter or the cookie that says it
	route string // may be empty
}

// session looks for a route in the path and the query, then in the cookies.
func (b *Balancer) session(r *request.Request) session {
	if b.cookie == "" {
		return session{}
	}
	name := b.param
	value, ok := b.parameter(path(r))
	if !ok {
		value, ok = b.parameter(r.Query)
	}
	if !ok {
		name = b.cookie
		value, ok = cookie(r.Get("Cookie"), name)
	}
	if !ok {
		return session{}
	}
	separator := b.options.Separator
	switch {
	case separator == "":
		separator = "."
	case len(separator) > 1: // off
		return session{true, name, value}
	}
	_, route, ok := strings.Cut(value, separator)
	return session{ok, name, route}
}

// path is that of the balancer's URL, or of the request if it is mapped to none.
func path(r *request.Request) string {
	if url, ok := strings.CutPrefix(r.Filename, "proxy:"); ok {
		if _, behind, ok := strings.Cut(url, "://"); ok {
			return behind
		}
	}
	return r.URI
}

// parameter finds name= anywhere in s. That its name may be the end of another's
// is httpd's way.
func (b *Balancer) parameter(s string) (value string, ok bool) {
	delimiters := "?&"
	if b.options.SemicolonPath {
		delimiters = ";?&"
	}
	for {
		i := strings.Index(s, b.param)
		if i < 0 {
			return "", false
		}
		if rest, ok := strings.CutPrefix(s[i+len(b.param):], "="); ok && rest != "" {
			rest = strings.TrimLeft(rest, delimiters) // as strtok does
			if end := strings.IndexAny(rest, delimiters); end >= 0 {
				rest = rest[:end]
			}
			return rest, rest != ""
		}
		s = s[i+1:]
	}
}

const space = " \t\n\v\f\r"

// cookie finds a cookie. A comma ends it like a semicolon, and its name has to
// stand behind one of them, a space, or nothing.
func cookie(header, name string) (value string, ok bool) {
	for from := 0; ; {
		i := strings.Index(header[from:], name)
		if i < 0 {
			return "", false
		}
		i += from
		from = i + 1
		if i > 0 && !strings.ContainsRune(";,"+space, rune(header[i-1])) {
			continue
		}
		rest, ok := strings.CutPrefix(strings.TrimLeft(header[i+len(name):], space), "=")
		if !ok || rest == "" {
			continue
		}
		if end := strings.IndexAny(rest, ";,"); end >= 0 {
			rest = rest[:end]
		}
		return rest, true
	}
}

// byRoute returns the member that a session belongs to, or nil. Standbys are
// looked at after all others.
func (b *Balancer) byRoute(route string, tried []*State, now time.Time) *State {
	if route == "" {
		return nil
	}
	return b.routed(route, tried, now, 1)
}

func (b *Balancer) routed(route string, tried []*State, now time.Time, depth int) *State {
	for _, standby := range [...]bool{false, true} {
		for _, s := range b.members {
			if s.member.Standby != standby || s.member.Route != route {
				continue
			}
			if !slices.Contains(tried, s) && s.usable(now) {
				return s
			}
			// Redirections may lead in a circle.
			if s.member.Redirect == "" || depth >= len(b.members) {
				continue
			}
			if other := b.routed(s.member.Redirect, tried, now, depth+1); other != nil {
				return other
			}
		}
	}
	return nil
}

func (b *Balancer) hasRoute(route string) bool {
	return route != "" && slices.ContainsFunc(b.members, func(s *State) bool { return s.member.Route == route })
}

// countSession counts a request that was not balanced, so that those that are go
// elsewhere. All methods do so.
func (b *Balancer) countSession(chosen *State) {
	total := 0
	for _, s := range b.members {
		if s.in() {
			s.status += s.factor
			total += s.factor
		}
	}
	chosen.status -= total
}

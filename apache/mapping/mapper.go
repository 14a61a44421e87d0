// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"fmt"
	"slices"
)

// Mapper maps requests by the rules it was compiled from. It may be used by many
// goroutines. A nil Mapper maps nothing.
type Mapper struct {
	located      []compiledPass // of Locations, the last first
	pass         []compiledPass // the others
	reverse      []compiledReverse
	cookieDomain []compiledCookie
	cookiePath   []compiledCookie
	workers      []Worker
	balancers    []Balancer
	aliasFile    []compiledAlias    // of Locations, the last first
	alias        []compiledAlias    // the others
	whole        []compiledRedirect // of all of a Location, the last first
	fixup        []compiledRedirect // of a path in a Location
	redirect     []compiledRedirect // the others
	clean        CleanOptions
	relative     bool // RedirectRelative
	tunnelsOnly  bool // ProxyWebsocketFallbackToProxyHttp Off: ws:// takes upgrades only
}

// Compile makes rules ready to be asked. They may be changed afterwards.
func (rs *Rules) Compile() (*Mapper, error) {
	m := &Mapper{
		workers:     slices.Clone(rs.Workers),
		balancers:   slices.Clone(rs.Balancers),
		clean:       rs.CleanOptions(),
		relative:    rs.RedirectRelative != nil && *rs.RedirectRelative,
		tunnelsOnly: rs.WebsocketFallback != nil && !*rs.WebsocketFallback,
	}
	for i := range m.workers {
		if err := m.workers[i].compile(); err != nil {
			return nil, atLine(m.workers[i].Line, err)
		}
	}
	for i := range m.balancers {
		members := slices.Clone(m.balancers[i].Members)
		for j := range members {
			if err := members[j].compile(); err != nil {
				return nil, atLine(members[j].Line, err)
			}
		}
		m.balancers[i].Members = members
	}
	if err := m.compilePass(rs.Pass); err != nil {
		return nil, err
	}
	if err := m.compileReverse(rs); err != nil {
		return nil, err
	}
	return m, m.compileAlias(rs)
}

func (m *Mapper) compilePass(rules []Pass) error {
	for i := range rules {
		c, err := rules[i].compile()
		if err != nil {
			return atLine(rules[i].Line, err)
		}
		if c.Location == "" {
			m.pass = append(m.pass, c)
		} else {
			m.located = append(m.located, c)
		}
	}
	slices.Reverse(m.located) // lab cases E3b, E3c
	return nil
}

func (m *Mapper) compileReverse(rs *Rules) (err error) {
	for i := range rs.Reverse {
		c, err := rs.Reverse[i].compile(m.balancers)
		if err != nil {
			return atLine(rs.Reverse[i].Line, err)
		}
		m.reverse = append(m.reverse, c)
	}
	// A Location's come behind those of the server: lab case E17.
	sortLocated(m.reverse, func(c *compiledReverse) string { return c.Location })
	if m.cookieDomain, err = compileCookies(rs.CookieDomain); err != nil {
		return err
	}
	m.cookiePath, err = compileCookies(rs.CookiePath)
	return err
}

func (m *Mapper) compileAlias(rs *Rules) error {
	for i := range rs.Alias {
		c, err := rs.Alias[i].compile()
		if err != nil {
			return atLine(rs.Alias[i].Line, err)
		}
		if c.Location != "" {
			m.aliasFile = append(m.aliasFile, c)
		} else {
			m.alias = append(m.alias, c)
		}
	}
	slices.Reverse(m.aliasFile)
	for i := range rs.Redirect {
		c, err := rs.Redirect[i].compile()
		if err != nil {
			return atLine(rs.Redirect[i].Line, err)
		}
		switch {
		case c.text != nil:
			m.whole = append(m.whole, c)
		case c.Location != "":
			m.fixup = append(m.fixup, c)
		default:
			m.redirect = append(m.redirect, c)
		}
	}
	// The last Location counts, and in it the first redirect.
	slices.Reverse(m.whole)
	m.fixup = lastLocationFirst(m.fixup)
	return nil
}

// sortLocated puts the rules of Locations behind the others.
func sortLocated[T any](rules []T, location func(*T) string) {
	rank := func(rule *T) int { return min(len(location(rule)), 1) }
	slices.SortStableFunc(rules, func(a, b T) int { return rank(&a) - rank(&b) })
}

// lastLocationFirst keeps the order of the rules of one Location. Sections of the
// same path that follow each other are taken for one.
func lastLocationFirst(rules []compiledRedirect) []compiledRedirect {
	var sorted []compiledRedirect
	for end := len(rules); end > 0; {
		start := end - 1
		for start > 0 && rules[start-1].Location == rules[end-1].Location {
			start--
		}
		sorted = append(sorted, rules[start:end]...)
		end = start
	}
	return sorted
}

func atLine(line string, err error) error {
	if line == "" {
		return err
	}
	return fmt.Errorf("%s: %w", line, err)
}

// Clean is the function Clean with the options of the rules.
func (m *Mapper) Clean(rawPath string) (uri string, status int) {
	if m == nil {
		return Clean(rawPath, CleanOptions{})
	}
	return Clean(rawPath, m.clean)
}

// TunnelsOnly says whether a ws:// URL takes requests to upgrade only
// (ProxyWebsocketFallbackToProxyHttp Off). Others that RewriteRule sends there
// are answered with 426 (lab case E8b).
func (m *Mapper) TunnelsOnly() bool { return m != nil && m.tunnelsOnly }

// Balancers are all balancers, with their members, for whoever chooses one.
func (m *Mapper) Balancers() []Balancer {
	if m == nil {
		return nil
	}
	return m.balancers
}

// Workers are all workers that are no members of a balancer.
func (m *Mapper) Workers() []Worker {
	if m == nil {
		return nil
	}
	return m.workers
}

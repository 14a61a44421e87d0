// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import "strings"

// Names are the server names that belong to a virtual host.
type Names struct {
	// The names of the virtual host.
	In []string `json:"in,omitempty"`

	// Those of virtual hosts before it, which they belong to.
	Before []string `json:"before,omitempty"`

	// First says that it takes what belongs to no other.
	First bool `json:"first,omitempty"`

	// Of the first, those of all others.
	Others []string `json:"others,omitempty"`
}

// Has says whether a name belongs to the virtual host.
func (n *Names) Has(name string) bool {
	if matchNames(n.Before, name) {
		return false
	}
	return matchNames(n.In, name) || n.First && !matchNames(n.Others, name)
}

// Shared says whether there are other virtual hosts beside it.
func (n *Names) Shared() bool { return n != nil && len(n.Before)+len(n.Others) > 0 }

func matchNames(patterns []string, name string) bool {
	for _, pattern := range patterns {
		if matchName(pattern, name) {
			return true
		}
	}
	return false
}

// matchName is httpd's comparison of hosts with ServerAlias: case and a dot at
// the end do not matter, * stands for anything, dots included (lab case E13b), and
// ? for one character.
func matchName(pattern, name string) bool {
	pattern, name = strings.ToLower(pattern), strings.ToLower(strings.TrimSuffix(name, "."))
	if !strings.ContainsAny(pattern, "*?") {
		return pattern == name
	}
	// A star that has been passed is gone back to, with one character more for it.
	star, mark := -1, 0
	p, n := 0, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]) && pattern[p] != '*':
			p++
			n++
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, n
			p++
		case star >= 0:
			mark++
			p, n = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package rewrite is mod_rewrite: it reads RewriteRule and its kin, and runs
// them on requests as httpd 2.4.71 does.
package rewrite

import (
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// Rules are the rewriting directives of one place, in order.
type Rules struct {
	Engine  *bool    `json:"engine,omitempty"` // nil: not said here
	Base    string   `json:"base,omitempty"`
	Options []string `json:"options,omitempty"` // as Inherit, AllowNoSlash
	Maps    []Map    `json:"maps,omitempty"`
	Rules   []Rule   `json:"rules,omitempty"`

	pending []Condition // those that wait for their rule
}

// Rule is a RewriteRule with the RewriteConds in front of it, in the words of
// the file.
type Rule struct {
	Line         string      `json:"line,omitempty"` // as chat.conf:12
	Conditions   []Condition `json:"conditions,omitempty"`
	Pattern      string      `json:"pattern,omitempty"` // perhaps with ! in front
	Substitution string      `json:"substitution,omitempty"`
	Flags        string      `json:"flags,omitempty"` // as [P,L]
}

// Condition is a RewriteCond.
type Condition struct {
	Line    string `json:"line,omitempty"`
	Test    string `json:"test,omitempty"`    // as %{HTTP:Upgrade}; or expr
	Pattern string `json:"pattern,omitempty"` // as =websocket, !-f
	Flags   string `json:"flags,omitempty"`   // as [NC,OR]

	position syntax.Position
}

// Map is a RewriteMap.
type Map struct {
	Line   string `json:"line,omitempty"`
	Name   string `json:"name,omitempty"`
	Type   string `json:"type,omitempty"`   // txt, rnd or int
	Source string `json:"source,omitempty"` // the file, or the function of int
}

// Folder is what of a server's rules holds in its folders and Locations, which is
// what Merge takes for their outermost: whether the engine is on, and the
// options. The rules themselves run before a folder is known.
func (rs *Rules) Folder() *Rules {
	if rs == nil {
		return nil
	}
	return &Rules{Engine: rs.Engine, Options: rs.Options}
}

// says whether there is any directive in the place at all.
func (rs *Rules) says() bool {
	return rs != nil && (rs.Engine != nil || rs.Base != "" || len(rs.Options) > 0 || len(rs.Maps) > 0 || len(rs.Rules) > 0 || len(rs.pending) > 0)
}

// option says whether a RewriteOptions has been given.
func (rs *Rules) option(name string) bool {
	for _, option := range rs.Options {
		if strings.EqualFold(option, name) {
			return true
		}
	}
	return false
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package envif fills the environment of a request: it is httpd's mod_setenvif,
// whose variables depend on the request, and mod_env, whose variables do not.
//
// The two run at different times. SetEnvIf is early enough to decide about where
// a request goes; SetEnv comes after that has been decided (lab case E11c), and
// leaves alone what SetEnvIf or a rewrite rule has set.
package envif

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// Rules are the directives of one place, in order.
type Rules struct {
	If    []Rule  `json:"if,omitempty"`
	Fixed []Fixed `json:"fixed,omitempty"`
}

// Rule is SetEnvIf, SetEnvIfNoCase, BrowserMatch, BrowserMatchNoCase or
// SetEnvIfExpr.
type Rule struct {
	Line string `json:"line,omitempty"`

	// Attribute is what of the request is looked at: Remote_Addr and the like, a
	// header field, a variable, or an expression for the names of header fields.
	Attribute string `json:"attribute,omitempty"`
	Pattern   string `json:"pattern,omitempty"`
	NoCase    bool   `json:"no_case,omitempty"`

	// Expression is that of SetEnvIfExpr, which has no attribute.
	Expression string `json:"expression,omitempty"`

	// Variables are what is set, as written: NAME, NAME=value or !NAME.
	Variables []string `json:"variables,omitempty"`

	// Section is where Request_URI is the decoded path. Outside of sections it is
	// as the client sent it, since that is looked at before it is decoded.
	Section bool `json:"section,omitempty"`
}

// Fixed is SetEnv, UnsetEnv or PassEnv, for one variable.
type Fixed struct {
	Line   string `json:"line,omitempty"`
	Action string `json:"action"` // set, unset or pass
	Name   string `json:"name"`
	Value  string `json:"value,omitempty"`
}

// Reads says whether a directive is for this package.
func Reads(name string) bool {
	switch strings.ToLower(name) {
	case "setenvif", "setenvifnocase", "setenvifexpr", "browsermatch", "browsermatchnocase",
		"setenv", "unsetenv", "passenv":
		return true
	}
	return false
}

// Directive adds what a directive says.
func (rs *Rules) Directive(ctx *directive.Context, n *syntax.Node) error {
	rule := Rule{Line: directive.Line(n), Section: ctx.Place != directive.Server}
	switch name := strings.ToLower(n.Name); name {
	case "setenv", "unsetenv", "passenv":
		return rs.fixed(ctx, n, strings.TrimSuffix(name, "env"))
	case "setenvifexpr":
		if err := directive.Args(n, 2, -1, n.Name+` "%{HTTP:Upgrade} == 'websocket'" IS_WS`); err != nil {
			return err
		}
		rule.Expression, rule.Variables = n.Args[0], n.Args[1:]
	case "browsermatch", "browsermatchnocase":
		if err := directive.Args(n, 2, -1, n.Name+" ^Mozilla mozilla"); err != nil {
			return err
		}
		rule.Attribute, rule.Pattern, rule.Variables = "User-Agent", n.Args[0], n.Args[1:]
	default:
		if err := directive.Args(n, 3, -1, n.Name+` Remote_Addr "^192\.168\." LAN`); err != nil {
			return err
		}
		rule.Attribute, rule.Pattern, rule.Variables = n.Args[0], n.Args[1], n.Args[2:]
		if strings.EqualFold(rule.Attribute, "Remote_Host") {
			ctx.Warnf(n, "Remote_Host is the client's address here: names are not looked up")
		}
	}
	rule.NoCase = strings.HasSuffix(strings.ToLower(n.Name), "nocase")
	if _, err := rule.compile(); err != nil {
		return fmt.Errorf("%s: %w", n.Name, err)
	}
	rs.If = append(rs.If, rule)
	return nil
}

// fixed adds the directives of mod_env.
func (rs *Rules) fixed(ctx *directive.Context, n *syntax.Node, action string) error {
	most := -1
	if action == "set" {
		most = 2
	}
	if err := directive.Args(n, 1, most, n.Name+" NAME"); err != nil {
		return err
	}
	if slices.Contains(n.Args[:1], "") || action != "set" && slices.Contains(n.Args, "") {
		return fmt.Errorf("%s needs the name of a variable, not an empty word", n.Name)
	}
	add := func(name, value string) {
		rs.Fixed = append(rs.Fixed, Fixed{Line: directive.Line(n), Action: action, Name: name, Value: value})
	}
	if action == "set" {
		name, value := n.Args[0], ""
		if len(n.Args) == 2 {
			value = n.Args[1]
		}
		if before, after, ok := strings.Cut(name, "="); ok {
			ctx.Warnf(n, "the variable's name is %q with the =; meant may be: %s %s %q", name, n.Name, before, after)
		}
		add(name, value)
		return nil
	}
	for _, name := range n.Args {
		if _, ok := os.LookupEnv(name); !ok && action == "pass" {
			ctx.Warnf(n, "the environment of this process has no variable %s", name)
		}
		add(name, "")
	}
	return nil
}

// Merge returns the rules of a place inside of another: the outer ones first.
func Merge(outer, inner *Rules) *Rules {
	switch {
	case outer == nil:
		return inner
	case inner == nil:
		return outer
	}
	return &Rules{
		If:    slices.Concat(outer.If, inner.If),
		Fixed: slices.Concat(outer.Fixed, inner.Fixed),
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package config makes of httpd's directives what they configure: virtual
// hosts, their sections, and what holds in each. It knows every directive that
// is accepted, where it may stand, and that the others are errors.
//
// It is used twice: for the files that the adapter is given, and at run time for
// .htaccess files.
package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// Config is what a configuration file says, with all that it includes.
type Config struct {
	Listen []Listen
	Main   *Server   // all that stands outside of <VirtualHost>
	Hosts  []*Server // in the order of the files, without what they inherit

	// Idle are the directives that were accepted and have no effect here, each once.
	Idle []Idle

	// Strict is Options.Strict, or CADDY_STRICT of the files.
	Strict bool

	defines syntax.Defines

	// Warnings are what was passed over and somebody may not have meant.
	Warnings []syntax.Problem
}

// Idle is a directive without effect.
type Idle struct {
	syntax.Position // where it stands first
	Name            string
}

// Options are how a configuration is read.
type Options struct {
	Syntax syntax.Options

	// Strict refuses what httpd refuses, also where its meaning is evident.
	Strict bool
}

// Read reads the text of the file called name. The error, if there is one, is of
// type syntax.Errors.
func Read(name string, text []byte, o Options) (*Config, error) {
	if o.Syntax.Module == nil {
		o.Syntax.Module = StandsFor
	}
	if o.Syntax.Directive == nil {
		o.Syntax.Directive = Known
	}
	o.Syntax.Restricts = restricts
	tree, err := syntax.Parse(name, text, o.Syntax)
	if err != nil {
		return nil, err
	}
	rd := &reader{
		config: &Config{
			Main: new(Server), Warnings: tree.Warnings, defines: tree.Defines,
			Strict: o.Strict || tree.Defines.Defined("CADDY_STRICT"),
		},
		serverRoot: o.Syntax.ServerRoot,
	}
	rd.server(rd.config.Main, tree.Nodes)
	rd.config.check(rd)
	if len(rd.errors) > 0 {
		slices.SortStableFunc(rd.errors, byPlace)
		return nil, rd.errors
	}
	return rd.config, nil
}

// ReadHTAccess reads a .htaccess file of the folder dir, in which the groups of
// AllowOverride in overrides are allowed.
func ReadHTAccess(name, dir string, text []byte, overrides []string, defines syntax.Defines) (*Dir, []syntax.Problem, error) {
	tree, err := syntax.Parse(name, text, syntax.Options{HTAccess: true, Defines: defines, Module: StandsFor, Directive: Known, Restricts: restricts})
	if err != nil {
		return nil, nil, err
	}
	rd := &reader{config: &Config{Warnings: tree.Warnings}, overrides: overrides, htaccess: true}
	d := new(Dir)
	rd.dir(d, Scope{Place: directive.HTAccess, Path: dir}, tree.Nodes)
	if len(rd.errors) > 0 {
		return nil, nil, rd.errors
	}
	return d, rd.config.Warnings, nil
}

// Define is the value of a variable at the end of the file; empty if there is none.
func (c *Config) Define(name string) string {
	value, _ := c.defines.Value(name)
	return value
}

// Defines are all variables at the end of the file, with their values.
func (c *Config) Defines() map[string]string { return c.defines.All() }

// check finds what only the whole shows.
func (c *Config) check(rd *reader) {
	for _, s := range append([]*Server{c.Main}, c.Hosts...) {
		if rules := s.Dir.Rewrite; rules != nil && len(rules.Rules) > 0 && !rules.On() && !c.Main.Dir.Rewrite.On() {
			rd.warnf(s.Position, "the RewriteRule of %s has no RewriteEngine on: httpd ignores all rewriting here, and so does this", rules.Rules[0].Line)
		}
	}
	seen := make(map[string]*Server)
	for _, s := range c.Hosts {
		for _, a := range s.Addresses {
			key := strings.ToLower(a.String() + " " + s.Name)
			if first := seen[key]; first != nil && s.Name != "" {
				rd.warnf(s.Position, "%s has the virtual host of line %d already, so this one takes no request", s.Name, first.Position.Line)
			} else {
				seen[key] = s
			}
		}
	}
}

// reader reads directives into a Config.
type reader struct {
	config     *Config
	current    *Server // nil: a .htaccess file
	serverRoot string
	htaccess   bool
	overrides  []string // of a .htaccess file
	errors     syntax.Errors
}

func (rd *reader) errorf(at syntax.Position, format string, args ...any) {
	rd.errors = append(rd.errors, syntax.Problem{Position: at, Message: fmt.Sprintf(format, args...)})
}

func (rd *reader) warnf(at syntax.Position, format string, args ...any) {
	rd.config.Warnings = append(rd.config.Warnings, syntax.Problem{Position: at, Message: fmt.Sprintf(format, args...)})
}

// fail records an error of a directive. One with positions of its own keeps them.
func (rd *reader) fail(n *syntax.Node, err error) {
	var own syntax.Errors
	switch {
	case err == nil:
	case errors.As(err, &own):
		rd.errors = append(rd.errors, own...)
	default:
		rd.errorf(n.Position, "%v", err)
	}
}

// Scope is a place and the section it is in.
type Scope struct {
	Place directive.Place
	Path  string
	Match bool // Path is a regular expression
}

func (rd *reader) context(s Scope) *directive.Context {
	return &directive.Context{
		Place: s.Place, Path: s.Path, Match: s.Match, Strict: rd.config.Strict, ServerRoot: rd.serverRoot,
		Warn: func(p syntax.Problem) { rd.config.Warnings = append(rd.config.Warnings, p) },
	}
}

func byPlace(a, b syntax.Problem) int {
	if a.File != b.File {
		return 0
	}
	return a.Line - b.Line
}

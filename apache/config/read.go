// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/access"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/envif"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/header"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/logformat"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/mapping"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/remoteip"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/rewrite"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/tlsconf"
)

// server reads what stands in a virtual host, or outside of all.
func (rd *reader) server(s *Server, nodes []*syntax.Node) {
	scope := Scope{Place: directive.Server}
	outer := rd.current
	rd.current = s
	defer func() { rd.current = outer }()
	for _, n := range nodes {
		switch {
		case !rd.allowed(n, scope, s):
		case n.Is("<VirtualHost"):
			rd.virtualHost(n)
		case n.Section && isSection(n.Name):
			rd.section(&s.Dir, scope, n)
		case s.reads(n.Name):
			rd.take(n, func(n *syntax.Node) error { return s.directive(rd, scope, n) })
		default:
			rd.take(n, func(n *syntax.Node) error { return rd.directive(&s.Dir, scope, n) })
		}
	}
	s.Dir.finish(rd.context(scope))
}

func (rd *reader) virtualHost(n *syntax.Node) {
	s := &Server{Position: n.Position, Line: line(n)}
	for _, text := range n.Args {
		a, named, err := parseHostAddress(text)
		if err != nil {
			rd.errorf(n.Position, "<VirtualHost %s>: %v", n.Raw, err)
			return
		}
		if named != "" {
			rd.warnf(n.Position, "<VirtualHost %s>: the host of an address is not looked up; this is taken for %s", n.Raw, a)
		}
		s.Addresses = append(s.Addresses, a)
	}
	if len(s.Addresses) == 0 {
		rd.errorf(n.Position, "<VirtualHost> needs an address: <VirtualHost *:80>")
		return
	}
	rd.config.Hosts = append(rd.config.Hosts, s)
	rd.server(s, n.Nodes)
}

// dir reads what stands in a section or a .htaccess file.
func (rd *reader) dir(d *Dir, scope Scope, nodes []*syntax.Node) {
	for _, n := range nodes {
		switch {
		case !rd.allowed(n, scope, nil):
		case n.Section && isSection(n.Name):
			rd.section(d, scope, n)
		default:
			rd.take(n, func(n *syntax.Node) error { return rd.directive(d, scope, n) })
		}
	}
	d.finish(rd.context(scope))
}

// take reads a directive. httpd does not start with a comment behind one, whose
// meaning is evident.
func (rd *reader) take(n *syntax.Node, read func(*syntax.Node) error) {
	err := read(n)
	at := slices.IndexFunc(n.Args, func(arg string) bool { return strings.HasPrefix(arg, "#") })
	if err == nil || rd.config.Strict || rd.htaccess || at < 1 || n.Section {
		rd.fail(n, err)
		return
	}
	cut := *n
	cut.Args = n.Args[:at]
	cut.Raw, _, _ = strings.Cut(n.Raw, n.Args[at])
	if read(&cut) != nil {
		rd.fail(n, err)
		return
	}
	rd.warnf(n.Position, "httpd does not start with a comment behind %s; it is left out here", n.Name)
}

// finish ends the reading of a place.
func (d *Dir) finish(ctx *directive.Context) {
	if d.Rewrite != nil {
		d.Rewrite.Finish(ctx)
	}
}

// allowed says whether a directive may stand where it does, and records what is
// wrong otherwise.
func (rd *reader) allowed(n *syntax.Node, scope Scope, s *Server) bool {
	name := n.Name
	if n.Section {
		name = "<" + name
	}
	e := find(name)
	switch {
	case e == nil:
		rd.unknown(n)
	case e.Class == Refused:
		rd.errorf(n.Position, "%s is not supported: %s", n.Name, e.Note)
	case rd.htaccess && e.override == "":
		rd.errorf(n.Position, "%s is not allowed in .htaccess files", n.Name)
	case rd.htaccess && !rd.overridden(e.override):
		rd.errorf(n.Position, "%s is not allowed here: AllowOverride does not have %s", n.Name, e.override)
	case e.places&scope.place() == 0:
		rd.errorf(n.Position, "%s cannot be %s", n.Name, scope)
	case e.places&mainOnly != 0 && s != nil && s != rd.config.Main:
		rd.errorf(n.Position, "%s cannot be in <VirtualHost>", n.Name)
	case e.Class == Accepted:
		rd.idle(n, e)
	case !rd.htaccess && slices.ContainsFunc(n.Args, func(arg string) bool { return !utf8.ValidString(arg) }):
		// JSON would have other characters in their place, and other people let in.
		rd.errorf(n.Position, "%s has bytes that are no UTF-8, which Caddy's configuration cannot hold: save the file as UTF-8", n.Name)
	default:
		return true
	}
	return false
}

// unknown is an error: the directive may restrict access.
func (rd *reader) unknown(n *syntax.Node) {
	name := n.Name
	if n.Section {
		name = "<" + name
	}
	hint := "if the site does without it, put a # in front"
	if near := nearest(name); near != "" {
		hint = "did you mean " + strings.TrimPrefix(near, "<") + "?"
	} else if reason := foreign(n.Name); reason != "" {
		rd.errorf(n.Position, "%s is not supported: %s", n.Name, reason)
		return
	}
	if strings.HasPrefix(n.Name, "${") {
		hint = "define the variable, or remove the line"
	}
	rd.errorf(n.Position, "unknown directive %s: %s", n.Name, hint)
}

// idle notes a directive without effect.
func (rd *reader) idle(n *syntax.Node, e *Entry) {
	if !slices.ContainsFunc(rd.config.Idle, func(i Idle) bool { return i.Name == e.Name }) {
		rd.config.Idle = append(rd.config.Idle, Idle{n.Position, e.Name})
	}
}

// overridden says whether AllowOverride lets a .htaccess file have a group.
func (rd *reader) overridden(group string) bool {
	return group == "All" && len(rd.overrides) > 0 && !slices.Contains(rd.overrides, "none") ||
		slices.Contains(rd.overrides, "all") || slices.Contains(rd.overrides, strings.ToLower(group))
}

func (s Scope) place() places {
	switch s.Place {
	case directive.Server:
		return inServer
	case directive.Condition:
		return inCondition
	case directive.HTAccess:
		return inAll // AllowOverride decides
	}
	return inSection
}

// String says where the place is, for errors.
func (s Scope) String() string {
	switch s.Place {
	case directive.Server:
		return "outside of sections"
	case directive.Condition:
		return "in <If>"
	case directive.Location:
		return "in <Location>"
	case directive.Proxy:
		return "in <Proxy>"
	case directive.HTAccess:
		return "in .htaccess files"
	}
	return "in <Directory> or <Files>"
}

// directive reads one that may stand in sections.
func (rd *reader) directive(d *Dir, scope Scope, n *syntax.Node) error {
	ctx, name := rd.context(scope), n.Name
	if n.Section {
		name = "<" + name
	}
	switch {
	case rewrite.Reads(name):
		return lazy(&d.Rewrite).Directive(ctx, n)
	case mapping.Reads(name):
		return rd.mapping(d, scope.Place).Directive(ctx, n)
	case access.Reads(name):
		return lazy(&d.Access).Directive(ctx, n)
	case header.Reads(name):
		return lazy(&d.Header).Directive(ctx, n)
	case envif.Reads(name):
		return lazy(&d.Env).Directive(ctx, n)
	case tlsconf.Reads(name):
		return lazy(&d.TLS).Directive(ctx, n)
	case logformat.Reads(name):
		return nil // LogLevel of a section
	}
	return d.own(rd, ctx, n)
}

// reads says whether a directive is one of a server only.
func (s *Server) reads(name string) bool {
	return serverDirectives[strings.ToLower(name)] != nil || remoteip.Reads(name) || logformat.Reads(name)
}

func (s *Server) directive(rd *reader, scope Scope, n *syntax.Node) error {
	ctx := rd.context(scope)
	switch {
	case remoteip.Reads(n.Name):
		return lazy(&s.RemoteIP).Directive(ctx, n)
	case logformat.Reads(n.Name):
		return lazy(&s.Logs).Directive(ctx, n)
	}
	return serverDirectives[strings.ToLower(n.Name)](rd, s, n)
}

// mapping returns where the mapping of a place goes: of a <Location> to the
// server's, in which a rule knows its Location.
func (rd *reader) mapping(d *Dir, place directive.Place) *mapping.Rules {
	if place == directive.Server || place == directive.Location || place == directive.Proxy {
		d = &rd.current.Dir
	}
	return lazy(&d.Mapping)
}

// lazy makes rules where there are none yet.
func lazy[T any](rules **T) *T {
	if *rules == nil {
		*rules = new(T)
	}
	return *rules
}

// line is how a rule is called in what the adapter emits: file and line.
func line(n *syntax.Node) string { return directive.Line(n) }

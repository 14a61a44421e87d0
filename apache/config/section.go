// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/expr"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// isSection says whether a section's content is a Dir of its own.
func isSection(name string) bool {
	_, ok := sectionPlaces[strings.ToLower(name)]
	return ok
}

var sectionPlaces = map[string]directive.Place{
	"location": directive.Location, "locationmatch": directive.Location,
	"directory": directive.Directory, "directorymatch": directive.Directory,
	"files": directive.Directory, "filesmatch": directive.Directory,
	"proxy": directive.Proxy, "proxymatch": directive.Proxy,
	"if": directive.Condition, "elseif": directive.Condition, "else": directive.Condition,
}

// section reads one into the place that it is in.
func (rd *reader) section(outer *Dir, scope Scope, n *syntax.Node) {
	section := Section{Line: line(n), Kind: strings.ToLower(n.Name)}
	inner := Scope{Place: sectionPlaces[section.Kind]}
	switch section.Kind {
	case "if", "elseif", "else":
		rd.condition(outer, scope, n, section)
		return
	}
	args := n.Args
	if base, ok := strings.CutSuffix(section.Kind, "match"); ok {
		inner.Match = true
	} else if len(args) == 2 && args[0] == "~" {
		section.Kind, inner.Match, args = base+"match", true, args[1:]
	}
	switch {
	case section.Kind == "proxymatch" && !n.Is("<ProxyMatch"):
		rd.errorf(n.Position, "<Proxy ~> is none of httpd's sections; use <ProxyMatch %s>", strings.Join(args, " "))
		return
	case len(args) == 0:
		rd.errorf(n.Position, "<%s> needs to know what it is for: <%[1]s /path>", n.Name)
		return
	case len(args) > 1 && inner.Place != directive.Proxy: // <Proxy> has parameters there
		rd.errorf(n.Position, "<%s> is for one path, and %q is behind it", n.Name, args[1])
		return
	}
	section.Path = args[0]
	if section.Kind == "directory" {
		section.Path = rd.context(scope).Absolute(section.Path)
		if strings.HasSuffix(args[0], "/") && section.Path != "/" {
			section.Path += "/"
		}
	}
	if strings.HasPrefix(section.Kind, "files") && scope.Place != directive.Server && scope.Place != directive.Directory && scope.Place != directive.HTAccess {
		rd.errorf(n.Position, "<%s> is for the files of a <Directory>, and cannot be %s", n.Name, scope)
		return
	}
	inner.Path = section.Path
	if _, err := Compile(section); err != nil {
		rd.errorf(n.Position, "<%s %s>: %v", n.Name, n.Raw, err)
		return
	}
	nodes := n.Nodes
	if section.Kind == "proxy" || section.Kind == "proxymatch" {
		taken, err := rd.mapping(nil, directive.Proxy).ProxySection(rd.context(inner), n)
		rd.fail(n, err)
		nodes = without(nodes, taken)
	}
	rd.dir(&section.Dir, inner, nodes)
	outer.Sections = append(outer.Sections, section)
}

// condition reads <If>, <ElseIf> or <Else>. A ProxyPass in it is none of httpd's;
// its meaning is evident if the section is in a <Location>.
func (rd *reader) condition(outer *Dir, scope Scope, n *syntax.Node, section Section) {
	if section.Kind == "else" {
		if n.Raw != "" {
			rd.errorf(n.Position, "<Else> has no condition; <ElseIf> has one")
			return
		}
	} else {
		if len(n.Args) != 1 {
			rd.errorf(n.Position, `<%s> needs a condition in quotation marks: <%[1]s "%%{HTTPS} == 'on'">`, n.Name)
			return
		}
		section.Path = n.Args[0]
		if _, err := expr.ParseCondition(section.Path); err != nil {
			rd.errorf(n.Position, "<%s>: %v", n.Name, err)
			return
		}
	}
	if last := len(outer.Sections) - 1; section.Kind != "if" && (last < 0 || !isCondition(outer.Sections[last].Kind) || outer.Sections[last].Kind == "else") {
		rd.errorf(n.Position, "<%s> has no <If> in front of it", n.Name)
		return
	}
	nodes := n.Nodes
	if !rd.config.Strict && scope.Place == directive.Location && section.Kind == "if" {
		nodes = rd.guarded(outer, scope, n)
	}
	rd.dir(&section.Dir, Scope{Place: directive.Condition, Path: scope.Path, Match: scope.Match}, nodes)
	outer.Sections = append(outer.Sections, section)
}

// guarded takes the ProxyPass directives out of an <If> of a <Location>: they are
// the Location's, and hold under the condition. It returns the other directives.
func (rd *reader) guarded(outer *Dir, scope Scope, n *syntax.Node) []*syntax.Node {
	var rest []*syntax.Node
	for _, child := range n.Nodes {
		if !child.Is("ProxyPass") && !child.Is("ProxyPassMatch") && !child.Is("ProxyPassReverse") {
			rest = append(rest, child)
			continue
		}
		rules := rd.mapping(outer, scope.Place)
		before := len(rules.Pass)
		rd.fail(child, rules.Directive(rd.context(scope), child))
		for i := before; i < len(rules.Pass); i++ {
			rules.Pass[i].Guard = n.Args[0]
			rd.warnf(child.Position, "httpd does not start with %s in <If>; this is taken for: if the condition holds, and the next mapping otherwise", child.Name)
		}
	}
	return rest
}

func isCondition(kind string) bool { return kind == "if" || kind == "elseif" || kind == "else" }

// without returns the nodes that are not among those taken.
func without(nodes, taken []*syntax.Node) []*syntax.Node {
	return slices.DeleteFunc(slices.Clone(nodes), func(n *syntax.Node) bool { return slices.Contains(taken, n) })
}

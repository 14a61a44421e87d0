// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package syntax

import (
	"maps"
	"strings"
)

// Defines are httpd's variables. The zero value has none.
type Defines struct {
	// Names and values are apart because httpd has them apart: <IfDefine> finds a
	// name in its own case only, ${name} in any.
	names  map[string]bool
	values map[string]string
}

// Define defines a name, as httpd's option -D does.
func (d *Defines) Define(name string) {
	if d.names == nil {
		d.names = make(map[string]bool)
	}
	d.names[name] = true
}

// Set defines a name and gives it a value. An empty one is no value.
func (d *Defines) Set(name, value string) {
	d.Define(name)
	if value == "" {
		return
	}
	if d.values == nil {
		d.values = make(map[string]string)
	}
	d.values[lower(name)] = value
}

// Unset removes a name, and the value of that name in any case.
func (d *Defines) Unset(name string) {
	delete(d.names, name)
	delete(d.values, lower(name))
}

// Defined says whether the name is defined.
func (d Defines) Defined(name string) bool { return d.names[name] }

// Value returns the value of a variable.
func (d Defines) Value(name string) (string, bool) {
	value, ok := d.values[lower(name)]
	return value, ok
}

// All are the names with their values, which some do not have.
func (d Defines) All() map[string]string {
	all := make(map[string]string, len(d.names))
	for name := range d.names {
		all[name], _ = d.Value(name)
	}
	return all
}

func (d Defines) clone() Defines {
	return Defines{maps.Clone(d.names), maps.Clone(d.values)}
}

// define does what Define and UnDefine say.
func (p *parser) define(n *Node) {
	unset := n.Is("UnDefine")
	switch {
	case unset && (len(n.Args) != 1 || n.Args[0] == ""):
		p.errorf(n.Position, "%s takes the name of a variable, and nothing behind it", n.Name)
		return
	case !unset && (len(n.Args) == 0 || len(n.Args) > 2 || n.Args[0] == ""):
		p.errorf(n.Position, `%s takes a name and perhaps a value; a value with spaces in it needs "quotation marks"`, n.Name)
		return
	case strings.Contains(n.Args[0], ":"):
		p.errorf(n.Position, "%s: the name %s must not have a colon in it", n.Name, n.Args[0])
		return
	}
	name := n.Args[0]
	value, _ := p.defines.Value(name)
	defined := p.defines.Defined(name)
	switch {
	case unset:
		p.defines.Unset(name)
	case len(n.Args) == 1:
		p.defines.Define(name)
	default:
		p.defines.Set(name, n.Args[1])
	}
	if now, _ := p.defines.Value(name); now != value || p.defines.Defined(name) != defined {
		p.changes++
	}
}

// expand replaces the variables of a line. What comes in their place is not
// looked at again.
func (p *parser) expand(s string, at Position) string {
	head, rest, found := strings.Cut(s, "${")
	if !found {
		return s
	}
	var b strings.Builder
	for found {
		b.WriteString(head)
		name, behind, closed := strings.Cut(rest, "}")
		if !closed {
			b.WriteString("${")
			head = rest
			break
		}
		value, ok := p.variable(name)
		if !ok {
			p.undefined(name, at)
			value = "${" + name + "}"
		}
		if !p.take(len(value), at) {
			return ""
		}
		b.WriteString(value)
		head, rest, found = strings.Cut(behind, "${")
	}
	b.WriteString(head)
	return b.String()
}

// undefined warns of a variable once, where it first stands.
func (p *parser) undefined(name string, at Position) {
	if p.unknown[name] || strings.Contains(name, ":") { // mod_rewrite's ${map:key}
		return
	}
	if p.unknown == nil {
		p.unknown = make(map[string]bool)
	}
	p.unknown[name] = true
	p.warnf(at, "${%s} is not defined, and stays as it is", name)
}

func (p *parser) variable(name string) (string, bool) {
	value, ok := p.defines.Value(name)
	if !ok && p.options.LookupEnv != nil {
		value, ok = p.options.LookupEnv(name)
		// A line break is a space to httpd, and there is no way to write one.
		value = strings.ReplaceAll(value, "\n", " ")
	}
	return value, ok
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package syntax

import (
	"path"
	"slices"
	"strings"
)

// file is one file while it is read.
type file struct {
	*parser
	name string
	top  *[]*Node // where what is outside any section goes
	open []open
}

// reading is what is remembered of a file as long as it is open.
type reading struct {
	name    string // cleaned
	changes int    // parser.changes when it was opened
}

// file reads a file into nodes.
func (p *parser) file(name string, text []byte, nodes *[]*Node) {
	f := &file{parser: p, name: name, top: nodes}
	if !p.take(len(text)+nodeCost, f.at(1)) {
		return
	}
	p.reading = append(p.reading, reading{path.Clean(name), p.changes})
	defer func() { p.reading = p.reading[:len(p.reading)-1] }()

	all, found := strings.CutPrefix(string(text), bom)
	if found {
		p.errorf(f.at(1), "a byte order mark, which httpd takes for a part of the first directive; save the file without it")
	}
	ls := lines{rest: all}
	for l, ok := ls.next(); ok && !p.stopped; l, ok = ls.next() {
		f.line(l)
	}
	f.end()
}

func (f *file) at(n int) Position { return Position{f.name, n} }

func (f *file) line(l line) {
	at := f.at(l.first)
	if l.text == "" || !f.usable(l, at) || l.text[0] == '#' {
		return
	}
	if len(f.open) > 0 {
		innermost := &f.open[len(f.open)-1]
		switch {
		case innermost.skipped:
			f.skip(l)
			return
		case innermost.node == nil && same(l.text, "</"+innermost.name+">"):
			f.pop(l.last)
			return
		}
	}

	text := f.expand(l.text, at)
	word, raw := Word(text)
	switch {
	case word == "": // a line that begins with "" is none for httpd
		return
	case strings.HasPrefix(word, "</"):
		f.closeSection(word, raw, l)
		return
	case !f.take(nodeCost, at):
		return
	}
	// httpd takes > off the name of anything, not of sections only.
	name, bracket := strings.CutSuffix(word, ">")
	n := &Node{Position: at, End: l.last, Raw: strings.TrimRight(raw, space)}
	n.Name, n.Section = strings.CutPrefix(name, "<")
	switch {
	case n.Name == "":
		f.errorf(at, "%s without a name; one has to follow < at once", word)
	case n.Section:
		if !bracket && n.Raw == "" {
			f.warnf(at, "<%s has no closing >", n.Name)
		}
		f.openSection(n)
	default:
		f.split(n)
		f.directive(n)
	}
}

// split fills in the words of a node.
func (f *file) split(n *Node) {
	for rest := n.Raw; rest != ""; {
		var word string
		var closed bool
		if word, rest, closed = splitWord(rest); !closed {
			f.warnf(n.Position, "a quotation mark without a second one: all of the line behind it is one argument")
		}
		n.Args = append(n.Args, word)
	}
}

// directive executes what httpd executes while it reads, and keeps the rest.
func (f *file) directive(n *Node) {
	name := lower(n.Name)
	switch name {
	case "define", "undefine", "include", "includeoptional", "serverroot":
		if f.options.HTAccess {
			f.errorf(n.Position, "%s is not allowed in .htaccess files", n.Name)
			return
		}
	}
	switch name {
	case "define", "undefine":
		f.define(n)
	case "include", "includeoptional":
		f.include(n, name == "includeoptional", f.nodes())
	case "serverroot":
		if len(n.Args) == 1 {
			f.move(f.absolute(n.Args[0]))
		}
		f.add(n)
	default:
		f.add(n)
	}
}

// nodes returns where the next node goes.
func (f *file) nodes() *[]*Node {
	for _, o := range slices.Backward(f.open) {
		if o.node != nil {
			return &o.node.Nodes
		}
	}
	return f.top
}

func (f *file) add(n *Node) {
	nodes := f.nodes()
	*nodes = append(*nodes, n)
}

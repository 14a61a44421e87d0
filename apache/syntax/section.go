// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package syntax

import (
	"slices"
	"strings"
)

// open is a section that has begun and not ended.
type open struct {
	name string
	line int
	// node is the section, unless it is a conditional one: their content belongs to
	// the section around them.
	node    *Node
	skipped bool // its condition does not hold, or it is inside of such a one
	module  bool // since there is no such module here
}

// maxOpen is how deep sections nest. httpd has no limit; people stop at 6, and
// whoever walks the tree may do so recursively.
const maxOpen = 100

func (f *file) push(o open) {
	if f.open = append(f.open, o); len(f.open) > maxOpen {
		f.fatal(f.at(o.line), "sections are nested more than %d deep", maxOpen)
	}
}

// pop ends the innermost section.
func (f *file) pop(line int) {
	last := len(f.open) - 1
	if n := f.open[last].node; n != nil {
		n.End = line
	}
	f.open = f.open[:last]
}

// openSection begins a section whose Raw still has all that follows the name.
func (f *file) openSection(n *Node) {
	if raw := n.Raw; raw != "" {
		end := strings.LastIndexByte(raw, '>')
		if end < 0 {
			// It is a section nevertheless, and has an end.
			f.errorf(n.Position, "<%s %s has no closing >", n.Name, raw)
			end = len(raw)
		}
		n.Raw = strings.TrimRight(raw[:end], space)
		if behind := strings.Trim(raw[min(end+1, len(raw)):], space); behind != "" {
			f.warnf(n.Position, "%s behind <%s %s> has no effect", behind, n.Name, n.Raw)
		}
	}
	f.split(n)
	if conditional(n.Name) {
		holds := f.holds(n)
		f.push(open{name: n.Name, line: n.Line, skipped: !holds, module: !holds && n.Is("<IfModule") && !strings.HasPrefix(n.Raw, "!")})
		return
	}
	f.add(n)
	f.push(open{name: n.Name, line: n.Line, node: n})
}

// closeSection ends a section, or says why httpd would not. The end of a
// conditional one that has nothing behind it does not come here.
func (f *file) closeSection(word, behind string, l line) {
	at := f.at(l.first)
	name, bracket := strings.CutSuffix(word[len("</"):], ">")
	if !bracket {
		f.errorf(at, "%s has to be followed by > at once", word)
	}
	i := len(f.open) - 1
	for i >= 0 && !same(f.open[i].name, name) {
		i--
	}
	if i < 0 {
		if len(f.open) == 0 {
			f.errorf(at, "</%s> ends a section that does not begin in this file", name)
		} else {
			innermost := f.open[len(f.open)-1]
			f.errorf(at, "</%s> where <%s> of line %d has to end first", name, innermost.name, innermost.line)
		}
		return
	}
	for last := len(f.open) - 1; last > i; last-- {
		f.errorf(at, "</%s> where <%s> of line %d has to end first", name, f.open[last].name, f.open[last].line)
		f.pop(l.last)
	}
	switch {
	case !bracket || behind == "":
	case f.open[i].node == nil:
		f.errorf(at, "nothing may stand behind </%s>", name)
	default:
		f.warnf(at, "%s behind </%s> has no effect", behind, name)
	}
	f.pop(l.last)
}

// skip looks at a line that is not read, only for where sections begin and end.
// Variables are not replaced there.
func (f *file) skip(l line) {
	word, args := Word(l.text)
	name, section := strings.CutPrefix(word, "<")
	switch {
	case !section:
		f.unguarded(name, args, l)
	case strings.HasPrefix(name, "/"):
		innermost := f.open[len(f.open)-1]
		if !same(name, "/"+innermost.name+">") {
			f.errorf(f.at(l.first), "<%s where <%s> of line %d has to end first", name, innermost.name, innermost.line)
			return
		}
		f.pop(l.last)
	default:
		f.push(open{name: strings.TrimSuffix(name, ">"), line: l.first, skipped: true})
	}
}

// unguarded is an error if a directive that is skipped for want of a module would
// keep somebody out.
func (f *file) unguarded(name, args string, l line) {
	if f.options.Restricts == nil || !f.options.Restricts(name, args) {
		return
	}
	for _, o := range f.open {
		if o.module {
			f.errorf(f.at(l.first), "%s is for a module that is not known here, by <%s> of line %d: if httpd has it, remove the <%[2]s> around, and otherwise all of it", name, o.name, o.line)
			return
		}
	}
}

// end is the end of the file.
func (f *file) end() {
	for _, o := range slices.Backward(f.open) {
		if o.node == nil && !o.skipped {
			// As long as the condition holds, httpd takes the end of the file for its
			// end. It does so with all that is open in there, which goes too far.
			f.warnf(f.at(o.line), "<%[1]s> is not closed by </%[1]s>", o.name)
			continue
		}
		f.errorf(f.at(o.line), "<%[1]s> is not closed: there has to be a </%[1]s> in the same file", o.name)
	}
}

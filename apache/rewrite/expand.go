// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"errors"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/regex"
)

// template is a text with $1, %1, %{NAME} and ${map:key|default} in it.
type template []part

type part struct {
	kind     partKind
	text     string   // a literal, or the name of a variable or of a map
	group    int      // of a back-reference
	key      template // what to look up in a map
	fallback template // for what is not in it
}

type partKind int

const (
	literal        partKind = iota
	escaped                 // a literal that was behind a backslash
	ruleGroup               // $1
	conditionGroup          // %1
	variable                // %{NAME}
	mapped                  // ${map:key|default}
)

// maxText bounds a text that is put together. Rules that make one longer each
// time, with the flag N, end there.
const maxText = 64 << 10

var errTooLong = errors.New("a text that rules put together is longer than 64 KiB")

// parseTemplate reads a template. There is no wrong one: what is not complete
// stands for itself.
func parseTemplate(s string) template {
	var t template
	for s != "" {
		i := strings.IndexAny(s, `\$%`)
		switch {
		case i < 0:
			return append(t, part{text: s})
		case i > 0:
			t = append(t, part{text: s[:i]})
			s = s[i:]
		}
		p, length := parsePart(s)
		t = append(t, p)
		s = s[length:]
	}
	return t
}

// parsePart reads what begins with a backslash, $ or %.
func parsePart(s string) (p part, length int) {
	switch {
	case len(s) == 1:
		return part{text: s}, 1
	case s[0] == '\\':
		return part{kind: escaped, text: s[1:2]}, 2
	case s[1] == '{':
		end := inBraces(s[2:], '}')
		if end < 0 {
			return part{text: s[:2]}, 2
		}
		inner, length := s[2:2+end], 2+end+1
		if s[0] == '%' {
			return part{kind: variable, text: inner}, length
		}
		colon := inBraces(inner, ':')
		if colon < 0 {
			return part{text: s[:2]}, 2
		}
		p := part{kind: mapped, text: inner[:colon]}
		key := inner[colon+1:]
		if bar := inBraces(key, '|'); bar >= 0 {
			p.fallback = parseTemplate(key[bar+1:])
			key = key[:bar]
		}
		p.key = parseTemplate(key)
		return p, length
	case s[1] >= '0' && s[1] <= '9':
		kind := ruleGroup
		if s[0] == '%' {
			kind = conditionGroup
		}
		return part{kind: kind, group: int(s[1] - '0')}, 2
	}
	return part{text: s[:1]}, 1
}

// inBraces is where c is in what follows a brace, but not in further braces; -1
// if it is not.
func inBraces(s string, c byte) int {
	depth := 1
	for i := range len(s) {
		switch {
		case s[i] == c && (depth == 1):
			return i
		case s[i] == '}':
			if depth--; depth == 0 {
				return -1
			}
		case s[i] == '{':
			depth++
		}
	}
	return -1
}

// groups are what a pattern or a condition has matched.
type groups struct {
	text  string
	at    []int    // by a regular expression
	texts []string // by an expression
}

func (g *groups) group(n int) string {
	if g.at != nil {
		return regex.Group(g.text, g.at, n)
	}
	if n < len(g.texts) {
		return g.texts[n]
	}
	return ""
}

// expand fills in a template. The flags say how to escape back-references; nil:
// not at all.
func (x *run) expand(t template, f *flags) (string, error) {
	switch len(t) {
	case 0:
		return "", nil
	case 1: // most conditions have one variable
		return x.part(&t[0], f)
	}
	var b strings.Builder
	for i := range t {
		text, err := x.part(&t[i], f)
		if err != nil {
			return "", err
		}
		if b.Len()+len(text) > maxText {
			return "", errTooLong
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

// substitute is expand for a substitution. It says whether the question mark that
// the query string begins behind has come from the request: unsafe is what a
// client could make of %3F.
func (x *run) substitute(t template, f *flags) (text string, unsafe bool, err error) {
	var b strings.Builder
	found := false
	for i := range t {
		p := &t[i]
		text, err := x.part(p, f)
		if err != nil {
			return "", false, err
		}
		if b.Len()+len(text) > maxText {
			return "", false, errTooLong
		}
		b.WriteString(text)
		if p.kind != escaped && (!found || f.qsLast) && strings.Contains(text, "?") {
			found, unsafe = true, p.kind != literal
		}
	}
	return b.String(), unsafe && !f.allow3F, nil
}

func (x *run) part(p *part, f *flags) (string, error) {
	var text string
	switch p.kind {
	case literal, escaped:
		return p.text, nil
	case variable:
		return x.variable(p.text), nil
	case mapped:
		return x.lookUp(p, f)
	case ruleGroup:
		text = x.matched.group(p.group)
	case conditionGroup:
		text = x.condition.group(p.group)
	}
	if f != nil && f.escape {
		return escapeGroup(text, f), nil
	}
	return text, nil
}

// variable is a variable of the request. LA-U and LA-F would be what it has after
// a look ahead; here it is what it has now.
func (x *run) variable(name string) string {
	if len(name) > 5 && (strings.EqualFold(name[:5], "LA-U:") || strings.EqualFold(name[:5], "LA-F:")) {
		name = name[5:]
	}
	return x.r.Var(name)
}

func (x *run) lookUp(p *part, f *flags) (string, error) {
	key, err := x.expand(p.key, f)
	if err != nil {
		return "", err
	}
	if value, ok := x.engine.lookUp(p.text, key); ok {
		return value, nil
	}
	return x.expand(p.fallback, f)
}

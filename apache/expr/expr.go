// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package expr is httpd's expression language, ap_expr: the conditions of <If>,
// Require expr, RewriteCond expr and SetEnvIfExpr, and the texts behind expr=.
//
// Whatever is wrong with an expression itself is an error when it is parsed. An
// error when it is evaluated means that its value is not known, since a file can
// not be read or a regular expression takes too long. httpd logs that and goes on
// as if a condition were false; the caller must answer 500, since the condition
// may be what keeps somebody out.
package expr

import (
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/regex"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
)

// Condition is a compiled boolean expression.
type Condition struct {
	source     string
	root       condition
	readsFiles bool
}

// ParseCondition reads a boolean expression. Its errors name the column.
func ParseCondition(text string) (*Condition, error) {
	p := parser{lexer: lexer{text: text}}
	root, err := p.whole()
	if err != nil {
		return nil, err
	}
	return &Condition{text, root, p.lexer.readsFiles}, nil
}

// Holds says whether the condition is true of a request.
func (c *Condition) Holds(r *request.Request) (bool, error) {
	return c.root.holds(&evaluation{Request: r})
}

// Match is Holds, and returns what the last regular expression that was tried has
// captured, the whole match first. It is nil if that one did not match; one
// without groups in parentheses does not count.
func (c *Condition) Match(r *request.Request) (ok bool, groups []string, err error) {
	e := evaluation{Request: r}
	if ok, err = c.root.holds(&e); err != nil {
		return false, nil, err
	}
	for n := range len(e.match) / 2 {
		groups = append(groups, regex.Group(e.matched, e.match, n))
	}
	return ok, groups, nil
}

// ReadsFiles says whether file() or filesize() is in the expression, which httpd
// does not let .htaccess files use.
func (c *Condition) ReadsFiles() bool { return c.readsFiles }

// String is what was parsed.
func (c *Condition) String() string { return c.source }

// Text is a compiled string expression: text with %{...} in it.
type Text struct {
	source     string
	root       word
	readsFiles bool
}

// ParseText reads a string expression, without quotation marks around it. Its
// errors name the column.
func ParseText(text string) (*Text, error) {
	l := lexer{text: text}
	root, err := l.parts(0)
	if err != nil {
		return nil, err
	}
	return &Text{text, root, l.readsFiles}, nil
}

// Expand is the text for a request.
func (t *Text) Expand(r *request.Request) (string, error) {
	return t.root.value(&evaluation{Request: r})
}

// ReadsFiles says whether file() or filesize() is in the expression, which httpd
// does not let .htaccess files use.
func (t *Text) ReadsFiles() bool { return t.readsFiles }

// String is what was parsed.
func (t *Text) String() string { return t.source }

// evaluation is one of an expression for a request.
type evaluation struct {
	*request.Request

	// What $0 to $9 stand for: the groups of the last match, and in which text.
	// Only regular expressions with groups change them.
	match   []int
	matched string
}

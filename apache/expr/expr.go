// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package expr is httpd's expression language, ap_expr: the conditions of <If>,
// Require expr, RewriteCond expr and SetEnvIfExpr, and the texts behind expr=.
//
// Everything that can be wrong with an expression but for what a request brings
// is an error when it is parsed. An error while one is evaluated means that its
// value is not known; httpd answers 500 then, and so must the caller.
package expr

import (
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/regex"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
)

// Condition is a compiled boolean expression.
type Condition struct {
	source string
	root   condition
}

// ParseCondition reads a boolean expression. Its errors name the column.
func ParseCondition(text string) (*Condition, error) {
	root, err := parseCondition(text)
	if err != nil {
		return nil, err
	}
	return &Condition{text, root}, nil
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

// String is what was parsed.
func (c *Condition) String() string { return c.source }

// Text is a compiled string expression: text with %{...} in it.
type Text struct {
	source string
	root   word
}

// ParseText reads a string expression, without quotation marks around it. Its
// errors name the column.
func ParseText(text string) (*Text, error) {
	root, err := parseText(text)
	if err != nil {
		return nil, err
	}
	return &Text{text, root}, nil
}

// Expand is the text for a request.
func (t *Text) Expand(r *request.Request) (string, error) {
	return t.root.value(&evaluation{Request: r})
}

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

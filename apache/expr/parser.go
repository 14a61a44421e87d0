// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package expr

import "strings"

// parser is httpd's grammar: && binds stronger than ||, ! stronger than both, and
// a comparison stronger than that. Parentheses are around conditions only, never
// around words.
type parser struct {
	lexer lexer
	token token // the next one
}

// whole reads a boolean expression up to its end.
func (p *parser) whole() (condition, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	c, err := p.either()
	if err != nil {
		return nil, err
	}
	if p.token.kind != end {
		return nil, p.unexpected("&&, || or the end")
	}
	return c, nil
}

// either reads conditions with || between.
func (p *parser) either() (condition, error) {
	list, err := p.list("||", p.both)
	if len(list) == 1 {
		return list[0], err
	}
	return anyOf(list), err
}

// both reads conditions with && between.
func (p *parser) both() (condition, error) {
	list, err := p.list("&&", p.condition)
	if len(list) == 1 {
		return list[0], err
	}
	return allOf(list), err
}

func (p *parser) list(between string, read func() (condition, error)) ([]condition, error) {
	var list []condition
	for {
		c, err := read()
		if err != nil {
			return nil, err
		}
		list = append(list, c)
		if !p.is(between) {
			return list, nil
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
}

func (p *parser) condition() (condition, error) {
	negate := false
	for p.is("!") {
		negate = !negate
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
	c, err := p.positive()
	if err == nil && negate {
		c = not{c}
	}
	return c, err
}

// positive reads a condition without a ! before it.
func (p *parser) positive() (condition, error) {
	t := p.token
	switch {
	case p.is("true") || p.is("false"):
		return constant(t.text == "true"), p.advance()
	case p.is("("):
		return p.parenthesized()
	case t.kind == unary:
		if err := p.advance(); err != nil {
			return nil, err
		}
		argument, err := p.word()
		if err != nil {
			return nil, err
		}
		c, err := newUnary(t.text, argument)
		if err != nil {
			return nil, columnError(t.column, "%w", err)
		}
		return c, nil
	}
	left, err := p.word()
	if err != nil {
		return nil, err
	}
	return p.comparison(left)
}

func (p *parser) parenthesized() (condition, error) {
	if p.lexer.depth++; p.lexer.depth > maxDepth {
		return nil, columnError(p.token.column, "parentheses are nested more than %d times", maxDepth)
	}
	defer func() { p.lexer.depth-- }()
	if err := p.advance(); err != nil {
		return nil, err
	}
	c, err := p.either()
	if err != nil {
		return nil, err
	}
	return c, p.expect(")")
}

// comparison reads what is behind the first word of a condition.
func (p *parser) comparison(left word) (condition, error) {
	op := p.token
	if op.kind != binaryOp && (op.kind != operator || !comparing(op.text)) {
		return nil, p.unexpected("a comparison, such as ==, -eq, =~ or -in")
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	switch {
	case op.kind == operator && (op.text == "=~" || op.text == "!~"):
		if p.token.kind != pattern {
			return nil, p.unexpected("a regular expression: /pattern/ or m#pattern#")
		}
		c := condition(matching{left, p.token.regex})
		if op.text == "!~" {
			c = not{c}
		}
		return c, p.advance()
	case op.kind == operator && op.text == "in":
		list, err := p.words()
		return oneOf{left, list}, err
	}
	right, err := p.word()
	if err != nil {
		return nil, err
	}
	if op.kind == operator {
		return newComparison(op.text, left, right), nil
	}
	c, err := newBinary(op.text, left, right)
	if err != nil {
		return nil, columnError(op.column, "%w", err)
	}
	return c, nil
}

// words reads a list in braces.
func (p *parser) words() ([]word, error) {
	if p.token.kind == name {
		return nil, columnError(p.token.column, "the list function %s is not known here; a list is { 'a', 'b' }", p.token.text)
	}
	if err := p.expect("{"); err != nil {
		return nil, err
	}
	var list []word
	for {
		w, err := p.word()
		if err != nil {
			return nil, err
		}
		list = append(list, w)
		if !p.is(",") {
			return list, p.expect("}")
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
}

// word reads one or more words with dots between.
func (p *parser) word() (word, error) {
	first, err := p.single()
	if err != nil || !p.is(".") {
		return first, err
	}
	parts := joined{first}
	for p.is(".") {
		if err := p.advance(); err != nil {
			return nil, err
		}
		part, err := p.single()
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	return parts, nil
}

func (p *parser) single() (word, error) {
	t := p.token
	switch t.kind {
	case term:
		return t.word, p.advance()
	case name:
		return p.call()
	}
	return nil, p.unexpected("a 'text', a number, a %{VARIABLE} or a function")
}

// call reads function(argument).
func (p *parser) call() (word, error) {
	if p.lexer.depth++; p.lexer.depth > maxDepth {
		return nil, columnError(p.token.column, "functions are nested more than %d times", maxDepth)
	}
	defer func() { p.lexer.depth-- }()
	t := p.token
	if err := p.advance(); err != nil {
		return nil, err
	}
	if !p.is("(") {
		return nil, columnError(t.column, "%q is neither an operator nor a function with (; a text needs quotation marks", t.text)
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	argument, err := p.word()
	if err != nil {
		return nil, err
	}
	f, err := p.lexer.call(t.text, argument)
	if err != nil {
		return nil, columnError(t.column, "%w", err)
	}
	return f, p.expect(")")
}

func (p *parser) advance() (err error) {
	p.token, err = p.lexer.next()
	return err
}

func (p *parser) is(op string) bool { return p.token.kind == operator && p.token.text == op }

func (p *parser) expect(op string) error {
	if !p.is(op) {
		return p.unexpected(op)
	}
	return p.advance()
}

func (p *parser) unexpected(want string) error {
	rest := strings.TrimLeft(p.lexer.text[p.token.column-1:], " \t\n")
	if rest == "" {
		return columnError(p.token.column, "the expression ends where %s would be right", want)
	}
	if len(rest) > 20 {
		rest = rest[:20]
	}
	return columnError(p.token.column, "%q is where %s would be right", rest, want)
}

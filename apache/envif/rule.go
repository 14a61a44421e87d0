// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package envif

import (
	"errors"
	"fmt"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/expr"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/regex"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
)

// compiled is a Rule that can be applied.
type compiled struct {
	name      string // of the attribute
	attribute attribute
	pattern   pattern
	condition *expr.Condition // of SetEnvIfExpr, which has none of the above
	variables []variable
}

// variable is what a rule does to one.
type variable struct {
	name  string
	value string // groups of the match not yet put in
	unset bool
}

func (rule *Rule) compile() (*compiled, error) {
	c := &compiled{name: rule.Attribute}
	for _, text := range rule.Variables {
		if text == "" {
			break // as far as httpd reads
		}
		v, err := parseVariable(text)
		if err != nil {
			return nil, err
		}
		c.variables = append(c.variables, v)
	}
	if len(c.variables) == 0 {
		return nil, errors.New("it sets no variable; behind the condition there should be a name, as in IS_WS=1")
	}
	var err error
	if rule.Attribute == "" {
		if c.condition, err = expr.ParseCondition(rule.Expression); err != nil {
			return nil, fmt.Errorf("expression %q: %w", rule.Expression, err)
		}
		return c, nil
	}
	if c.attribute, err = newAttribute(rule); err != nil {
		return nil, err
	}
	if c.pattern, err = newPattern(rule.Pattern, rule.NoCase); err != nil {
		return nil, err
	}
	return c, nil
}

// parseVariable reads NAME, NAME=value or !NAME. As measured, NAME= sets it to 1,
// and a value that begins with ! unsets it.
func parseVariable(text string) (variable, error) {
	name, value, _ := strings.Cut(text, "=")
	v := variable{name: name, value: value}
	switch {
	case value != "":
		v.unset = value[0] == '!'
	case strings.HasPrefix(name, "!"):
		v.name, v.unset = name[1:], true
	default:
		v.value = "1"
	}
	if v.name == "" {
		return v, fmt.Errorf("%q has no name of a variable; right would be NAME, NAME=value or !NAME", text)
	}
	return v, nil
}

// apply does the rule for a value of its attribute.
func (c *compiled) apply(r *request.Request, value string) error {
	ok, group, err := c.holds(r, value)
	if !ok || err != nil {
		return err
	}
	for _, v := range c.variables {
		switch {
		case v.unset:
			r.UnsetEnv(v.name)
		case group != nil:
			r.SetEnv(v.name, regex.Substitute(v.value, group))
		default:
			r.SetEnv(v.name, v.value)
		}
	}
	return nil
}

// holds says whether variables are set, and what $0 to $9 stand for in them; nil
// leaves them and backslashes as they are.
func (c *compiled) holds(r *request.Request, value string) (ok bool, group func(int) string, err error) {
	if c.condition == nil {
		return c.pattern.match(value)
	}
	ok, groups, err := c.condition.Match(r)
	return ok, func(n int) string {
		if n < len(groups) {
			return groups[n]
		}
		// If no expression has captured anything, httpd takes what an earlier
		// directive has captured, which is not what anybody means.
		return ""
	}, err
}

// pattern is what an attribute has to match: a regular expression, or a text that
// it has to contain.
type pattern struct {
	text  string
	regex *regex.Regexp
	plain bool // the values of variables are taken as they are
}

// newPattern compiles a pattern. Whether it has anything of a regular expression
// in it decides about the $1 in values of variables: lab case E11b.
func newPattern(text string, noCase bool) (p pattern, err error) {
	if text == "" {
		return p, errors.New("the regular expression is empty; . matches all that is not")
	}
	plain, ok := plainText(text)
	if ok && !noCase {
		return pattern{text: plain, plain: true}, nil
	}
	p = pattern{plain: ok}
	p.regex, err = regex.Compile(text, noCase)
	return p, err
}

func (p *pattern) match(value string) (ok bool, group func(int) string, err error) {
	if p.regex == nil {
		return strings.Contains(value, p.text), nil, nil
	}
	if p.plain {
		ok, err = p.regex.Match(value)
		return ok, nil, err
	}
	match, err := p.regex.Find(value)
	return match != nil, func(n int) string { return regex.Group(value, match, n) }, err
}

// plainText returns the text that a pattern stands for if it is no more than a
// text, some of whose characters are escaped.
func plainText(pattern string) (text string, ok bool) {
	const special = `^.$|()[]*+?{}`
	b := make([]byte, 0, len(pattern))
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		if strings.IndexByte(special, c) >= 0 {
			return "", false
		}
		if c == '\\' {
			if i++; i == len(pattern) || strings.IndexByte(special+`\`, pattern[i]) < 0 {
				return "", false
			}
			c = pattern[i]
		}
		b = append(b, c)
	}
	return string(b), true
}

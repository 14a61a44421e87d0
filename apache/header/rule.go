// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package header

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/expr"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/regex"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
)

// compiled is a Rule that can be applied.
type compiled struct {
	action  string
	field   string // in Go's spelling
	pattern *regex.Regexp
	value   value
	early   bool

	// The condition. A variable that begins with ! must not be set.
	variable   string
	expression *expr.Condition
}

func (rule *Rule) compile() (*compiled, error) {
	c := &compiled{action: rule.Action, field: http.CanonicalHeaderKey(rule.field()), early: rule.Early}
	var err error
	switch {
	case rule.Action == "echo":
		c.pattern, err = regex.Compile(rule.Name, false)
	case !httpguts.ValidHeaderFieldName(c.field):
		err = fmt.Errorf("%q is not the name of a field", rule.Name)
	case rule.Action == "edit" || rule.Action == "edit*":
		c.pattern, err = regex.Compile(rule.Pattern, false)
	}
	if err != nil {
		return nil, err
	}
	if c.value, err = parseValue(rule.Value); err != nil {
		return nil, err
	}
	if name, ok := strings.CutPrefix(rule.Condition, "env="); ok {
		c.variable = name
	} else if text, ok := strings.CutPrefix(rule.Condition, "expr="); ok {
		if c.expression, err = expr.ParseCondition(text); err != nil {
			return nil, fmt.Errorf("condition %q: %w", text, err)
		}
	}
	return c, nil
}

// holds says whether the rule is for the request.
func (c *compiled) holds(r *request.Request) (bool, error) {
	switch {
	case c.expression != nil:
		return c.expression.Holds(r)
	case c.variable != "":
		name, not := strings.CutPrefix(c.variable, "!")
		_, set := r.Env(name)
		return set != not, nil
	}
	return true, nil
}

// apply does the rule to the fields in h.
func (c *compiled) apply(r *request.Request, h http.Header) error {
	switch c.action {
	case "unset":
		delete(h, c.field)
		return nil
	case "echo":
		return c.echo(r, h)
	case "setifempty":
		if len(h[c.field]) > 0 {
			return nil
		}
	case "edit", "edit*":
		return c.edit(r, h)
	}
	value, err := c.value.expand(r)
	if err != nil {
		return err
	}
	switch c.action {
	case "set", "setifempty":
		h[c.field] = []string{value}
	case "add":
		h[c.field] = append(slices.Clip(h[c.field]), value)
	case "merge":
		if values := h[c.field]; len(values) > 0 && listed(values[0], value) {
			return nil
		}
		appendTo(h, c.field, value)
	case "append":
		appendTo(h, c.field, value)
	}
	return nil
}

// appendTo makes a list of the first of a field's values and another one.
func appendTo(h http.Header, field, value string) {
	values := h[field]
	if len(values) == 0 {
		h[field] = []string{value}
		return
	}
	values = slices.Clone(values)
	values[0] += ", " + value
	h[field] = values
}

// listed says whether a list with commas has an item. Commas in quotation marks do
// not separate.
func listed(list, item string) bool {
	for list != "" {
		list = strings.TrimLeft(list, " \t\r\n\v\f")
		end := 0
		for end < len(list) && list[end] != ',' {
			if list[end] == '"' {
				if quoted := strings.IndexByte(list[end+1:], '"'); quoted >= 0 {
					end += quoted + 1
				} else {
					end = len(list) - 1
				}
			}
			end++
		}
		if list[:end] == item {
			return true
		}
		list = strings.TrimPrefix(list[end:], ",")
	}
	return false
}

// echo copies fields of the request. httpd has their names in the spelling of the
// client, here it is Go's.
func (c *compiled) echo(r *request.Request, h http.Header) error {
	names := slices.Collect(maps.Keys(r.Header))
	if r.Host != "" {
		names = append(names, "Host")
	}
	slices.Sort(names)
	for _, name := range names {
		ok, err := c.pattern.Match(name)
		if err != nil {
			return err
		}
		if ok {
			h[name] = append(slices.Clip(h[name]), clean(r.Get(name)))
		}
	}
	return nil
}

// maxValue is what editing may make of a value; httpd's limit.
const maxValue = 64 << 10

var errTooLong = errors.New("editing a field makes it longer than 64 KiB")

// edit replaces what matches in each of the values.
func (c *compiled) edit(r *request.Request, h http.Header) error {
	values := slices.Clone(h[c.field]) // whoever made h may use its values elsewhere
	for i, old := range values {
		edited, err := c.replace(r, old)
		if err != nil {
			return err
		}
		values[i] = edited
	}
	if len(values) > 0 {
		h[c.field] = values
	}
	return nil
}

// replace puts the rule's value in the place of what matches: once, or for edit*
// until nothing more does. What is behind a match is another text then, at whose
// beginning ^ matches, so httpd makes bbb of aaa by edit* ^a b.
func (c *compiled) replace(r *request.Request, text string) (string, error) {
	var b strings.Builder
	for {
		match, err := c.pattern.Find(text)
		if err != nil {
			return "", err
		}
		if match == nil {
			break
		}
		value, err := c.value.expand(r)
		if err != nil {
			return "", err
		}
		b.WriteString(text[:match[0]])
		b.WriteString(regex.Substitute(value, func(n int) string { return regex.Group(text, match, n) }))
		text = text[match[1]:]
		// httpd would find nothing at all at the same place for ever, and crashes.
		if c.action == "edit" || match[0] == match[1] {
			break
		}
		if b.Len() > maxValue {
			return "", errTooLong
		}
	}
	b.WriteString(text)
	if b.Len() > maxValue {
		return "", errTooLong
	}
	return clean(b.String()), nil
}

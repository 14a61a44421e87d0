// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package header changes the header fields of requests and of answers: it is
// httpd's mod_headers and mod_expires.
package header

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// Rules are the directives of one place, in order.
type Rules struct {
	Request  []Rule   `json:"request,omitempty"`  // RequestHeader
	Response []Rule   `json:"response,omitempty"` // Header
	Expires  *Expires `json:"expires,omitempty"`
}

// Rule is a RequestHeader or a Header.
type Rule struct {
	Line   string `json:"line,omitempty"`
	Always bool   `json:"always,omitempty"` // Header always …
	Action string `json:"action"`           // in lower case

	// Name is the field, and of echo an expression for the names of fields.
	Name string `json:"name"`

	// Pattern is what edit and edit* replace by Value.
	Pattern string `json:"pattern,omitempty"`
	Value   string `json:"value,omitempty"`

	// Early is for before the path is looked at.
	Early bool `json:"early,omitempty"`

	// Condition is env=NAME, env=!NAME or expr=….
	Condition string `json:"condition,omitempty"`
}

// Reads says whether a directive is for this package.
func Reads(name string) bool {
	switch strings.ToLower(name) {
	case "header", "requestheader", "expiresactive", "expiresdefault", "expiresbytype":
		return true
	}
	return false
}

// Directive adds what a directive says.
func (rs *Rules) Directive(ctx *directive.Context, n *syntax.Node) error {
	switch strings.ToLower(n.Name) {
	case "requestheader":
		return rs.header(ctx, n, &rs.Request, "set X-Forwarded-Proto https")
	case "header":
		return rs.header(ctx, n, &rs.Response, `always set X-Frame-Options DENY`)
	}
	if rs.Expires == nil {
		rs.Expires = new(Expires)
	}
	return rs.Expires.directive(ctx, n)
}

func (rs *Rules) header(ctx *directive.Context, n *syntax.Node, to *[]Rule, example string) error {
	if err := directive.Args(n, 2, -1, n.Name+" "+example); err != nil {
		return err
	}
	rule, err := parse(n.Args, to == &rs.Response)
	if err != nil {
		return fmt.Errorf("%s: %w; right would be, for example: %s %s", n.Name, err, n.Name, example)
	}
	rule.Line = directive.Line(n)
	if _, err := rule.compile(); err != nil {
		return fmt.Errorf("%s %s %s: %w", n.Name, rule.Action, rule.Name, err)
	}
	switch {
	case rule.Early && ctx.Place != directive.Server:
		// Which sections there are for a request is not known at that time.
		ctx.Warnf(n, "%s … early has no effect in a section", n.Name)
		return nil
	case rule.Action == "note":
		ctx.Warnf(n, "%s note has no effect: there is nothing that notes are read by", n.Name)
	case to == &rs.Response && rule.contentType() && slices.Contains([]string{"add", "append", "merge"}, rule.Action):
		ctx.Warnf(n, "%s %s has no effect on Content-Type, of which there is one; set and edit have", n.Name, rule.Action)
	}
	if workers(rule.Value) {
		ctx.Warnf(n, "%%i and %%b are about httpd's worker processes; with none of them they are always i=100 and b=0")
	}
	*to = append(*to, rule)
	return nil
}

// parse reads the words of a directive.
func parse(words []string, response bool) (Rule, error) {
	var rule Rule
	if response {
		rule.Always = strings.EqualFold(words[0], "always")
		if rule.Always || strings.EqualFold(words[0], "onsuccess") {
			words = words[1:]
		}
	}
	if len(words) < 2 {
		return rule, errors.New("the name of a field is missing")
	}
	rule.Action = strings.ToLower(words[0])
	rule.Name, words = words[1], words[2:]
	take := func(what string) (word string, err error) {
		if len(words) == 0 {
			return "", fmt.Errorf("%s %s needs %s", rule.Action, rule.Name, what)
		}
		word, words = words[0], words[1:]
		return word, nil
	}
	var err error
	switch rule.Action {
	case "set", "add", "append", "merge", "setifempty":
		rule.Value, err = take("a value")
	case "note":
		rule.Value, err = take("the name of a note")
	case "edit", "edit*":
		if rule.Pattern, err = take("a regular expression and what to put in its place"); err == nil {
			rule.Value, err = take("what to put in the place of what matches")
		}
	case "unset":
	case "echo":
		if !response {
			err = errors.New("echo is for Header only")
		}
	default:
		err = fmt.Errorf("%q is no action; add, append, echo, edit, edit*, merge, note, set, setifempty and unset are", rule.Action)
	}
	if err != nil || len(words) == 0 {
		return rule, err
	}
	if err := rule.when(words[0]); err != nil {
		return rule, err
	}
	if len(words) > 1 {
		return rule, fmt.Errorf("%q is one argument too many; a value with spaces needs quotation marks around it", words[1])
	}
	return rule, nil
}

// when reads the last word, which says when the rule is for.
func (rule *Rule) when(word string) error {
	kind, rest, _ := strings.Cut(word, "=")
	switch strings.ToLower(kind) {
	case "early":
		rule.Early = true
		return nil
	case "env":
		if strings.TrimPrefix(rest, "!") == "" {
			return fmt.Errorf("%s needs the name of a variable: env=NAME or env=!NAME", word)
		}
		rule.Condition = "env=" + rest
		return nil
	case "expr":
		rule.Condition = "expr=" + rest
		return nil
	}
	return fmt.Errorf("%q is no condition; early, env=NAME, env=!NAME and expr=… are, and a value with spaces needs quotation marks around it", word)
}

// contentType says whether the rule is about Content-Type, which httpd keeps apart
// from the other fields of an answer.
func (rule *Rule) contentType() bool { return strings.EqualFold(rule.field(), "Content-Type") }

// field is the name without what is behind a colon, which people write.
func (rule *Rule) field() string {
	name, _, _ := strings.Cut(rule.Name, ":")
	return name
}

// Merge returns the rules of a place inside of another: the outer ones first.
func Merge(outer, inner *Rules) *Rules {
	switch {
	case outer == nil:
		return inner
	case inner == nil:
		return outer
	}
	return &Rules{
		Request:  slices.Concat(outer.Request, inner.Request),
		Response: slices.Concat(outer.Response, inner.Response),
		Expires:  mergeExpires(outer.Expires, inner.Expires),
	}
}

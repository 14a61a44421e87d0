// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// ask finds out whether a request matches as a route would. If not, s says which
// matchers are false: all of them, while a route stops at the first.
func (s *traceStep) ask(sets caddyhttp.MatcherSets, r *http.Request) error {
	s.Matched, s.Reason = len(sets) == 0, ""
	reasons := make([]string, 0, len(sets))
	for _, set := range sets {
		var wrong, names []string
		for _, m := range set {
			ok, err := caddyhttp.MatcherSet{m}.MatchWithError(r)
			switch {
			case err != nil && wrong == nil: // a route would not have stopped before
				s.Reason = expressionOfMatcher(m) + ": " + textOf(err)
				return err
			case !ok:
				wrong, names = append(wrong, expressionOfMatcher(m)+" is false"), append(names, nameOfMatcher(m))
			}
		}
		if wrong == nil {
			s.Matched = true
			return nil
		}
		slices.Sort(wrong) // a set has no order
		if reasons = append(reasons, strings.Join(wrong, ", ")); len(sets) == 1 {
			s.FalseMatchers = slices.Sorted(slices.Values(names))
		}
	}
	s.Reason = strings.Join(reasons, "; ")
	return nil
}

// always is the expression of a route that matches everything.
const always = "true"

// expressionOf is what has to hold for a route to match.
func expressionOf(sets caddyhttp.MatcherSets) string {
	if len(sets) == 0 {
		return always
	}
	all := make([]string, 0, len(sets))
	for _, set := range sets {
		matchers := make([]string, 0, len(set))
		for _, m := range set {
			matchers = append(matchers, expressionOfMatcher(m))
		}
		slices.Sort(matchers)
		if text := conjunction(matchers); len(sets) > 1 && len(matchers) > 1 {
			all = append(all, "("+text+")")
		} else {
			all = append(all, text)
		}
	}
	if len(all) == 1 {
		return all[0]
	}
	return "(" + strings.Join(all, " or ") + ")"
}

// conjunction is the expression for all of some to hold.
func conjunction(all []string) string {
	parts := make([]string, 0, len(all))
	for _, text := range all {
		if text != always && text != "" {
			parts = append(parts, text)
		}
	}
	if len(parts) == 0 {
		return always
	}
	return strings.Join(parts, " and ")
}

// expressionOfMatcher is a matcher's name, and its config as JSON has it.
func expressionOfMatcher(m any) string {
	switch m := m.(type) {
	case *caddyhttp.MatchNot: // whose matchers are no longer in its config
		return "not " + enclosed(expressionOf(m.MatcherSets))
	case caddyhttp.MatchNot: // in routes that Caddy makes
		return "not " + enclosed(expressionOf(m.MatcherSets))
	case *caddyhttp.MatchExpression: // as in a Caddyfile
		return "expression `" + m.Expr + "`"
	}
	name := nameOfMatcher(m)
	if config := configOf(m); config != "" {
		return name + " " + config
	}
	return name
}

func enclosed(text string) string {
	if strings.HasPrefix(text, "(") {
		return text
	}
	return "(" + text + ")"
}

func nameOfMatcher(m any) string {
	switch m.(type) {
	case *caddyhttp.MatchNot, caddyhttp.MatchNot:
		return expressionOfMatcher(m) // not alone would not say what
	}
	if module, ok := m.(caddy.Module); ok {
		return strings.TrimPrefix(string(module.CaddyModule().ID), "http.matchers.")
	}
	return fmt.Sprintf("%T", m)
}

// configOf is a module's config on one line, empty if it has none.
func configOf(module any) string {
	raw, err := json.Marshal(module)
	if err != nil {
		return ""
	}
	var config any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if decoder.Decode(&config) != nil {
		return ""
	}
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // expressions are full of &
	if encoder.Encode(config) != nil {
		return ""
	}
	switch line := strings.TrimSpace(text.String()); line {
	case "null", "{}", "[]", `""`:
		return ""
	default:
		return line
	}
}

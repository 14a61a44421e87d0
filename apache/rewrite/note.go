// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
)

// note says what has become of the request by a rule.
func (x *run) note(rule *rule) {
	if !x.r.Noting() {
		return
	}
	outcome := ""
	switch {
	case x.result.Status != 0:
		outcome = strconv.Itoa(x.result.Status)
	case rule.status != 0:
		outcome = strconv.Itoa(rule.status)
	case !rule.keep:
		if outcome = strings.TrimPrefix(x.r.Filename, proxyPrefix); x.r.Query != "" {
			outcome += "?" + x.r.Query
		}
	}
	x.r.Note(request.Note{Line: rule.line, Directive: rule.written.String(), Holds: true, Outcome: outcome})
}

func (x *run) noteMismatch(rule *rule) {
	if !x.r.Noting() {
		return
	}
	verb := "does not match"
	if rule.not {
		verb = "matches"
	}
	x.r.Note(request.Note{
		Line: rule.line, Directive: rule.written.String(),
		Outcome: fmt.Sprintf("%s %s %s", strings.TrimPrefix(rule.written.Pattern, "!"), verb, x.uri),
	})
}

// noteFalse says why a rule is not applied: for the condition at i, and those before
// it of which one would have been enough.
func (x *run) noteFalse(rule *rule, i int) {
	if !x.r.Noting() {
		return
	}
	first := i
	for first > 0 && rule.conditions[first-1].or {
		first--
	}
	all := make([]string, 0, i-first+1)
	for ; first <= i; first++ {
		all = append(all, x.falseText(rule.written.Conditions[first], rule.conditions[first]))
	}
	x.r.Note(request.Note{Line: rule.line, Directive: rule.written.String(), Outcome: strings.Join(all, " and ")})
}

// falseText says that a condition is false, and of what.
func (x *run) falseText(c Condition, t *condition) string {
	text := words(c.Line, c.String()) + " is false"
	if t.expr == nil {
		if input, err := x.expand(t.test, nil); err == nil {
			text += fmt.Sprintf(" of %q", input)
		}
	}
	return text
}

// String is the rule as it is written in a file, but for quotation marks.
func (r Rule) String() string {
	return words("RewriteRule", r.Pattern, r.Substitution, r.Flags)
}

// String is the condition as it is written in a file, but for quotation marks.
func (c Condition) String() string {
	return words("RewriteCond", c.Test, c.Pattern, c.Flags)
}

func words(all ...string) string {
	return strings.TrimSpace(strings.Join(all, " "))
}

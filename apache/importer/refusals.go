// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"slices"
	"strconv"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/rewrite"
)

// refusal is the status with which a RewriteRule keeps people out, or 0.
func refusal(r rewrite.Rule) int {
	for _, flag := range flagsOf(r) {
		name, value, _ := strings.Cut(flag, "=")
		switch name {
		case "F", "FORBIDDEN":
			return 403
		case "G", "GONE":
			return 410
		case "R", "REDIRECT":
			if status, err := strconv.Atoi(value); err == nil && status >= 400 {
				return status
			}
		}
	}
	return 0
}

// refuse writes a rule that keeps people out. What cannot be said of it makes it
// refuse more, never less.
func (b *site) refuse(r rewrite.Rule, status int) {
	a, known := b.conditions(r)
	if known && a.insecure && speaksTLS(b.s) {
		return // it is never without TLS here
	}
	text, negated := strings.CutPrefix(r.Pattern, "!")
	word, ok := expression(text, ignoresCase(r.Flags))
	if !ok {
		b.keepOut(r.Line, said(r))
		return
	}
	line := "path_regexp " + word
	if negated {
		line = "not " + line
	}
	lines, fits := a.with(line)
	if prefix, _, ok := pattern(r.Pattern); ok && prefix == "/" && len(a.lines) > 0 {
		lines, fits = a.lines, true // it is for all paths
	}
	if !known || !fits || a.websocket || a.plain {
		b.not(r.Line, said(r)+": its conditions are not said, so nobody is let in there")
		lines = []string{line}
	} else {
		b.linef("# %s", r.Line)
	}
	b.linef("respond %s %d", b.define(lines), status)
}

// said is a rule as it stands in the file, with its conditions.
func said(r rewrite.Rule) string {
	line := func(words ...string) string { return strings.TrimSpace(strings.Join(words, " ")) }
	var text strings.Builder
	text.WriteString(line("RewriteRule", r.Pattern, r.Substitution, r.Flags))
	for _, c := range r.Conditions {
		text.WriteString(", " + line("RewriteCond", c.Test, c.Pattern, c.Flags))
	}
	return text.String()
}

// refusesAny says whether one of the rules of a place keeps people out.
func refusesAny(rules *rewrite.Rules) bool {
	return rules != nil && slices.ContainsFunc(rules.Rules, func(r rewrite.Rule) bool { return refusal(r) != 0 })
}

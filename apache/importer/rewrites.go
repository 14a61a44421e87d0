// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"slices"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/mapping"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/rewrite"
)

// rewrites writes the RewriteRules whose idiom is known: redirects and refusals
// come first, since they are decided before anybody has to log in.
func (b *site) rewrites(answers bool) {
	rules := b.s.Rewrite
	if rules == nil || !rules.On() {
		return
	}
	for _, r := range rules.Rules {
		if isAnswer(r) != answers {
			continue
		}
		switch status := refusal(r); {
		case status != 0:
			b.refuse(r, status)
		case !b.rewriteRule(r):
			b.not(r.Line, said(r))
		}
	}
}

func flagsOf(r rewrite.Rule) []string { return words(r.Flags) }

// words are those of [A,B], in upper case.
func words(list string) (flags []string) {
	for flag := range strings.SplitSeq(strings.Trim(list, "[]"), ",") {
		if flag = strings.ToUpper(strings.TrimSpace(flag)); flag != "" {
			flags = append(flags, flag)
		}
	}
	return flags
}

// isAnswer says whether a rule answers by itself, and does not proxy.
func isAnswer(r rewrite.Rule) bool {
	flags := flagsOf(r)
	return !slices.Contains(flags, "P") && !slices.Contains(flags, "PROXY")
}

func (b *site) rewriteRule(r rewrite.Rule) bool {
	a, ok := b.conditions(r)
	prefix, rest, known := pattern(r.Pattern)
	if !ok || !known {
		return false
	}
	if isAnswer(r) {
		return b.redirectRule(r, prefix, a)
	}
	for _, flag := range flagsOf(r) {
		if !slices.Contains([]string{"P", "PROXY", "L", "LAST", "QSA", "NC"}, flag) {
			return false
		}
	}
	if a.insecure || a.plain && a.websocket {
		return false
	}
	mappings := b.s.Mapping
	if mappings == nil {
		mappings = new(mapping.Rules)
	}
	mapper, err := mappings.Compile()
	if err != nil {
		return false
	}
	// $1 is what is behind the prefix, %{REQUEST_URI} is all.
	url, all := strings.CutSuffix(r.Substitution, "%{REQUEST_URI}")
	var moved bool
	if !all {
		if url, moved = strings.CutSuffix(r.Substitution, "$1"); !moved || !rest {
			return false
		}
	}
	t, ok := targetOf(mapper, url)
	if !ok || strings.ContainsAny(url, "$%") {
		return false
	}
	lines := a.matcher()
	if prefix != "/" {
		lines = append(lines, "path "+prefix+"*")
	}
	b.linef("# %s", r.Line)
	if len(lines) > 0 {
		b.linef("handle %s {", b.define(lines))
	} else {
		b.linef("handle {")
	}
	if !all {
		b.move(prefix, t.Path)
	}
	if a.websocket || !a.plain && t.Upgrades("websocket") {
		b.tunnel(t)
	}
	if !a.websocket {
		b.reverseProxy(t)
	}
	b.linef("}")
	return true
}

// pattern reads the patterns that are a prefix. rest says that $1 is what is
// behind it.
func pattern(p string) (prefix string, rest, ok bool) {
	switch p {
	case "^/?(.*)", "^/(.*)", "/(.*)", "^/?(.*)$", "^/(.*)$", "/(.*)$":
		return "/", true, true
	case ".*", "^", "(.*)", "^.*$", "^(.*)$":
		return "/", false, true
	}
	p, anchored := strings.CutPrefix(strings.TrimSuffix(p, "$"), "^")
	if p, rest = strings.CutSuffix(p, "/(.*)"); !anchored || !rest || strings.ContainsAny(p, `.*+?()[]{}|\^$`) || !isPath(p) {
		return "", false, false
	}
	return p + "/", true, true
}

func (b *site) redirectRule(r rewrite.Rule, prefix string, a asked) bool {
	status := ""
	for _, flag := range flagsOf(r) {
		switch {
		case flag == "L" || flag == "NE" || flag == "QSA" || flag == "END" || flag == "LAST":
		case flag == "R" || flag == "REDIRECT":
			status = "302"
		case flag == "R=301" || flag == "R=PERMANENT":
			status = "301"
		case strings.HasPrefix(flag, "R=30"):
			status = strings.TrimPrefix(flag, "R=")
		default:
			return false
		}
	}
	if status == "" {
		status = "302"
	}
	if a.plain && a.websocket {
		return false
	}
	if a.insecure && speaksTLS(b.s) {
		return true // it is never without TLS here
	}
	to := strings.NewReplacer("%{HTTP_HOST}", "{host}", "%{SERVER_NAME}", "{host}", "%{REQUEST_URI}", "{uri}").Replace(r.Substitution)
	if strings.ContainsAny(to, "$%") || !isWord(strings.NewReplacer("{host}", "", "{uri}", "").Replace(to)) || !strings.HasPrefix(to, "https://") || !strings.HasSuffix(to, "{uri}") || prefix != "/" {
		return false
	}
	b.linef("# %s", r.Line)
	matcher := "*"
	if lines := a.matcher(); len(lines) > 0 {
		matcher = b.define(lines)
	}
	b.linef("redir %s %s %s", matcher, to, status)
	return true
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/mapping"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/rewrite"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/tlsconf"
)

// passes writes ProxyPass: those of Locations first, the last one of them first,
// as they are tried.
func (b *site) passes() {
	m := b.s.Mapping
	if m == nil {
		return
	}
	mapper, err := m.Compile()
	if err != nil {
		b.not(b.s.Line, err.Error())
		return
	}
	if f := m.WebsocketFallback; f != nil && !*f {
		b.not(b.s.Line, "ProxyWebsocketFallbackToProxyHttp Off: what is no WebSocket goes to ws:// origins as well")
	}
	var located, others []mapping.Pass
	for _, p := range m.Pass {
		if p.Location != "" {
			located = append(located, p)
		} else {
			others = append(others, p)
		}
	}
	slices.Reverse(located)
	for _, p := range append(located, others...) {
		b.pass(mapper, p)
	}
	for _, r := range m.Reverse {
		if !strings.HasPrefix(r.URL, "ws") {
			b.linef("# %s ProxyPassReverse: only needed if the origin names itself in Location", r.Line)
		}
	}
	if len(m.CookieDomain)+len(m.CookiePath) > 0 {
		b.not(b.s.Line, "ProxyPassReverseCookieDomain or -Path: see header_down of reverse_proxy")
	}
}

func (b *site) pass(mapper *mapping.Mapper, p mapping.Pass) {
	path := p.Path
	if path == "" {
		path = p.Location
	}
	if p.Match || p.Guard != "" || strings.HasPrefix(path, "~") || strings.ContainsAny(path, "*?[{ ") {
		b.not(p.Line, "ProxyPass "+path+" "+p.URL+": a regular expression or a condition")
		return
	}
	if p.URL == "!" {
		b.handle(p.Line, path)
		if b.s.DocumentRoot != "" {
			b.files()
		} else {
			b.linef("respond 404")
		}
		b.linef("}")
		return
	}
	t, ok := targetOf(mapper, p.URL)
	if !ok || strings.HasSuffix(path, "/") != strings.HasSuffix(t.Path, "/") {
		b.not(p.Line, "ProxyPass "+path+" "+p.URL+": a balancer, or a path and a URL of which one ends in a slash")
		return
	}
	b.handle(p.Line, path)
	b.move(path, t.Path)
	if t.Upgrades("websocket") {
		b.tunnel(t, "")
	}
	b.reverseProxy(t)
	b.linef("}")
}

// handle opens a block for what is below a path.
func (b *site) handle(line, path string) {
	b.linef("# %s", line)
	if paths := prefixPaths(path); paths != "/*" {
		name := b.matcher()
		b.linef("%s path %s\nhandle %[1]s {", name, paths)
		return
	}
	b.linef("handle {")
}

// move puts one path in the place of another.
func (b *site) move(from, to string) {
	from, to = strings.TrimSuffix(from, "/"), strings.TrimSuffix(to, "/")
	if from == to {
		return
	}
	switch {
	case to == "":
		b.linef("uri strip_prefix %s", from)
	case from == "":
		b.linef("rewrite * %s{uri}", to)
	default:
		b.linef("uri path_regexp ^%s %s", regexp.QuoteMeta(from), to)
	}
}

func (b *site) tunnel(t mapping.Target, matcher string) {
	scheme := ""
	if t.Scheme == "wss" || t.Scheme == "https" {
		scheme = "wss://"
	}
	b.linef("ws_tunnel %s%s%s {", matcher, scheme, t.Address)
	if !b.preservesHost() {
		b.linef("host %s", t.Host)
	}
	if verify := b.verification(); scheme != "" && verify != "" {
		b.linef("tls {\n%s\n}", verify)
	}
	b.linef("idle_timeout %s\n}", b.idle(t))
}

// reverseProxy passes on what is no WebSocket, and WebSockets without their upgrade
// if the target is not for them, as httpd does.
func (b *site) reverseProxy(t mapping.Target) {
	scheme := ""
	if t.Scheme == "wss" || t.Scheme == "https" {
		scheme = "https://"
	}
	b.linef("reverse_proxy %s%s {", scheme, t.Address)
	if !b.preservesHost() {
		b.linef("header_up Host %s", t.Host)
	}
	if verify := b.verification(); scheme != "" && verify != "" {
		b.linef("transport http {\n%s\n}", verify)
	}
	b.linef("header_up -Upgrade\nheader_up -Connection\n}")
}

// verification is what certificates of origins are held to: nothing, unless
// SSLProxyVerify asks for it.
func (b *site) verification() string {
	var asked tlsconf.Proxy
	if b.s.TLS != nil {
		asked = b.s.TLS.Proxy
	}
	switch {
	case asked.Verify == "" || asked.Verify == "none":
		return "tls_insecure_skip_verify"
	case asked.CAFile != "":
		return "tls_trust_pool file " + token(asked.CAFile)
	}
	return ""
}

// idle is httpd's: the longer of Timeout and the time for an answer.
func (b *site) idle(t mapping.Target) time.Duration {
	limit := time.Minute
	if s := b.s.Timeout; s != nil {
		limit = time.Duration(float64(*s) * float64(time.Second))
	}
	if p := b.s.Proxy; p != nil && p.Timeout != nil {
		limit = max(limit, time.Duration(float64(*p.Timeout)*float64(time.Second)))
	}
	if t.Worker != nil {
		limit = max(limit, t.Worker.Params.Timeout)
	}
	return limit
}

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
		b.tunnel(t, "")
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
	if p, rest = strings.CutSuffix(p, "/(.*)"); !anchored || !rest || strings.ContainsAny(p, `.*+?()[]{}|\^$`) || !strings.HasPrefix(p, "/") {
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
	if strings.ContainsAny(to, "$%") || !strings.HasPrefix(to, "https://") || !strings.HasSuffix(to, "{uri}") || prefix != "/" {
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

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/mapping"
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
	switch {
	case p.URL == "!" && p.Guard == "":
		b.exclude(p, path)
		return
	case p.Match || p.Guard != "" || !isPath(path):
		b.not(p.Line, "ProxyPass "+path+" "+p.URL+": a regular expression, a condition, or a path that is no word")
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
		b.tunnel(t)
	}
	b.reverseProxy(t)
	b.linef("}")
}

// exclude keeps from the origin what is not to be passed on.
func (b *site) exclude(p mapping.Pass, path string) {
	if !p.Match && isPath(path) {
		b.handle(p.Line, path)
	} else {
		pattern := path
		if !p.Match {
			pattern = below(path)
		}
		word, ok := expression(pattern, false)
		if !ok {
			b.keepOut(p.Line, "ProxyPass "+path+" !")
			return
		}
		b.linef("# %s", p.Line)
		b.linef("handle %s {", b.define([]string{"path_regexp " + word}))
	}
	if b.s.DocumentRoot != "" {
		b.files()
	} else {
		b.linef("respond 404")
	}
	b.linef("}")
}

// handle opens a block for what is below a path.
func (b *site) handle(line, path string) {
	b.linef("# %s", line)
	if paths := prefixPaths(path); paths != "*" {
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

func (b *site) tunnel(t mapping.Target) {
	scheme := ""
	if t.Scheme == "wss" || t.Scheme == "https" {
		scheme = "wss://"
	}
	b.linef("ws_tunnel %s%s {", scheme, t.Address)
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

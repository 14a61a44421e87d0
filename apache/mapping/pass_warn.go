// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// warn tells what httpd does without a word and hardly anybody means.
func (p *Pass) warn(ctx *directive.Context, n *syntax.Node, earlier []Pass) {
	p.warnHidden(ctx, n, earlier)
	if p.URL == "!" {
		return
	}
	_, url, _ := cutSocket(p.URL)
	_, rest, _ := strings.Cut(url, "://")
	_, path, hasPath := strings.Cut(rest, "/")
	_, fixed := p.fixedAuthority(rest)
	switch {
	case !fixed:
		ctx.Warnf(n, "%s: whoever sends a request chooses where it goes; name the hosts in the regular expression", p.URL)
	case p.Match:
	case !strings.HasPrefix(p.Path, "/"):
		ctx.Warnf(n, "%s does not begin with /, so no request is in it", p.Path)
	case strings.HasSuffix(p.Path, "/") && !hasPath:
		ctx.Warnf(n, "the path ends in / and the URL has none, so %[1]sx would go to %[2]sx, another host, and is refused: %[2]s/ is meant", p.Path, p.URL)
	case strings.HasSuffix(p.Path, "/") && path != "" && !strings.HasSuffix(path, "/"):
		ctx.Warnf(n, "the path ends in / and the URL does not, so %[1]sx goes to %[2]sx: end both with / or neither", p.Path, p.URL)
	case !strings.HasSuffix(p.Path, "/") && strings.HasSuffix(rest, "/"):
		ctx.Warnf(n, "the URL ends in / and the path does not, so %[1]s/x goes to %[2]s/x: end both with / or neither", p.Path, p.URL)
	}
	if strings.Contains(rest, "?") && !strings.Contains(p.Params, "nocanon") {
		ctx.Warnf(n, "the ? in %s is sent as %%3F, as a part of the path", p.URL)
	}
}

// warnHidden tells which of two rules is never reached: of those outside of
// Locations the later, of those in them the earlier (lab cases E2, E3b).
func (p *Pass) warnHidden(ctx *directive.Context, n *syntax.Node, earlier []Pass) {
	if p.Match || p.Guard != "" {
		return
	}
	for _, e := range earlier {
		if e.Match || e.Guard != "" || (e.Location == "") != (p.Location == "") {
			continue
		}
		if p.Location == "" && prefix(p.Path, e.Path) > 0 {
			ctx.Warnf(n, "never reached: ProxyPass %s of line %s comes first and takes %s, too; the more specific has to be the first", e.Path, e.Line, p.Path)
			return
		}
		if p.Location != "" && prefix(e.Path, p.Path) > 0 {
			ctx.Warnf(n, "hides the ProxyPass of <Location %s> of line %s: the last <Location> decides, so the more specific has to be behind", e.Path, e.Line)
		}
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"slices"
	"strings"
	"testing"
)

// An expression is what the config has; the reason against it names each matcher
// that is false.
func TestTraceExpressions(t *testing.T) {
	traceSites(t, `
http://site.test {
	@sets {
		not {
			path /b /c
			method GET
		}
		not websocket
		header X-A 1
		path /a*
	}
	@or expression `+"`path('/x') && {http.request.method} == 'GET'`"+`
	route /a* {
		ws_tunnel @sets localhost:7001
		ws_tunnel @or localhost:7002
	}
	handle /or {
		@either {
			expression `+"`websocket() || path('/<&>')`"+`
		}
		ws_tunnel @either localhost:7003
	}
	handle /error {
		@bad expression `+"`{http.request.uri.query.n} > 1`"+`
		ws_tunnel @bad localhost:7004
	}
}
`)
	rules := func(url string) (rules []*traceStep) {
		for _, set := range traceOf(t, `{"url": "`+url+`"}`).Trace[1].Trace {
			rules = append(rules, set.Trace...)
		}
		return rules
	}
	a := rules("ws://site.test/a")
	sets := slices.IndexFunc(a, func(rule *traceStep) bool { return strings.Contains(rule.Expression, "X-A") })
	const site = `host ["site.test"] and `
	if want := site + `path ["/a*"] and header {"X-A":["1"]} and not ((method ["GET"] and path ["/b","/c"]) or websocket) and path ["/a*"]`; a[sets].Expression != want &&
		a[sets].Expression != strings.Replace(want, `(method ["GET"] and path ["/b","/c"]) or websocket`, `websocket or (method ["GET"] and path ["/b","/c"])`, 1) {
		t.Errorf("expression %s, want %s", a[sets].Expression, want)
	}
	if got := a[sets].Reason; !strings.HasPrefix(got, `header {"X-A":["1"]} is false, not (`) {
		t.Errorf("reason %s", got)
	}
	if tree := traceOf(t, `{"url": "ws://site.test/a"}`).tree(); !strings.Contains(tree, ": header is false, not (") {
		t.Errorf("it is not said what is false:\n%s", tree)
	}
	for _, rule := range rules("ws://site.test/or") {
		if want := site + `path ["/or"] and expression ` + "`websocket() || path('/<&>')`"; rule.Matched && rule.Expression != want {
			t.Errorf("expression %s, want %s", rule.Expression, want)
		}
	}
	result := traceOf(t, `{"url": "ws://site.test/error"}`)
	if tree := result.tree(); result.StatusCode != 500 || !strings.Contains(tree, "> 1`: no such overload") || !strings.Contains(tree, "✓ errors: ") {
		t.Errorf("%d:\n%s", result.StatusCode, tree)
	}
}

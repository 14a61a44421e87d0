// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"strings"
	"testing"
)

// The tree shows all routes, which of them are run, and what it comes to.
func TestTraceTree(t *testing.T) {
	traceSites(t, `
http://site.test {
	basic_auth /secret {
		bob $2a$14$Zkx19XLiW6VYouLHR5NmfOFU0z2GTNmpkT/5qqR7hx4IjWJPDhjvG
	}
	@chat {
		path /chat /secret
		time_window 09:00-18:00 mon-fri UTC
	}
	rewrite /old /chat
	ws_tunnel @chat localhost:7001 localhost:7002 {
		name chat
	}
	reverse_proxy localhost:3000
}
`)
	const window = `time_window {"windows":[{"days":["mon-fri"],"from":"09:00","to":"18:00","zone":"UTC"}]}`
	for _, tc := range []struct{ args, want string }{
		{"ws://site.test/old --at 2026-11-20T12:00Z", `✓ srv0
└─ ✓ host ["site.test"]
   ├─ ✓ path ["/old"]
   │  └─ ✓ rewrite: the URI is now /chat
   ├─ ✗ path ["/secret"] -> authentication
   ├─ ✓ path ["/chat","/secret"] and ` + window + `
   │  └─ ✓ ws_tunnel chat: one of ws://localhost:7001, ws://localhost:7002, by least_conn
   └─ · every request -> reverse_proxy: not reached
=> one of ws://localhost:7001, ws://localhost:7002, by least_conn, asked for /chat of site.test
`},
		{"ws://site.test/secret --at 2026-11-22T12:00Z", `✓ srv0
└─ ✓ host ["site.test"]
   ├─ ✗ path ["/old"] -> rewrite
   ├─ ✓ path ["/secret"]
   │  └─ ? authentication: not run; the next handler is taken to be called
   ├─ ✗ path ["/chat","/secret"] and ` + window + ` -> ws_tunnel: time_window is false
   └─ ✓ reverse_proxy localhost:3000
=> no ws_tunnel takes it
   if what is marked with ? calls the next handler
`},
	} {
		if out, err := runCommand(t, append([]string{"trace"}, strings.Fields(tc.args)...)...); err != nil || out != tc.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", tc.args, err, out, tc.want)
		}
	}
}

// With --expect the command fails unless that comes out, and says what did.
func TestTraceExpect(t *testing.T) {
	traceSites(t, `
http://site.test {
	route {
		ws_tunnel /one localhost:7001
		ws_tunnel /two localhost:7001 localhost:7002
		ws_tunnel /found {
			dynamic a origin.test 7001
		}
		respond 404
	}
}
`)
	for args, want := range map[string]string{
		"/one --expect origin=ws://localhost:7001":                                     "",
		"/one --expect origin=localhost:7001 --expect status=101":                      "",
		"/one --expect origin=ws://other:1":                                            "expected origin ws://other:1, got: ws://localhost:7001, asked for /one of site.test",
		"/one --expect origin=wss://localhost:7001":                                    "got: ws://localhost:7001",
		"/one --expect origin=none":                                                    "got: ws://localhost:7001",
		"/one --expect status=404 --expect status=403":                                 "expected status 404 or 403, got 101",
		"/two --expect origin=ws://localhost:7001":                                     "got: one of ws://localhost:7001, ws://localhost:7002, by least_conn",
		"/two --expect origin=ws://localhost:7001 --expect origin=ws://localhost:7002": "",
		"/found --expect origin=ws://localhost:7001":                                   "cannot be told without looking them up",
		"/none --expect origin=none --expect status=404":                               "",
		"/none --expect origin=ws://localhost:7001":                                    "got: no ws_tunnel takes it; the status is 404 Not Found",
		"/one --expect origin":                                                         "a port is missing",
		"/one --expect status=good":                                                    `"good" is no status`,
		"/one --expect host=a":                                                         "write origin=<address> or status=<code>",
		"/one -H odd":                                                                  `"odd" is not a header field`,
		"/one --at now":                                                                `is not a time of RFC 3339`,
	} {
		out, err := runCommand(t, append([]string{"trace"}, strings.Fields("ws://site.test"+args)...)...)
		switch {
		case want == "" && err != nil, want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %q\n%s", args, err, want, out)
		}
	}
}

// What a config or a request has cannot steer the terminal, nor what the admin API
// answers.
func TestTraceTerminal(t *testing.T) {
	traceSites(t, "http://site.test {\n\t@odd header X-Odd \"\x1b[2J\u202e\u009b\"\n\tws_tunnel @odd localhost:7001 {\n\t\thost {header.X-Host}\n\t}\n}\n")
	for _, args := range [][]string{nil, {"--json"}, {"-H", "X-Odd: \u202e\u009b"}, {"-H", "X-Host: \u009b2J"}} {
		out, err := runCommand(t, append([]string{"trace", "ws://site.test/", "--expect", "origin=none"}, args...)...)
		if err != nil || out == "" || strings.ContainsAny(out, "\x1b\u202e\u009b") {
			t.Errorf("%q: %v\n%q", args, err, out)
		}
	}
	hostile := &traceResult{Trace: []*traceStep{{StepName: phaseRoutes, Reason: "\x1b", Trace: []*traceStep{{
		Type: typeRule, Expression: "\x1b", Action: "\x1b", Reason: "\x1b", Trace: []*traceStep{{Type: typeHandler, Action: "\x1b\n", Description: "\x1b"}},
	}}}, {StepName: phaseOrigin, Trace: []*traceStep{{Trace: []*traceStep{{Matched: true, Parameter: &traceParameter{URI: "\x1b", HostHeader: "\x1b"}}}}}}}}
	if tree := hostile.tree(); strings.Contains(tree, "\x1b") || strings.Count(tree, "\n") != 4 {
		t.Errorf("%q", tree)
	}
	if got := printableJSON("{\"a\": \"\u009b😀\U000e0001\"}\n"); got != `{"a": "\u009b😀\udb40\udc01"}`+"\n" {
		t.Error(got)
	}
}

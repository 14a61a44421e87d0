// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// traceGateway is one of many sites, with most of what a Caddyfile can have before
// a ws_tunnel. ORIGIN must not be touched.
const traceGateway = `
http://other.test {
	ws_tunnel localhost:1
}

http://site.test {
	handle_path /app/* {
		@inside path /inside
		vars color green
		@green vars color green
		request_header @green X-Token good
		@good header X-Token good
		handle @inside {
			ws_tunnel @good ORIGIN {
				name inside
				host app.test
			}
		}
	}
	handle /hours {
		@open time_window 09:00-18:00 mon-fri Asia/Tokyo
		route {
			ws_tunnel @open ORIGIN
			error "closed" 503
		}
	}
	handle /page {
		@page websocket {
			origin https://site.test
		}
		route {
			ws_tunnel @page ORIGIN
			error 403
		}
	}
	handle /near {
		@near remote_ip 10.0.0.0/8
		ws_tunnel @near ORIGIN
	}
	handle /tls {
		ws_tunnel wss://origin.test {
			sni sni.test
			port 8443
			proxy_protocol v2
		}
	}
	handle /by/* {
		ws_tunnel {header.X-To} {
			max_lifetime {header.X-Until}
		}
	}
	handle /asked {
		forward_auth ORIGIN {
			uri /auth
		}
		ws_tunnel ORIGIN
	}
	handle /map {
		map {path} {to} {
			/map    7001
			default 7002
		}
		ws_tunnel localhost:{to}
	}
	handle /gone {
		abort
	}
	handle {
		reverse_proxy ORIGIN
	}
	handle_errors 503 {
		respond "later" 502
	}
}
`

func TestTrace(t *testing.T) {
	origin := untouched(t)
	traceSites(t, strings.ReplaceAll(traceGateway, "ORIGIN", origin))
	for _, tc := range []struct {
		name, request string
		origin        string // the address, empty for none
		status        int
		has           string // in the tree
	}{
		{"rewritten, with vars and a field that is set", `{"url": "ws://site.test/app/inside"}`, "ws://" + origin, 101, "✓ rewrite: the URI is now /inside"},
		{"rewritten to something else", `{"url": "ws://site.test/app/outside"}`, "", 200, `✗ path ["/inside"]`},
		{"the window is open", `{"url": "ws://site.test/hours", "at": "2026-11-20T17:59:59+09:00"}`, "ws://" + origin, 101, ""},
		{"the window is closed", `{"url": "ws://site.test/hours", "at": "2026-11-20T18:00+09:00"}`, "", 502, "✓ errors: 503: closed"},
		{"the page may", `{"url": "ws://site.test/page", "headers": {"Origin": "https://site.test"}}`, "ws://" + origin, 101, ""},
		{"the page may not", `{"url": "ws://site.test/page", "headers": {"origin": ["https://evil.test"]}}`, "", 403, `✗ websocket {"origin":["https://site.test"]} -> ws_tunnel`},
		{"from near", `{"url": "ws://site.test/near", "remote_ip": "10.1.2.3"}`, "ws://" + origin, 101, ""},
		{"from nowhere", `{"url": "ws://site.test/near"}`, "", 200, "no handler answers"},
		{"all overrides", `{"url": "ws://site.test/tls?a=b"}`, "wss://origin.test:8443", 101, "=> wss://origin.test:8443, asked for /tls?a=b of site.test, server name sni.test, PROXY v2"},
		{"by a placeholder", `{"url": "ws://site.test/by/x", "headers": {"X-To": "wss://to.test", "X-Until": "1h"}}`, "wss://to.test:443", 101, ""},
		{"a placeholder with nonsense", `{"url": "ws://site.test/by/x", "headers": {"X-To": "a b", "X-Until": "1h"}}`, "", 502, "refused with 503"},
		{"a token that is over", `{"url": "ws://site.test/by/x", "headers": {"X-To": "a:1", "X-Until": "2026-01-01T00:00:00Z"}}`, "", 403, "refused with 403: max_lifetime was over"},
		{"the token at its time", `{"url": "ws://site.test/by/x", "at": "2025-12-31T23:59:59Z", "headers": {"X-To": "a:1", "X-Until": "2026-01-01T00:00:00Z"}}`, "ws://a:1", 101, ""},
		{"behind one that is asked", `{"url": "ws://site.test/asked"}`, "ws://" + origin, 101, "? reverse_proxy " + origin + ": its upstream is not asked"},
		{"by a map", `{"url": "ws://site.test/map"}`, "ws://localhost:7001", 101, ""},
		{"aborted", `{"url": "ws://site.test/gone"}`, "", 0, "closes the connection without an answer"},
		{"to the rest of the site", `{"url": "ws://site.test/"}`, "", 0, "✓ reverse_proxy " + origin},
		{"no WebSocket", `{"url": "http://site.test/asked"}`, "", 200, "✗ ws_tunnel: the request asks for no WebSocket"},
		{"another host", `{"url": "http://site.test/asked", "headers": {"Host": "other.test", "Upgrade": "websocket", "Connection": "upgrade", "Sec-WebSocket-Version": "13"}}`, "ws://localhost:1", 101, ""},
		{"nobody's host", `{"url": "ws://nobody.test/"}`, "", 200, `✗ host ["site.test"]`},
		{"an old version", `{"url": "http://other.test/", "headers": {"Upgrade": "websocket", "Connection": "upgrade", "Sec-WebSocket-Version": "8"}}`, "", 426, "refused with 426"},
		{"over HTTP/2", `{"url": "ws://other.test/", "protocol": "HTTP/2"}`, "ws://localhost:1", 200, ""},
		{"over HTTP/3", `{"url": "ws://other.test/", "protocol": "HTTP/3"}`, "ws://localhost:1", 200, ""},
		{"over HTTP/1.0", `{"url": "ws://other.test/", "protocol": "HTTP/1.0"}`, "", 200, "asks for no WebSocket"},
		{"a port where nobody listens", `{"url": "ws://site.test:1/"}`, "", 0, "and not on port 1"},
		{"TLS where nobody listens", `{"url": "wss://site.test/"}`, "", 0, "no server listens there"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			result := traceOf(t, tc.request)
			got := ""
			if rule := result.taken(); rule != nil {
				got = rule.Parameter.Origin.Address
			}
			if got != tc.origin || result.StatusCode != tc.status {
				t.Errorf("origin %q and status %d, want %q and %d", got, result.StatusCode, tc.origin, tc.status)
			}
			if tree := result.tree(); !strings.Contains(tree, tc.has) {
				t.Errorf("%q is missing in\n%s", tc.has, tree)
			}
		})
	}
}

// The answer has Cloudflare's shape, so that what people have for its Request
// Trace finds the rule here, too.
func TestTraceShape(t *testing.T) {
	origin := untouched(t)
	traceSites(t, strings.ReplaceAll(traceGateway, "ORIGIN", origin))
	text, err := askTrace(t, http.MethodPost, `{"headers": {"upgrade": "websocket", "connection": "Upgrade", "sec-websocket-version": "13"},
		"method": "GET", "protocol": "HTTP/1.1", "url": "http://site.test/app/inside", "skip_response": true, "cookies": {"a": "b"}}`)
	if err != nil {
		t.Fatal(err)
	}
	type step struct {
		StepName   string `json:"step_name"`
		Type       string
		Matched    bool
		Kind       string
		Expression string
		Action     string
		Parameter  map[string]any `json:"action_parameter"`
		Trace      []step
	}
	var answer struct {
		Result struct {
			StatusCode int `json:"status_code"`
			Trace      []step
		}
		Success          bool
		Errors, Messages []any
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatal(err)
	}
	if !answer.Success || answer.Errors == nil || answer.Messages == nil || answer.Result.StatusCode != 101 {
		t.Errorf("%+v", answer)
	}
	for _, phase := range answer.Result.Trace {
		if phase.StepName != "http_request_origin" {
			continue
		}
		if !phase.Matched || phase.Type != "phase" || len(phase.Trace) != 1 || phase.Trace[0].Type != "ruleset" || phase.Trace[0].Kind != "server" {
			t.Fatalf("%+v", phase)
		}
		var matched []step
		for _, rule := range phase.Trace[0].Trace {
			if rule.Type != "rule" || rule.Action != "ws_tunnel" || !strings.Contains(rule.StepName, "/handle/") {
				t.Errorf("%+v", rule)
			}
			if rule.Matched {
				matched = append(matched, rule)
			}
		}
		if n := len(phase.Trace[0].Trace); n != 9 || len(matched) != 1 {
			t.Fatalf("%d of %d rules match", len(matched), n)
		}
		const want = `host ["site.test"] and path ["/app/*"] and path ["/inside"] and header {"X-Token":["good"]}`
		if matched[0].Expression != want {
			t.Errorf("expression %s, want %s", matched[0].Expression, want)
		}
		o, _ := matched[0].Parameter["origin"].(map[string]any)
		if o["address"] != "ws://"+origin || o["host"] != "127.0.0.1" || matched[0].Parameter["host_header"] != "app.test" {
			t.Errorf("%v", matched[0].Parameter)
		}
		return
	}
	t.Errorf("there is no phase http_request_origin in %s", text)
}

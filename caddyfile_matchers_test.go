// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	_ "github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func TestMatchWebSocketCaddyfile(t *testing.T) {
	for _, tc := range []struct{ name, input, want string }{
		{"bare", "websocket", `{}`},
		{"empty block", "websocket {\n}", `{}`},
		{
			"both lists",
			"websocket {\n origin https://example.com *.example.org same\n subprotocol graphql-transport-ws mqtt\n}",
			`{"origin":["https://example.com","*.example.org","same"],"subprotocol":["graphql-transport-ws","mqtt"]}`,
		},
		{
			"repeated options add up",
			"websocket {\n origin a.test\n origin b.test\n subprotocol {vars.proto}\n}",
			`{"origin":["a.test","b.test"],"subprotocol":["{vars.proto}"]}`,
		},
		{
			"segments add up",
			"websocket {\n origin a.test\n}\nwebsocket\nwebsocket {\n origin b.test\n}",
			`{"origin":["a.test","b.test"]}`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var m MatchWebSocket
			if err := m.UnmarshalCaddyfile(caddyfile.NewTestDispenser(tc.input)); err != nil {
				t.Fatal(err)
			}
			if got, err := json.Marshal(m); err != nil || string(got) != tc.want {
				t.Errorf("got %s (%v), want %s", got, err, tc.want)
			}
			provisionedMatcher(t, &m)
		})
	}
}

func TestMatchTimeWindowCaddyfile(t *testing.T) {
	for _, tc := range []struct{ name, input, want string }{
		{
			"all of it",
			"time_window 09:00-18:00 mon-fri Asia/Tokyo",
			`{"windows":[{"from":"09:00","to":"18:00","days":["mon-fri"],"zone":"Asia/Tokyo"}]}`,
		},
		{"span only", "time_window 22:00-06:00:30", `{"windows":[{"from":"22:00","to":"06:00:30"}]}`},
		{"span and zone", "time_window 00:00-24:00 UTC", `{"windows":[{"from":"00:00","to":"24:00","zone":"UTC"}]}`},
		{"days with spaces", "time_window 09:00-18:00 mon WED Friday", `{"windows":[{"from":"09:00","to":"18:00","days":["mon","WED","Friday"]}]}`},
		{
			"days with commas",
			"time_window 09:00-18:00 mon-fri,sun tue Etc/GMT-9",
			`{"windows":[{"from":"09:00","to":"18:00","days":["mon-fri","sun","tue"],"zone":"Etc/GMT-9"}]}`,
		},
		{
			"segments are further windows",
			"time_window 09:00-12:00 mon\ntime_window 13:00-18:00 tue UTC",
			`{"windows":[{"from":"09:00","to":"12:00","days":["mon"]},{"from":"13:00","to":"18:00","days":["tue"],"zone":"UTC"}]}`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var m MatchTimeWindow
			if err := m.UnmarshalCaddyfile(caddyfile.NewTestDispenser(tc.input)); err != nil {
				t.Fatal(err)
			}
			if got, err := json.Marshal(m); err != nil || string(got) != tc.want {
				t.Errorf("got %s (%v), want %s", got, err, tc.want)
			}
			provisionedMatcher(t, &m)
		})
	}
}

func TestMatcherCaddyfileErrors(t *testing.T) {
	type errorCase struct{ input, want string }
	cases := []errorCase{
		{"websocket yes", "takes no argument"},
		{"websocket {\n origin\n}", "origin has no values"},
		{"websocket {\n subprotocol\n}", "subprotocol has no values"},
		{"websocket {\n origins a.test\n}", "write origin or subprotocol"},
		{"websocket {\n origin a.test {\n b.test\n }\n}", "takes no block"},
		{"websocket {\n origin {\n b.test\n }\n}", "origin has no values"},
		{"time_window", "write one such as 09:00-18:00"},
		{"time_window mon-fri", `"mon" is not a time of day`},
		{"time_window 09:00", "not a span"},
		{"time_window 09:00 - 18:00", "not a span"},
		{"time_window 09:00-", "not a time of day"},
		{"time_window 09:00-09:00", "is empty"},
		{"time_window 09:00-18:00 funday", "neither days nor a time zone"},
		{"time_window 09:00-18:00 mon, fri", "neither days nor a time zone"},
		{"time_window 09:00-18:00 mon-fri Europe/Atlantis", "not a known time zone"},
		{"time_window 09:00-18:00 Europe/Berlin mon", "must come last"},
		{"time_window 09:00-18:00 UTC Europe/Berlin", "must come last"},
		{"time_window 09:00-18:00 {vars.days}", "neither days nor a time zone"},
		{"time_window 09:00-18:00 {\n mon\n}", "takes no block"},
	}
	for _, tc := range webSocketConfigErrors {
		cases = append(cases, errorCase{fmt.Sprintf("websocket {\n %s same %q\n}", tc.option, tc.value), tc.want})
	}
	position := regexp.MustCompile(`, at Testfile:\d+$`)
	for _, tc := range cases {
		var m caddyfile.Unmarshaler = new(MatchWebSocket)
		if strings.HasPrefix(tc.input, "time_window") {
			m = new(MatchTimeWindow)
		}
		err := m.UnmarshalCaddyfile(caddyfile.NewTestDispenser(tc.input))
		if err == nil || !strings.Contains(err.Error(), tc.want) || !position.MatchString(err.Error()) {
			t.Errorf("%q: error %v, want one with %q and a line", tc.input, err, tc.want)
		}
	}
}

func TestMatchersInExpressions(t *testing.T) {
	t.Cleanup(func() { windowClock = time.Now })
	windowClock = func() time.Time { return time.Date(2026, 1, 5, 3, 0, 0, 0, time.UTC) } // Monday, noon in Tokyo

	for _, tc := range []struct {
		expression string
		want       bool // for a WebSocket of https://example.com with mqtt, to /chat
	}{
		{"websocket()", true},
		{"!websocket()", false},
		{"websocket() && path('/chat')", true},
		{"websocket() && path('/other')", false},
		{"websocket({})", true},
		{"websocket({'origin': ['same', '*.example.org']})", true},
		{"websocket({'origin': 'https://other.test'})", false},
		{"websocket({'origin': 'same', 'subprotocol': ['mqtt']})", true},
		{"websocket({'origin': 'same', 'subprotocol': 'wamp'})", false},
		{"websocket({'origin': 'https://' + {http.request.host}})", true},
		{"websocket({'subprotocol': [{http.request.header.X-Wanted}]})", true},
		{"websocket({'origin': {http.request.header.X-Wanted}})", false},
		{"time_window('12:00-12:01', 'mon-fri', 'Asia/Tokyo')", true},
		{"time_window('12:00-12:01', 'tue', 'Asia/Tokyo')", false},
		{"time_window('12:00-12:01', 'mon', 'UTC')", false},
		{"time_window('03:00-04:00', 'sat,sun', 'mon', 'UTC') && websocket()", true},
	} {
		t.Run(tc.expression, func(t *testing.T) {
			m := provisionedMatcher(t, &caddyhttp.MatchExpression{Expr: tc.expression})
			r := upgradeRequest(t, "Origin", "https://example.com", "Sec-WebSocket-Protocol", "mqtt", "X-Wanted", "mqtt")
			if got, err := m.MatchWithError(r); got != tc.want || err != nil {
				t.Errorf("WebSocket: %t, %v; want %t", got, err, tc.want)
			}
		})
	}
	m := provisionedMatcher(t, &caddyhttp.MatchExpression{Expr: "websocket()"})
	if got, err := m.MatchWithError(matcherRequest(t)); got || err != nil {
		t.Errorf("ordinary request: %t, %v", got, err)
	}
}

func TestMatcherExpressionErrors(t *testing.T) {
	for _, tc := range []struct{ expression, want string }{
		{"websocket('same')", "takes nothing, or a map"},
		{"websocket({}, {})", "takes nothing, or a map"},
		{"websocket({'origins': 'same'})", `knows no "origins"`},
		{"websocket({'origin': '*'})", "leave origin out"},
		{"websocket({'origin': 5})", "reading the argument of websocket()"},
		{"time_window()", "at least one argument"},
		{"time_window('09:00-09:00')", "is empty"},
		{"time_window('09:00-18:00', 'mon-fri', 'Europe/Atlantis')", "not a known time zone"},
	} {
		ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
		m := &caddyhttp.MatchExpression{Expr: tc.expression}
		if err := m.Provision(ctx); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want one with %q", tc.expression, err, tc.want)
		}
		cancel()
	}
}

// Both matchers in a whole Caddyfile: named, in a block, repeated, and in an expression.
func TestMatchersInCaddyfile(t *testing.T) {
	config := `:8080
@bare websocket
respond @bare 1
@night {
	websocket {
		origin same
	}
	time_window 22:00-06:00 fri UTC
	time_window 12:00-13:00
}
respond @night 2
@expr ` + "`websocket() && time_window('00:00-24:00')`" + `
respond @expr 3
`
	adapted, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(config), nil)
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	for _, want := range []string{
		`"match":[{"websocket":{}}]`,
		`"match":[{"time_window":{"windows":[{"from":"22:00","to":"06:00","days":["fri"],"zone":"UTC"},{"from":"12:00","to":"13:00"}]},"websocket":{"origin":["same"]}}]`,
		`"expression":{"expr":"websocket() \u0026\u0026 time_window('00:00-24:00')"`,
	} {
		if !strings.Contains(string(adapted), want) {
			t.Errorf("adapted config does not have %s:\n%s", want, adapted)
		}
	}
	var loaded caddy.Config
	if err := json.Unmarshal(adapted, &loaded); err != nil {
		t.Fatal(err)
	}
	if err := caddy.Validate(&loaded); err != nil {
		t.Error(err)
	}
}

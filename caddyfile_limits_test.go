// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

func TestLimitsCaddyfile(t *testing.T) {
	tests := []struct{ name, options, want string }{
		{"max_tunnels", "max_tunnels 1000", `"max_tunnels":1000`},
		{"limit", "limit {k} 20", `"limits":[{"key":"{k}","max":20}]`},
		{"limits", "limit {k} 20 {\nipv6_prefix 128\n}\nlimit {l}/{m} 1", `"limits":[{"key":"{k}","max":20,"ipv6_prefix":128},{"key":"{l}/{m}","max":1}]`},
		{"same key, other prefix", "limit {k} 20\nlimit {k} 200 {\nipv6_prefix 48\n}", `"limits":[{"key":"{k}","max":20},{"key":"{k}","max":200,"ipv6_prefix":48}]`},
		{"rate", "handshake_rate {k} 5 1s", `"handshake_rates":[{"key":"{k}","max":5,"window":1000000000}]`},
		{"rates", "handshake_rate {k} 5 1s {\nipv6_prefix 56\n}\nhandshake_rate {k} 100 1h",
			`"handshake_rates":[{"key":"{k}","max":5,"window":1000000000,"ipv6_prefix":56},{"key":"{k}","max":100,"window":3600000000000}]`},
		{"options behind a block", "limit {k} 1 {\nipv6_prefix 1\n}\nmax_tunnels 2", `"max_tunnels":2,"limits":[{"key":"{k}","max":1,"ipv6_prefix":1}]`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var h Handler
			if err := h.UnmarshalCaddyfile(caddyfile.NewTestDispenser("ws_tunnel a:1 {\n" + test.options + "\n}")); err != nil {
				t.Fatal(err)
			}
			if got, err := json.Marshal(h); err != nil || string(got) != `{"origins":["a:1"],`+test.want+"}" {
				t.Errorf("got  %s (%v)\nwant %s", got, err, test.want)
			}
		})
	}
}

func TestLimitsCaddyfileMistakes(t *testing.T) {
	const maxCount, limitCount, rateCount = "as in max_tunnels 1000", "as in limit {client_ip} 20", "as in handshake_rate {client_ip} 5 1s"
	const number, bits = "is not a whole number from 1", "is not a number of bits from 1 to 128"
	tests := []struct{ name, options, want string }{
		{"max_tunnels without number", "max_tunnels", maxCount},
		{"max_tunnels with two", "max_tunnels 1 2", maxCount},
		{"max_tunnels twice", "max_tunnels 1\nmax_tunnels 2", "max_tunnels is given twice"},
		{"max_tunnels 0", "max_tunnels 0", "leave the option out"},
		{"max_tunnels negative", "max_tunnels -1", number},
		{"max_tunnels in words", "max_tunnels many", number},
		{"max_tunnels with a block", "max_tunnels 1 {\nipv6_prefix 64\n}", "unknown ws_tunnel option"},
		{"limit without anything", "limit", limitCount},
		{"limit without number", "limit {k}", limitCount},
		{"limit with too much", "limit {k} 1 2", limitCount},
		{"limit 0", "limit {k} 0", number},
		{"limit negative", "limit {k} -5", number},
		{"limit with a fraction", "limit {k} 1.5", number},
		{"limit beyond numbers", "limit {k} 99999999999999999999", number},
		{"limit the wrong way round", "limit 20 {k}", number},
		{"limit without placeholder", "limit client_ip 20", "write {client_ip}"},
		{"limit twice", "limit {k} 1\nlimit {k} 2 {\nipv6_prefix 64\n}", "given twice"},
		{"unknown in limit", "limit {k} 1 {\nburst 2\n}", `unknown limit option "burst": use ipv6_prefix`},
		{"no prefix", "limit {k} 1 {\nipv6_prefix\n}", "wrong argument count"},
		{"two prefixes", "limit {k} 1 {\nipv6_prefix 64 48\n}", "wrong argument count"},
		{"prefix twice", "limit {k} 1 {\nipv6_prefix 64\nipv6_prefix 48\n}", "ipv6_prefix is given twice"},
		{"prefix 0", "limit {k} 1 {\nipv6_prefix 0\n}", bits},
		{"prefix 129", "limit {k} 1 {\nipv6_prefix 129\n}", bits},
		{"prefix with slash", "limit {k} 1 {\nipv6_prefix /64\n}", bits},
		{"rate without anything", "handshake_rate", rateCount},
		{"rate without window", "handshake_rate {k} 5", rateCount},
		{"rate with too much", "handshake_rate {k} 5 1s 10", rateCount},
		{"rate 0", "handshake_rate {k} 0 1s", number},
		{"rate negative", "handshake_rate {k} -5 1s", number},
		{"rate beyond all bounds", "handshake_rate {k} 1000001 1s", "more than 1000000"},
		{"rate without placeholder", "handshake_rate everybody 5 1s", "has no placeholder"},
		{"window in words", "handshake_rate {k} 5 soon", "is not a duration, as 1s or 1m"},
		{"window without unit", "handshake_rate {k} 5 1", "is not a duration, as 1s or 1m"},
		{"window 0", "handshake_rate {k} 5 0s", "from 1ms to 24h"},
		{"window negative", "handshake_rate {k} 5 -1s", "from 1ms to 24h"},
		{"window too long", "handshake_rate {k} 5 2d", "from 1ms to 24h"},
		{"rate twice", "handshake_rate {k} 1 1s\nhandshake_rate {k} 2 1s", "given twice"},
		{"unknown in rate", "handshake_rate {k} 1 1s {\nburst 2\n}", `unknown handshake_rate option "burst": use ipv6_prefix`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := new(Handler).UnmarshalCaddyfile(caddyfile.NewTestDispenser("ws_tunnel a:1 {\n" + test.options + "\n}"))
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "Testfile:") {
				t.Errorf("got %v, want it to place the mistake and say %q", err, test.want)
			}
		})
	}
}

// JSON gets the same checks.
func TestLimitsValidate(t *testing.T) {
	second := caddy.Duration(time.Second)
	for want, h := range map[string]Handler{
		"max_tunnels is negative": {MaxTunnels: -1},
		"has no placeholder":      {Limits: []TunnelLimit{{Max: 1}}},
		"less than 1":             {Limits: []TunnelLimit{{Key: "{k}"}}},
		"-1 is less than 1":       {HandshakeRates: []HandshakeRate{{Key: "{k}", Max: -1, Window: second}}},
		"ipv6_prefix -1":          {Limits: []TunnelLimit{{Key: "{k}", Max: 1, IPv6Prefix: -1}}},
		"ipv6_prefix 129":         {HandshakeRates: []HandshakeRate{{Key: "{k}", Max: 1, Window: second, IPv6Prefix: 129}}},
		"from 1ms to 24h":         {HandshakeRates: []HandshakeRate{{Key: "{k}", Max: 1}}},
		"given twice":             {Limits: []TunnelLimit{{Key: "{k}", Max: 1}, {Key: "{k}", Max: 1, IPv6Prefix: 64}}},
	} {
		h.Origins = []string{"a:1"}
		if err := h.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

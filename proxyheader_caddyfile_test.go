// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func TestProxyHeaderCaddyfile(t *testing.T) {
	private, _ := json.Marshal(caddyhttp.PrivateRangesCIDR())
	for input, want := range map[string]string{
		"proxy_header 10.0.0.0/8 192.0.2.1": `{"rules":[{"policy":"require","ranges":["10.0.0.0/8","192.0.2.1"]}]}`,
		`proxy_header {
			require 10.0.0.0/8
			optional 192.0.2.10
			ignore 192.0.2.11 unix
			skip private_ranges
			reject 203.0.113.0/24
			require {env.ELB}
			timeout 1m
			versions v1 v2
			max_size 536
		}`: `{"rules":[{"policy":"require","ranges":["10.0.0.0/8"]},{"policy":"optional","ranges":["192.0.2.10"]},` +
			`{"policy":"ignore","ranges":["192.0.2.11","unix"]},{"policy":"skip","ranges":` + string(private) + `},` +
			`{"policy":"reject","ranges":["203.0.113.0/24"]},{"policy":"require","ranges":["{env.ELB}"]}],` +
			`"timeout":60000000000,"versions":["v1","v2"],"max_size":536}`,
		`proxy_header unix {
			reject 10.0.0.0/8
		}`: `{"rules":[{"policy":"require","ranges":["unix"]},{"policy":"reject","ranges":["10.0.0.0/8"]}]}`,
	} {
		lw := new(ListenerWrapper)
		if err := lw.UnmarshalCaddyfile(caddyfile.NewTestDispenser(input)); err != nil {
			t.Errorf("%s: %v", input, err)
		} else if got, _ := json.Marshal(lw); string(got) != want {
			t.Errorf("%s:\ngot  %s\nwant %s", input, got, want)
		}
	}
}

func TestProxyHeaderCaddyfileErrors(t *testing.T) {
	for input, want := range map[string]string{
		"proxy_header":                                  `as in "require 10.0.0.0/8"`,
		"proxy_header {\n}":                             `as in "require 10.0.0.0/8"`,
		"proxy_header {\ntimeout 5s\n}":                 `as in "require 10.0.0.0/8"`,
		"proxy_header elb.internal":                     `"elb.internal" is neither`,
		"proxy_header {\nrequire\n}":                    "require has no ranges",
		"proxy_header {\nreject 10.0.0.0/99\n}":         "is not a CIDR range",
		"proxy_header {\nallow 10.0.0.0/8\n}":           `unknown option "allow": there are require`,
		"proxy_header ::1 {\ntimeout\n}":                `write a duration such as "timeout 5s"`,
		"proxy_header ::1 {\ntimeout 5s 6s\n}":          `write a duration`,
		"proxy_header ::1 {\ntimeout 5\n}":              "not a duration above zero",
		"proxy_header ::1 {\ntimeout -5s\n}":            "not a duration above zero",
		"proxy_header ::1 {\ntimeout 5s\ntimeout 6s\n}": "timeout is given twice",
		"proxy_header ::1 {\nversions\n}":               `"versions v1", "versions v2" or both`,
		"proxy_header ::1 {\nversions 2\n}":             `unknown version "2": there are [v1 v2]`,
		"proxy_header ::1 {\nmax_size 4k\n}":            "not a number of bytes",
		"proxy_header ::1 {\nmax_size 106\n}":           "from 107 to 65551",
		"proxy_header ::1 {\nmax_size 65552\n}":         "from 107 to 65551",
		"proxy_header ::1 {\nreject ::2 {\nx\n}\n}":     "reject takes no block",
	} {
		err := new(ListenerWrapper).UnmarshalCaddyfile(caddyfile.NewTestDispenser(input))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "Testfile:") {
			t.Errorf("%s: %v, want %q and a line", input, err, want)
		}
	}
}

func TestMatchProxyHeaderCaddyfile(t *testing.T) {
	for input, want := range map[string]string{
		"proxy_header":                           `{}`,
		"proxy_header authority":                 `{"authority":null}`,
		"proxy_header aws.vpce_id vpce-1 vpce-2": `{"aws.vpce_id":["vpce-1","vpce-2"]}`,
		"proxy_header {\nssl.cn a\nssl.cn b\ntlv.0xE0 c\n}\nproxy_header command LOCAL": `{"command":["LOCAL"],"ssl.cn":["a","b"],"tlv.0xE0":["c"]}`,
	} {
		m := new(MatchProxyHeader)
		if err := m.UnmarshalCaddyfile(caddyfile.NewTestDispenser(input)); err != nil {
			t.Errorf("%s: %v", input, err)
		} else if got, _ := json.Marshal(m); string(got) != want {
			t.Errorf("%s: %s, want %s", input, got, want)
		}
	}
	for input, want := range map[string]string{
		"proxy_header vpce vpce-1":           `no "vpce": there are source`,
		"proxy_header {\ntlv.14 x\n}":        "tlv.0xNN",
		"proxy_header {\nssl x\n}":           "ssl.cn",
		"proxy_header {\nalpn\nalpn h2\n}":   "alpn is given with and without values",
		"proxy_header {\nalpn h2\nalpn\n}":   "alpn is given with and without values",
		"proxy_header {\nalpn h2 {\nx\n}\n}": "alpn takes no block",
		"proxy_header source.hostname x":     "no \"source.hostname\"",
	} {
		err := new(MatchProxyHeader).UnmarshalCaddyfile(caddyfile.NewTestDispenser(input))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", input, err, want)
		}
	}
}

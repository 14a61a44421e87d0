// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package proxylisten

import (
	"net"
	"net/netip"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	var rules []Rule
	for _, line := range []string{
		"reject 10.0.0.13",
		"require 10.0.0.0/8 ::ffff:192.0.2.0/120",
		"skip fe80::/10",
		"ignore unix 2001:db8::1",
	} {
		words := strings.Fields(line)
		rule, err := ParseRule(words[0], words[1:])
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, rule)
	}
	for name, test := range map[string]struct {
		addr net.Addr
		want string
	}{
		"first rule wins":    {tcp("10.0.0.13:1"), "reject 10.0.0.13/32"},
		"range":              {tcp("10.0.0.14:1"), "require 10.0.0.0/8 192.0.2.0/24"},
		"mapped peer":        {tcp("[::ffff:10.1.2.3]:1"), "require 10.0.0.0/8 192.0.2.0/24"},
		"mapped range":       {tcp("192.0.2.77:1"), "require 10.0.0.0/8 192.0.2.0/24"},
		"zone":               {tcp("[fe80::1%eth0]:1"), "skip fe80::/10"},
		"zone, other type":   {text("[fe80::1%eth0]:1"), "skip fe80::/10"},
		"IPv6":               {tcp("[2001:db8::1]:1"), "ignore 2001:db8::1/128 unix"},
		"Unix":               {&net.UnixAddr{Net: "unix"}, "ignore 2001:db8::1/128 unix"},
		"Unix, named":        {&net.UnixAddr{Net: "unix", Name: "@"}, "ignore 2001:db8::1/128 unix"},
		"unlisted":           {tcp("192.0.3.1:1"), ""},
		"other type":         {text("10.0.0.1:1"), "require 10.0.0.0/8 192.0.2.0/24"},
		"nil":                {nil, "?"},
		"no address":         {text("@"), "?"},
		"nil of a type":      {(*net.TCPAddr)(nil), "?"},
		"address of 3 bytes": {&net.TCPAddr{IP: net.IP{1, 2, 3}}, "?"},
	} {
		t.Run(name, func(t *testing.T) {
			p, ok := classify(test.addr)
			got := "?"
			if ok {
				got = ""
				if rule := find(rules, p); rule != nil {
					got = rule.String()
				}
			}
			if got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

func TestParseRuleErrors(t *testing.T) {
	for line, want := range map[string]string{
		"allow 10.0.0.0/8":       "one of [require optional",
		"require":                "without a range",
		"require 10.0.0.0/33":    "CIDR range",
		"require elb.internal":   "neither an address",
		"require fe80::1%eth0":   "zone",
		"require ::ffff:0:0/95":  "wider than all of IPv4",
		"require 10.0.0.0/8 tcp": "neither an address",
	} {
		words := strings.Fields(line)
		if _, err := ParseRule(words[0], words[1:]); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", line, err, want)
		}
	}
}

func tcp(s string) net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(s)) }

// text is an address of a type that is not known here.
type text string

func (text) Network() string  { return "text" }
func (a text) String() string { return string(a) }

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/proxylisten"
)

// UnmarshalCaddyfile sets up the listener wrapper from Caddyfile tokens. Syntax:
//
//	proxy_header [<ranges...>] {
//		require  <ranges...>
//		optional <ranges...>
//		ignore   <ranges...>
//		skip     <ranges...>
//		reject   <ranges...>
//		timeout  <duration>
//		versions v1|v2...
//		max_size <bytes>
//	}
//
// A range is an address, a CIDR range, unix for the peers of Unix sockets, or
// private_ranges for all private IPv4 and IPv6 ranges. Rules count in the order in
// which they are written and may be repeated; ranges on the first line are
// required, ahead of all other rules.
func (lw *ListenerWrapper) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume wrapper name
	if d.CountRemainingArgs() > 0 {
		if err := lw.unmarshalRule(d, string(proxylisten.Require)); err != nil {
			return err
		}
	}
	seen := map[string]bool{}
	for d.NextBlock(0) {
		option := d.Val()
		if slices.Contains(proxylisten.Policies, proxylisten.Policy(option)) {
			if err := lw.unmarshalRule(d, option); err != nil {
				return err
			}
			continue
		}
		if seen[option] {
			return d.Errf("%s is given twice: write it once", option)
		}
		seen[option] = true
		if err := lw.unmarshalOption(d, option); err != nil {
			return err
		}
	}
	if len(lw.Rules) == 0 {
		return d.Err(`proxy_header has no rules: name the load balancer's addresses, as in "require 10.0.0.0/8"`)
	}
	return nil
}

func (lw *ListenerWrapper) unmarshalRule(d *caddyfile.Dispenser, policy string) error {
	rule := ProxyRule{Policy: policy}
	for d.NextArg() {
		if d.Val() == "private_ranges" {
			rule.Ranges = append(rule.Ranges, caddyhttp.PrivateRangesCIDR()...)
			continue
		}
		rule.Ranges = append(rule.Ranges, d.Val())
		if strings.Contains(d.Val(), "{") {
			continue // a placeholder, known only when the config is loaded
		}
		if _, err := proxylisten.ParseRule(policy, []string{d.Val()}); err != nil {
			return d.WrapErr(err)
		}
	}
	if len(rule.Ranges) == 0 {
		return d.Errf("%s has no ranges: write addresses, CIDR ranges, private_ranges or unix", policy)
	}
	lw.Rules = append(lw.Rules, rule)
	return refuseBlock(d, policy)
}

func (lw *ListenerWrapper) unmarshalOption(d *caddyfile.Dispenser, option string) error {
	form, ok := proxyOptionForms[option]
	if !ok {
		return d.Errf("unknown option %q: there are require, optional, ignore, skip, reject, timeout, versions and max_size", option)
	}
	args := d.RemainingArgs()
	if len(args) == 0 || len(args) > 1 && option != "versions" {
		return d.Errf("%s has %d arguments: write %s", option, len(args), form)
	}
	switch option {
	case "timeout":
		timeout, err := caddy.ParseDuration(args[0])
		if err != nil || timeout <= 0 {
			return d.Errf("timeout %q is not a duration above zero such as 5s", args[0])
		}
		lw.Timeout = caddy.Duration(timeout)
	case "versions":
		for _, v := range args {
			if !slices.Contains(proxyVersions, v) {
				return d.Errf("unknown version %q: there are %v", v, proxyVersions)
			}
		}
		lw.Versions = args
	case "max_size":
		size, err := strconv.Atoi(args[0])
		if err != nil || size == 0 {
			return d.Errf("max_size %q is not a number of bytes such as 4096", args[0])
		}
		if err := checkMaxSize(size); err != nil {
			return d.WrapErr(err)
		}
		lw.MaxSize = size
	}
	return refuseBlock(d, option)
}

// proxyOptionForms are the options that are not rules, and how they are written.
var proxyOptionForms = map[string]string{
	"timeout":  `a duration such as "timeout 5s"`,
	"versions": `"versions v1", "versions v2" or both`,
	"max_size": `a number of bytes such as "max_size 4096"`,
}

// UnmarshalCaddyfile sets up the matcher from Caddyfile tokens. Syntax:
//
//	proxy_header [<fact> [<values...>]] {
//		<fact> [<values...>]
//	}
//
// Every fact given must be one of its values, or merely be there if it has none.
// Repeating a fact adds to its values. Without any facts, it is enough that the
// addresses of a PROXY header are used.
func (m *MatchProxyHeader) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	if *m == nil {
		*m = make(MatchProxyHeader)
	}
	for d.Next() { // segments of one named matcher are concatenated
		if d.NextArg() {
			if err := m.unmarshalFact(d); err != nil {
				return err
			}
		}
		for d.NextBlock(0) {
			if err := m.unmarshalFact(d); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *MatchProxyHeader) unmarshalFact(d *caddyfile.Dispenser) error {
	name := d.Val()
	if err := checkProxyFact(name); err != nil {
		return d.WrapErr(err)
	}
	values, given := (*m)[name]
	more := d.RemainingArgs()
	if given && (len(values) == 0 || len(more) == 0) {
		return d.Errf("%s is given with and without values: write either", name)
	}
	(*m)[name] = append(values, more...)
	return refuseBlock(d, name)
}

// refuseBlock refuses a block behind an option inside a block. The first line
// belongs to the block that may follow it.
func refuseBlock(d *caddyfile.Dispenser, option string) error {
	if d.Nesting() > 0 && d.NextBlock(d.Nesting()) {
		return d.Errf("%s takes no block: write its arguments on one line", option)
	}
	return nil
}

// Interface guards
var (
	_ caddyfile.Unmarshaler = (*ListenerWrapper)(nil)
	_ caddyfile.Unmarshaler = (*MatchProxyHeader)(nil)
)

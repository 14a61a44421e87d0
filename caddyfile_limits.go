// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"strconv"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// limitOption takes one of the options that bound how many tunnels there are,
// or how often one is opened.
func (h *Handler) limitOption(d *caddyfile.Dispenser, option string) error {
	args := d.RemainingArgs()
	var err error
	switch {
	case option == "max_tunnels" && len(args) == 1:
		h.MaxTunnels, err = countArg(d, args[0])
		return err
	case option == "limit" && len(args) == 2:
		l := TunnelLimit{Key: args[0]}
		if l.Max, err = countArg(d, args[1]); err == nil {
			err = prefixOption(d, option, &l.IPv6Prefix)
		}
		h.Limits = append(h.Limits, l)
	case option == "handshake_rate" && len(args) == 3:
		r := HandshakeRate{Key: args[0]}
		if r.Max, err = countArg(d, args[1]); err == nil {
			err = windowArg(d, args[2], &r.Window)
		}
		if err == nil {
			err = prefixOption(d, option, &r.IPv6Prefix)
		}
		h.HandshakeRates = append(h.HandshakeRates, r)
	default:
		return d.Errf("wrong argument count for %s: write %s", option, map[string]string{
			"max_tunnels":    "one number, as in max_tunnels 1000",
			"limit":          "a key and a number, as in limit {client_ip} 20",
			"handshake_rate": "a key, a number and a window, as in handshake_rate {client_ip} 5 1s",
		}[option])
	}
	return err
}

func countArg(d *caddyfile.Dispenser, arg string) (int, error) {
	n, err := strconv.Atoi(arg)
	if err != nil || n < 1 {
		return 0, d.Errf("%q is not a whole number from 1; for no limit leave the option out", arg)
	}
	return n, nil
}

func windowArg(d *caddyfile.Dispenser, arg string, to *caddy.Duration) error {
	window, err := caddy.ParseDuration(arg)
	if err != nil {
		return d.Errf("window %q is not a duration, as 1s or 1m", arg)
	}
	*to = caddy.Duration(window)
	return nil
}

// prefixOption takes the block of limit and of handshake_rate.
func prefixOption(d *caddyfile.Dispenser, of string, to *int) error {
	for d.NextBlock(1) {
		if option := d.Val(); option != "ipv6_prefix" {
			return d.Errf("unknown %s option %q: use ipv6_prefix", of, option)
		}
		if *to != 0 {
			return d.Err("ipv6_prefix is given twice")
		}
		var text string
		if err := oneArg(d, &text); err != nil {
			return err
		}
		var err error
		if *to, err = strconv.Atoi(text); err != nil || *to < 1 || *to > 128 {
			return d.Errf("ipv6_prefix %q is not a number of bits from 1 to 128", text)
		}
	}
	return nil
}

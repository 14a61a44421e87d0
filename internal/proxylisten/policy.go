// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package proxylisten

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// Policy is what happens to the connections of a peer.
type Policy string

const (
	// Require: a valid header comes first, or the connection is closed.
	Require Policy = "require"
	// Optional: a header is used if the connection begins with one.
	Optional Policy = "optional"
	// Ignore: as Optional, but the real endpoints are used.
	Ignore Policy = "ignore"
	// Skip: the connection is not looked at.
	Skip Policy = "skip"
	// Reject: the connection is closed at once.
	Reject Policy = "reject"
)

// Policies are all there are, in the order in which they trust the peer.
var Policies = []Policy{Require, Optional, Ignore, Skip, Reject}

// Rule gives the peers in some ranges a policy.
type Rule struct {
	Policy   Policy
	Prefixes []netip.Prefix
	// Unix makes the rule hold for the peers of Unix sockets.
	Unix bool
}

// UnixRange is the word for the peers of Unix sockets in a list of ranges.
const UnixRange = "unix"

// ParseRule makes a rule of a policy's name and ranges: addresses, CIDR
// prefixes, or UnixRange.
func ParseRule(policy string, ranges []string) (Rule, error) {
	rule := Rule{Policy: Policy(policy)}
	if !slices.Contains(Policies, rule.Policy) {
		return rule, fmt.Errorf("unknown policy %q: it must be one of %v", policy, Policies)
	}
	if len(ranges) == 0 {
		return rule, fmt.Errorf("%s without a range: it must name addresses, CIDR ranges or %q", policy, UnixRange)
	}
	for _, r := range ranges {
		if r == UnixRange {
			rule.Unix = true
			continue
		}
		prefix, err := parsePrefix(r)
		if err != nil {
			return rule, err
		}
		rule.Prefixes = append(rule.Prefixes, prefix)
	}
	return rule, nil
}

// String returns the rule as it could be written in a config.
func (r Rule) String() string {
	words := []string{string(r.Policy)}
	for _, p := range r.Prefixes {
		words = append(words, p.String())
	}
	if r.Unix {
		words = append(words, UnixRange)
	}
	return strings.Join(words, " ")
}

func parsePrefix(s string) (netip.Prefix, error) {
	var prefix netip.Prefix
	if strings.Contains(s, "/") {
		var err error
		if prefix, err = netip.ParsePrefix(s); err != nil {
			return prefix, fmt.Errorf("%q is not a CIDR range such as 10.0.0.0/8: %w", s, err)
		}
	} else {
		addr, err := netip.ParseAddr(s)
		if err != nil {
			return prefix, fmt.Errorf("%q is neither an address nor a CIDR range: %w", s, err)
		}
		if addr.Zone() != "" {
			return prefix, fmt.Errorf("%q has a zone: ranges are compared without", s)
		}
		prefix = netip.PrefixFrom(addr, addr.BitLen())
	}
	// Peers are compared unmapped, so the ranges have to be as well.
	if prefix.Addr().Is4In6() {
		if prefix.Bits() < 96 {
			return prefix, fmt.Errorf("%q is wider than all of IPv4: write the IPv4 range", s)
		}
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
	}
	return prefix.Masked(), nil
}

// peer is what rules are about: an address, or a Unix socket.
type peer struct {
	addr netip.Addr
	unix bool
}

// classify finds out what a is. The zone of a link-local address is no part of
// what rules compare: netip.Prefix holds no zoned address at all, which would
// let fe80::1%eth0 slip past a rule for fe80::/10.
func classify(a net.Addr) (peer, bool) {
	switch a := a.(type) {
	case nil:
		return peer{}, false
	case *net.UnixAddr:
		return peer{unix: true}, true
	case *net.TCPAddr:
		addr := a.AddrPort().Addr()
		return peer{addr: addr.Unmap().WithZone("")}, addr.IsValid()
	}
	parsed, err := netip.ParseAddrPort(a.String())
	return peer{addr: parsed.Addr().Unmap().WithZone("")}, err == nil
}

// find returns the first rule that holds p.
func find(rules []Rule, p peer) *Rule {
	for i := range rules {
		r := &rules[i]
		if p.unix && r.Unix || !p.unix && slices.ContainsFunc(r.Prefixes, func(prefix netip.Prefix) bool { return prefix.Contains(p.addr) }) {
			return r
		}
	}
	return nil
}

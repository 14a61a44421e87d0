// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// subnetOf is the addresses that the argument of an operator means, which must be
// a text without variables.
func subnetOf(op string, argument word) (netip.Prefix, error) {
	text, ok := argument.(literal)
	if !ok {
		return netip.Prefix{}, fmt.Errorf("%s needs an address without variables: %s '10.0.0.0/8'", op, op)
	}
	net, err := parseSubnet(string(text))
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%s: %w", op, err)
	}
	return net, nil
}

// parseSubnet reads an address, the first numbers of one, or an address with how
// many bits of it count, or with a netmask.
func parseSubnet(text string) (netip.Prefix, error) {
	wrong := fmt.Errorf("%q is not an address; 10.0.0.1, 10.0, 10.0.0.0/8 and 2001:db8::/32 are", text)
	base, mask, masked := strings.Cut(text, "/")
	addr, err := netip.ParseAddr(base)
	if err != nil {
		if masked {
			return netip.Prefix{}, wrong
		}
		net, ok := partial(base)
		if !ok {
			return netip.Prefix{}, wrong
		}
		return net, nil
	}
	bits := addr.BitLen()
	if masked {
		if bits, err = strconv.Atoi(mask); err != nil {
			netmask, err := netip.ParseAddr(mask)
			if err != nil || netmask.BitLen() != addr.BitLen() {
				return netip.Prefix{}, wrong
			}
			if bits = ones(netmask); bits < 0 {
				return netip.Prefix{}, fmt.Errorf("the netmask %s has a gap", mask)
			}
		}
	}
	net, err := addr.WithZone("").Prefix(bits)
	if err != nil {
		return netip.Prefix{}, wrong
	}
	return net, nil
}

// partial reads the first one to three numbers of an IPv4 address.
func partial(text string) (netip.Prefix, bool) {
	numbers := strings.Split(strings.TrimSuffix(text, "."), ".")
	if len(numbers) > 3 {
		return netip.Prefix{}, false
	}
	var b [4]byte
	for i, number := range numbers {
		n, err := strconv.ParseUint(number, 10, 8)
		if err != nil {
			return netip.Prefix{}, false
		}
		b[i] = byte(n)
	}
	return netip.PrefixFrom(netip.AddrFrom4(b), 8*len(numbers)), true
}

// ones is how many bits a netmask begins with, -1 if others follow.
func ones(netmask netip.Addr) int {
	for bits := range netmask.BitLen() + 1 {
		all, _ := netip.ParseAddr("255.255.255.255")
		if netmask.Is6() {
			all, _ = netip.ParseAddr("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
		}
		if p, _ := all.Prefix(bits); p.Addr() == netmask {
			return bits
		}
	}
	return -1
}

// inSubnet says whether an address is among those of a subnet. What can be no
// host is not. A name would be looked up by httpd, for whoever sends it, and is an
// error here.
func inSubnet(net netip.Prefix, text string) (bool, error) {
	addr, err := netip.ParseAddr(strings.TrimSpace(text))
	if err == nil {
		return net.Contains(addr.WithZone("").Unmap()), nil
	}
	for i := range len(text) {
		if c := text[i]; !isNamePart(c) && c != '.' && c != '-' {
			return false, nil
		}
	}
	if text == "" {
		return false, nil
	}
	return false, fmt.Errorf("-ipmatch: %q is not an address, and names are not looked up", text)
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

// subnet is a range of addresses as httpd writes them: 10.1.2.3, 10.1, 10.1.0.0/16,
// 10.1.0.0/255.255.0.0, 2001:db8::/32. A mask need not be without gaps.
type subnet struct {
	prefix netip.Prefix // of IPv6
	four   bool
	addr   uint32 // of IPv4, masked
	mask   uint32
}

var errNotIP = errors.New("not an IP address; there are 192.0.2.1, 192.0.2, 192.0.2.0/24, 192.0.2.0/255.255.255.0 and 2001:db8::/32")

func (s *subnet) has(a netip.Addr) bool {
	if !a.IsValid() {
		return false
	}
	if !s.four {
		return s.prefix.Contains(a)
	}
	return a.Is4() && number(a)&s.mask == s.addr
}

func parseSubnet(word string) (subnet, error) {
	text, mask, masked := strings.Cut(word, "/")
	if !looksLikeIP(text) {
		return subnet{}, errNotIP
	}
	addr, err := netip.ParseAddr(text)
	switch {
	case err != nil && !masked:
		return partial(text)
	case err != nil, addr.Zone() != "", addr.Is4In6():
		return subnet{}, errNotIP
	case addr.Is4():
		return four(number(addr), mask, masked)
	}
	bits := 128
	if masked {
		if bits, err = strconv.Atoi(mask); err != nil || bits < 1 || bits > 128 {
			return subnet{}, errors.New("the mask of an IPv6 address must be a number from 1 to 128")
		}
	}
	return subnet{prefix: netip.PrefixFrom(addr, bits).Masked()}, nil
}

// looksLikeIP says whether httpd takes a word for an address rather than a name.
func looksLikeIP(word string) bool {
	return strings.Contains(word, ":") || strings.Trim(word, "0123456789.") == ""
}

// partial is an IPv4 address without its last numbers, or with a 0 in front of one.
func partial(text string) (subnet, error) {
	parts := strings.Split(strings.TrimSuffix(text, "."), ".")
	if len(parts) > 4 {
		return subnet{}, errNotIP
	}
	var addr, bits uint32
	shift := 24
	for _, part := range parts {
		n, err := strconv.ParseUint(part, 10, 8)
		if err != nil {
			return subnet{}, errNotIP
		}
		addr |= uint32(n) << shift
		bits |= 0xff << shift
		shift -= 8
	}
	return subnet{four: true, addr: addr, mask: bits}, nil
}

// four is an IPv4 subnet, whose mask may be a number of bits or look like an
// address.
func four(addr uint32, mask string, masked bool) (subnet, error) {
	bits := ^uint32(0)
	if masked {
		if n, err := strconv.Atoi(mask); err == nil && 1 <= n && n <= 32 {
			bits = ^uint32(0) << (32 - n)
		} else if m, err := netip.ParseAddr(mask); err == nil && m.Is4() {
			bits = number(m)
		} else {
			return subnet{}, errors.New("the mask of an IPv4 address must be a number from 1 to 32, or one such as 255.255.0.0")
		}
	}
	return subnet{four: true, addr: addr & bits, mask: bits}, nil
}

func number(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package remoteip

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/bits"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// checkProxy says what is wrong with a proxy's address or host name. Names are
// looked up later.
func checkProxy(s string) error {
	if isName(s) {
		if strings.Contains(s, "/") {
			return fmt.Errorf("%q: a host name has no subnet; an address such as 10.0.0.0/8 would be right", s)
		}
		return nil
	}
	_, err := subnet(s)
	return err
}

// isName tells a host name from an address, as httpd does.
func isName(s string) bool {
	s, _, _ = strings.Cut(s, "/")
	return !strings.Contains(s, ":") && strings.Trim(s, ".0123456789") != ""
}

// subnets are the addresses that a word of RemoteIPInternalProxy stands for. A
// host name that has none is an error, as it is in httpd.
func subnets(s string) ([]netip.Prefix, error) {
	if !isName(s) {
		prefix, err := subnet(s)
		return []netip.Prefix{prefix}, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
	defer cancel()
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", s)
	if err != nil {
		return nil, fmt.Errorf("proxy %s: %w", s, err)
	}
	var all []netip.Prefix
	for _, a := range addrs {
		a = plain(a)
		all = append(all, netip.PrefixFrom(a, a.BitLen()))
	}
	return all, nil
}

const lookupTimeout = 10 * time.Second

// subnet reads an address: alone, with the length of a prefix, with a netmask,
// or of IPv4 with its first bytes only. As in httpd a prefix has a length above 0.
func subnet(s string) (netip.Prefix, error) {
	address, mask, masked := strings.Cut(s, "/")
	if !masked {
		if prefix, ok := firstBytes(address); ok {
			return prefix, nil
		}
	}
	addr, err := netip.ParseAddr(address)
	if err != nil || addr.Zone() != "" || masked && addr.Is4In6() {
		return netip.Prefix{}, fmt.Errorf("%q is no address; 10.0.0.1, 10.0.0.0/8 or 2001:db8::/32 would be right", s)
	}
	addr = addr.Unmap()
	length := addr.BitLen()
	if masked {
		if length = maskLength(mask, addr.Is4()); length <= 0 || length > addr.BitLen() {
			return netip.Prefix{}, fmt.Errorf("%q has no prefix from 1 to %d bits; 10.0.0.0/8 or 10.0.0.0/255.0.0.0 would be right", s, addr.BitLen())
		}
	}
	return netip.PrefixFrom(addr, length).Masked(), nil
}

// firstBytes reads 10 or 10.1. as the network of all addresses that begin so.
func firstBytes(s string) (prefix netip.Prefix, ok bool) {
	var address [4]byte
	parts := strings.Split(strings.TrimSuffix(s, "."), ".")
	if len(parts) > len(address) {
		return prefix, false
	}
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 8)
		if err != nil {
			return prefix, false
		}
		address[i] = byte(n)
	}
	return netip.PrefixFrom(netip.AddrFrom4(address), 8*len(parts)), true
}

// maskLength is how many bits a mask has: a number or, of IPv4, a netmask. -1 if
// it is neither.
func maskLength(mask string, v4 bool) int {
	if n, err := strconv.ParseUint(mask, 10, 8); err == nil {
		return int(n)
	}
	addr, err := netip.ParseAddr(mask)
	if err != nil || !v4 || !addr.Is4() {
		return -1
	}
	b := addr.As4()
	n := binary.BigEndian.Uint32(b[:])
	if ones := bits.LeadingZeros32(^n); ones+bits.TrailingZeros32(n) == 32 {
		return ones
	}
	return -1
}

// plain is an address as it is compared.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

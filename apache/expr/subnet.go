// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// subnet is addresses that begin alike. It is not a netip.Prefix, since httpd takes
// netmasks with gaps.
type subnet struct {
	base, mask []byte // 4 or 16 bytes
}

// subnetOf is the addresses that the argument of an operator means, which must be
// a text without variables.
func subnetOf(op string, argument word) (subnet, error) {
	text, ok := argument.(literal)
	if !ok {
		return subnet{}, fmt.Errorf("%s needs an address in quotation marks, without variables: %s '10.0.0.0/8'", op, op)
	}
	s, ok := parseSubnet(string(text))
	if !ok {
		return subnet{}, fmt.Errorf("%s needs an address, and %q is none; 10.0.0.1, 10.0, 10.0.0.0/8 and 2001:db8::/32 are", op, string(text))
	}
	return s, nil
}

// parseSubnet reads an address, the first numbers of one, or an address with how
// many bits of it count, or with a netmask. Nothing means all addresses: httpd
// refuses /0.
func parseSubnet(text string) (subnet, bool) {
	base, mask, masked := strings.Cut(text, "/")
	addr, err := netip.ParseAddr(base)
	if err != nil {
		s, ok := partial(base)
		return s, ok && !masked
	}
	if addr.Zone() != "" || addr.Is4In6() {
		return subnet{}, false
	}
	s := subnet{addr.AsSlice(), make([]byte, addr.BitLen()/8)}
	bits := addr.BitLen()
	if masked {
		if netmask, err := netip.ParseAddr(mask); err == nil && netmask.Is4() && addr.Is4() {
			s.mask = netmask.AsSlice()
			return s, true
		}
		if bits, err = strconv.Atoi(mask); err != nil || bits < 1 || bits > addr.BitLen() {
			return subnet{}, false
		}
	}
	for i := range bits {
		s.mask[i/8] |= 0x80 >> (i % 8)
	}
	return s, true
}

// partial reads the first one to three numbers of an IPv4 address.
func partial(text string) (subnet, bool) {
	numbers := strings.Split(strings.TrimSuffix(text, "."), ".")
	if len(numbers) > 3 {
		return subnet{}, false
	}
	s := subnet{make([]byte, 4), make([]byte, 4)}
	for i, number := range numbers {
		n, err := strconv.ParseUint(number, 10, 8)
		if err != nil {
			return subnet{}, false
		}
		s.base[i], s.mask[i] = byte(n), 0xff
	}
	return s, true
}

func (s subnet) contains(addr netip.Addr) bool {
	addr = addr.Unmap()
	if addr.BitLen() != 8*len(s.base) {
		return false
	}
	bytes := addr.As16()
	address := bytes[len(bytes)-len(s.base):] // an IPv4 address is at the end
	for i, mask := range s.mask {
		if (address[i]^s.base[i])&mask != 0 {
			return false
		}
	}
	return true
}

// containsText is about an address as text. What can be no host's name is not one
// of them. A name is an error: httpd would look it up, whoever sends it.
func (s subnet) containsText(text string) (bool, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return s.contains(addr), nil
	}
	if text != "" && prefix(text, isHostPart) == len(text) {
		return false, fmt.Errorf("-ipmatch: %q is not an address, and names are not looked up", text)
	}
	return false, nil
}

func isHostPart(c byte) bool { return isNamePart(c) || c == '.' || c == '-' }

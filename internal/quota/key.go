// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package quota counts how many there are of a kind, and how often one comes,
// where clients choose the kinds: it stays small and quick however many they
// come up with, and however long their names are.
package quota

import (
	"crypto/sha256"
	"net/netip"
)

// Key is what is counted, as the beginning of a digest. It holds no pointer,
// and is as short for a header of a megabyte as for an address. That two of a
// million keys are the same has a chance of 1 in 10^17, and who wants to be
// counted as a certain other has 2^96 names to try.
type Key [12]byte

// Of returns the key of what is called value under k. The zero Key is above
// all others.
func (k Key) Of(value string) Key {
	text := make([]byte, 0, 128)
	text = append(append(text, k[:]...), value...)
	sum := sha256.Sum256(text)
	return Key(sum[:len(k)])
}

// Subject returns what is counted for a client's value, and whether that is an
// address. Of an IPv6 address it is the network of so many bits, since whoever
// has one address there usually has all of them. An IPv4 address in IPv6's form
// is the IPv4 address. Any other value stands for itself.
func Subject(value string, ipv6Bits int) (subject string, isAddress bool) {
	addr, err := netip.ParseAddr(value)
	if err != nil {
		return value, false
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is4() || ipv6Bits == addr.BitLen() {
		return addr.String(), true
	}
	network, err := addr.Prefix(ipv6Bits)
	if err != nil {
		return addr.String(), true // so many bits has no address
	}
	return network.String(), true
}

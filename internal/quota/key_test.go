// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package quota

import (
	"strings"
	"testing"
)

func TestSubject(t *testing.T) {
	for _, tc := range []struct {
		value     string
		bits      int
		want      string
		isAddress bool
	}{
		{"192.0.2.1", 64, "192.0.2.1", true},
		{"::ffff:192.0.2.1", 64, "192.0.2.1", true},
		{"2001:db8:1:2:3:4:5:6", 64, "2001:db8:1:2::/64", true},
		{"2001:DB8:1:2:0:0:0:6", 64, "2001:db8:1:2::/64", true},
		{"2001:db8:1:2:3:4:5:6", 48, "2001:db8:1::/48", true},
		{"2001:db8:1:2:3:4:5:6", 128, "2001:db8:1:2:3:4:5:6", true},
		{"2001:db8:1:2:3:4:5:6", 1, "::/1", true},
		{"fe80::1%eth0", 128, "fe80::1", true},
		{"fe80::1%eth0", 64, "fe80::/64", true},
		{"2001:db8::1", 200, "2001:db8::1", true},
		{"192.0.2.1:80", 64, "192.0.2.1:80", false},
		{"[2001:db8::1]", 64, "[2001:db8::1]", false},
		{"192.0.2.01", 64, "192.0.2.01", false},
		{"somebody", 64, "somebody", false},
		{"", 64, "", false},
	} {
		got, isAddress := Subject(tc.value, tc.bits)
		if got != tc.want || isAddress != tc.isAddress {
			t.Errorf("%q with %d bits: %q, %t; want %q, %t", tc.value, tc.bits, got, isAddress, tc.want, tc.isAddress)
		}
	}
}

// What is put together in another way is another key.
func TestKeys(t *testing.T) {
	var root Key
	long := strings.Repeat("long", 1000)
	seen := make(map[Key]int)
	for i, key := range []Key{
		root, root.Of(""), root.Of("").Of(""), root.Of("a"), root.Of("a").Of("b"), root.Of("b").Of("a"),
		root.Of("ab"), root.Of("ab").Of(""), root.Of(long), root.Of(long + "x"),
	} {
		if other, ok := seen[key]; ok {
			t.Errorf("keys %d and %d are the same", other, i)
		}
		seen[key] = i
	}
	if root.Of("a").Of(long) != root.Of("a").Of(long) {
		t.Error("a key is not the same twice")
	}
}

func TestKeyDoesNotAllocate(t *testing.T) {
	key, name := Key{}.Of("chat"), "2001:db8:1:2::/64"
	if n := testing.AllocsPerRun(100, func() { key = key.Of(name) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

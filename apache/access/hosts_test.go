// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"context"
	"net/netip"
	"strconv"
	"testing"
	"time"
)

func TestHosts(t *testing.T) {
	for _, tc := range []struct {
		addr, domain string
		in, known    bool
	}{
		{"192.0.2.2", "example.org", true, true},
		{"192.0.2.2", "EXAMPLE.NET", true, true},
		{"192.0.2.2", ".example.org", true, true},
		{"192.0.2.2", "two.example.org", true, true},
		{"192.0.2.2", ".two.example.org", false, true},
		{"192.0.2.2", "ample.org", false, true},
		{"192.0.2.2", "a.two.example.org", false, true},
		{"192.0.2.2", "", false, true},
		{"192.0.2.1", "forger.example", false, true},
		{"192.0.2.3", "example.org", false, false},
		{"192.0.2.4", "lost.example", false, false},
		{"198.51.100.1", "example.org", false, true},
	} {
		in, err := NewHosts(names).in(netip.MustParseAddr(tc.addr), []string{"other.test", tc.domain})
		if in != tc.in || (err == nil) != tc.known {
			t.Errorf("%s in %q: %t, %v", tc.addr, tc.domain, in, err)
		}
	}
}

// TestHostsApart makes sure that a host with the name of an address does not stand
// for what the address is called.
func TestHostsApart(t *testing.T) {
	h := NewHosts(names)
	addr := netip.MustParseAddr("192.0.2.2")
	if ok, err := h.leads([]string{"192.0.2.2"}, netip.MustParseAddr("192.0.2.9")); ok || err != nil {
		t.Fatalf("it leads there: %t, %v", ok, err)
	}
	if ok, err := h.in(addr, []string{"example.org"}); !ok || err != nil {
		t.Errorf("%t, %v", ok, err)
	}
}

// counting is a resolver that counts what it is asked.
type counting struct {
	hostTable
	asked int
}

func (c *counting) LookupAddr(ctx context.Context, addr string) ([]string, error) {
	c.asked++
	return c.hostTable.LookupAddr(ctx, addr)
}

// TestHostsMemory is about how long answers are kept, and how many.
func TestHostsMemory(t *testing.T) {
	resolver := &counting{hostTable: names}
	h := NewHosts(resolver)
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	h.now = func() time.Time { return now }
	ask := func(addr string, want int) {
		t.Helper()
		h.in(netip.MustParseAddr(addr), []string{"example.org"})
		if resolver.asked != want {
			t.Errorf("the resolver was asked %d times, not %d", resolver.asked, want)
		}
	}
	ask("192.0.2.2", 1)
	ask("192.0.2.2", 1)
	ask("192.0.2.3", 2)
	ask("192.0.2.3", 3) // what is not known is asked for again
	now = now.Add(lookupKept)
	ask("192.0.2.2", 4)
	for i := range maxLookups {
		h.in(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), nil)
		if len(h.known) > maxLookups {
			t.Fatal(strconv.Itoa(len(h.known)) + " answers are kept")
		}
	}
	ask("192.0.2.2", 4+maxLookups+1)
	if NewHosts(nil).resolver == nil {
		t.Error("there is no resolver of the system")
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package spelling

import (
	"slices"
	"testing"
)

func TestNearest(t *testing.T) {
	names := []string{"ProxyPass", "ProxySet", "heartbeat", "linger", "sni", "host", "If"}
	for misspelt, want := range map[string]string{
		"ProxyPas": "ProxyPass", "proxypast": "ProxyPass", "heartbet": "heartbeat", "haertbeat": "heartbeat", "heartbeat": "heartbeat",
		"hots": "host", "hos": "host", "sn": "", "snl": "sni", "EOF": "", "": "", "something": "",
	} {
		if got := Nearest(misspelt, slices.Values(names)); got != want {
			t.Errorf("%q stands for %q, want %q", misspelt, got, want)
		}
	}
}

// TestNearestOfTwo does not depend on the order, which a map's keys do not have.
func TestNearestOfTwo(t *testing.T) {
	for _, names := range [][]string{{"timeout", "timeour"}, {"timeour", "timeout"}} {
		if got := Nearest("timeous", slices.Values(names)); got != "timeour" {
			t.Errorf("of %v it is %q", names, got)
		}
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"testing"
	"time"
)

func TestOptions(t *testing.T) {
	stderr := os.Stderr
	t.Cleanup(func() { os.Stderr = stderr })
	os.Stderr, _ = os.Open(os.DevNull) // usage
	for _, arguments := range [][]string{{"-for", "1s"}, {"-tunnels", "9"}, {"more"}} {
		if _, err := parseOptions(arguments); err == nil {
			t.Errorf("%q are taken", arguments)
		}
	}
	o, err := parseOptions([]string{"-for", "20s", "-tunnels", "300"})
	if err != nil || o.length != 20*time.Second || o.tunnels != 300 {
		t.Errorf("%+v, %v", o, err)
	}
}

// Even the shortest soak has some of everything.
func TestPlan(t *testing.T) {
	for _, length := range []time.Duration{10 * time.Second, 10 * time.Minute, 24 * time.Hour} {
		p := newPlan(options{length: length, tunnels: 8000})
		for name, d := range map[string]time.Duration{
			"a tunnel's life": p.life, "reloads": 2 * p.reload, "restarts": 2 * p.restart, "connections": 4 * p.cut,
			"samples": 32 * p.sample, "idle": p.idle, "lifetime": p.lifetime, "opening": p.opening,
		} {
			if d <= 0 || d > length {
				t.Errorf("%s: %s is %s", length, name, d)
			}
		}
		if p.heartbeat+p.pong > patience || p.lifetime > patience || p.idle > patience {
			t.Errorf("%s: %+v ends tunnels later than they are waited for", length, p)
		}
	}
}

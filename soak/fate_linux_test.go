// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import "testing"

func TestDraw(t *testing.T) {
	seen := make(map[string]bool)
	for range 1000 {
		seen[draw([]string{"never", "seldom", "often"}, func(s string) int {
			return map[string]int{"seldom": 1, "often": 9}[s]
		})] = true
	}
	if seen["never"] || !seen["seldom"] || !seen["often"] {
		t.Errorf("drawn: %v", seen)
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestDocSecurity follows SECURITY.md: each attack has a test that there is, and each
// test of an attack is there.
func TestDocSecurity(t *testing.T) {
	page, err := os.ReadFile("SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	names, shown := testNames(t), make(map[string]bool)
	named := regexp.MustCompile("`((?:Test|Fuzz)\\w+)`")
	for i, line := range strings.Split(string(page), "\n") {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| attack ") {
			continue
		}
		cells := strings.Split(line, " | ")
		tests := named.FindAllStringSubmatch(cells[len(cells)-1], -1)
		if len(cells) != 3 || len(tests) == 0 {
			t.Errorf("line %d: %d cells and %d tests", i+1, len(cells), len(tests))
		}
		for _, m := range tests {
			if shown[m[1]] = true; !names[m[1]] {
				t.Errorf("line %d: there is no test %s", i+1, m[1])
			}
		}
	}
	for name := range names {
		if strings.HasPrefix(name, "TestAttack") && !shown[name] {
			t.Errorf("%s is not there", name)
		}
	}
}

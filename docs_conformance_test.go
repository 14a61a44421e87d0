// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// testNames are those of all tests of the repository, whatever it takes to build
// them.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(\w+ \*testing\.[TF]\)`)
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range declared.FindAllSubmatch(source, -1) {
			names[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestDocConformance follows docs/conformance.md: each row has a test that there
// is, or says why it has none.
func TestDocConformance(t *testing.T) {
	page, err := os.ReadFile("docs/conformance.md")
	if err != nil {
		t.Fatal(err)
	}
	names, rows := testNames(t), 0
	named := regexp.MustCompile("`((?:Test|Fuzz)\\w+)`")
	reason := regexp.MustCompile(`^(?:does not apply|not taken|the \w+(?:'s|') to (?:check|do))\b.* .* `)
	for i, line := range strings.Split(string(page), "\n") {
		cells := strings.Split(line, " | ")
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| section ") {
			continue
		}
		if rows++; len(cells) != 3 {
			t.Errorf("line %d: %d cells", i+1, len(cells))
			continue
		}
		tests := named.FindAllStringSubmatch(cells[2], -1)
		for _, m := range tests {
			if !names[m[1]] {
				t.Errorf("line %d: there is no test %s", i+1, m[1])
			}
		}
		if !strings.HasPrefix(cells[2], "`Test") && !reason.MatchString(cells[2]) || len(tests) == 0 && !reason.MatchString(cells[2]) {
			t.Errorf("line %d: neither a test nor a reason: %s", i+1, cells[2])
		}
	}
	if rows == 0 {
		t.Error("there are no rows")
	}
}

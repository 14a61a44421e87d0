// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"strings"
	"testing"
)

// FuzzCondition holds any condition to an end and to the same answer twice, and an
// error of its grammar to a column.
func FuzzCondition(f *testing.F) {
	for _, line := range testdataLines(f, "conditions.txt") {
		_, text, _ := strings.Cut(line, "\t")
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCondition(text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "column ") {
				t.Errorf("%q: %v names no column", text, err)
			}
			return
		}
		r, _ := httpdRequest(t)
		holds, err := c.Holds(r)
		again, errAgain := c.Holds(r)
		if err == nil && errAgain == nil && holds != again {
			t.Errorf("%q: %v, then %v", text, holds, again)
		}
	})
}

// FuzzText is FuzzCondition for texts with expressions in them.
func FuzzText(f *testing.F) {
	for _, text := range []string{"%{REQUEST_URI}", "a%{tolower:B}c", "%{HTTP:Upgrade}%{md5:x}", "%{", "$0%%", "%{base64:%{REQUEST_URI}}", "%{:sub(s/a/b/, 'a'):}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParseText(text)
		if err != nil {
			return
		}
		r, _ := httpdRequest(t)
		_, _ = p.Expand(r) // does not panic
	})
}

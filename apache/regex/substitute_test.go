// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package regex

import (
	"strconv"
	"testing"
)

// TestSubstitute has what httpd 2.4.71 made of these.
func TestSubstitute(t *testing.T) {
	group := func(n int) string { return "<" + strconv.Itoa(n) + ">" }
	for text, want := range map[string]string{
		"":          "",
		"plain":     "plain",
		"a$0b$12":   "a<0>b<1>2",
		`\$1 \a \\`: `$1 a \`,
		`$ $x $`:    `$ $x $`,
		`end\`:      `end\`,
	} {
		if got := Substitute(text, group); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

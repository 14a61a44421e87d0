// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package syntax

import (
	"slices"
	"testing"
)

func TestWords(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want []string
	}{
		{``, nil},
		{" \t\r\v\f", nil},
		{`a b`, []string{`a`, `b`}},
		{"\ta \v b\r", []string{`a`, `b`}},
		{`"a b" 'c d'`, []string{`a b`, `c d`}},
		{`"" ''`, []string{``, ``}},
		{`a "" b`, []string{`a`, ``, `b`}},
		{`"a"b'c'`, []string{`a`, `b'c'`}},
		{`a"b c"`, []string{`a"b`, `c"`}},
		{`"it's" 'say "x"'`, []string{`it's`, `say "x"`}},
		{`"a\"b" 'a\'b'`, []string{`a"b`, `a'b`}},
		{`"a\'b" 'a\"b'`, []string{`a\'b`, `a\"b`}},
		{`"a\\" b`, []string{`a\`, `b`}},
		{`"a\\\"b"`, []string{`a\"b`}},
		{`"^/\d+\.php$"`, []string{`^/\d+\.php$`}},
		{`\.php$ a\ b`, []string{`\.php$`, `a\`, `b`}},
		{`a\\b \\ \`, []string{`a\b`, `\`, `\`}},
		{`\"a b\"`, []string{`\"a`, `b\"`}},
		{`"a b`, []string{`a b`}},
		{`"a b\"`, []string{`a b"`}},
		{`"`, []string{``}},
		{`# a`, []string{`#`, `a`}},
		{"\u00a0a", []string{"\u00a0a"}},
	} {
		if got := Words(tt.in); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestWordRest(t *testing.T) {
	word, rest := Word(` "a b"  c "d`)
	if word != "a b" || rest != `c "d` {
		t.Errorf("%q, %q", word, rest)
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package regex

import (
	"strings"
	"testing"
)

// TestTranslate is about what PCRE takes and one of the engines does not, or not
// for the same. What matches was measured with httpd 2.4.71 and PCRE 10.42.
func TestTranslate(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		pattern, text string
		want          bool
	}{
		{`^..$`, "é", true},
		{`^[é]$`, "é", false},
		{`^[^a]{2}$`, "é", true},
		{`^\xc3\xa9$`, "é", true},
		{`^\303\251$`, "é", true},
		{`^[\x80-\xff]+$`, "é", true},
		{`^\W\W$`, "é", true},
		{`^é(?=x)`, "éx", true},
		{`^[\W](?!x)`, "é", true},
		{`\s`, "\v", true},
		{`[\s]`, "\v", true},
		{`\S`, "\v", false},
		{`^\v$`, "\r", true},
		{`^\h\H$`, "\tx", true},
		{`^\N$`, "\n", false},
		{`^\Rx`, "\r\nx", true},
		{`\e`, "\x1b", true},
		{`^\cA$`, "\x01", true},
		{`^(a)\1$`, "aa", true},
		{`^\12$`, "\n", true},
		{`^(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)(l)\12$`, "abcdefghijkll", true},
		{`^\012$`, "\n", true},
		{`^\Qa.b\E.$`, "a.bx", true},
		{`^\Qa.b$`, "a.b$", true},
		{`^[[]$`, "[", true},
		{`^[a-[b]$`, "\\", false},
		{`^[a[-]+$`, "[a-", true},
		{`^[]a]+$`, "]a", true},
		{`^(?#a comment [)b$`, "b", true},
		{`^a++b$`, "aab", true},
		{`^a++ab$`, "aab", false},
		{`^(?>a|ab)c$`, "abc", false},
		{`^(?<n>a)\k<n>$`, "aa", true},
		{`^(?P<n>a)(?P=n)$`, "aa", true},
		{`^(?(?=a)a|b)$`, "b", true},
		{`a\Z`, "a\n", true},
		{`a\z`, "a\n", false},
		{`a{,2}`, "a{,2}", true},
		{`(?m)^b$`, "a\nb\nc", true},
		{`(?m)^(?!x)b$`, "a\nb\nc", true},
		{`^\_\-\/\"\<$`, `_-/"<`, true},
		{`^[[:alpha:]](?=[[:digit:]])`, "a1", true},
	} {
		r, err := Compile(tc.pattern, false)
		if err != nil {
			if tc.pattern != `^[a-[b]$` { // PCRE: the range is out of order
				t.Errorf("%q: %v", tc.pattern, err)
			}
			continue
		}
		if got, err := r.Match(tc.text); err != nil || got != tc.want {
			t.Errorf("%q matches %q: got %v, %v", tc.pattern, tc.text, got, err)
		}
	}
}

func TestTranslateError(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		`a\`:       "backslash",
		`[a`:       "no ]",
		`\K`:       `\K is not supported`,
		`\y`:       `\y is not supported`,
		`[\Q]`:     "no ]",
		`[\H]`:     `\H in a class`,
		`[\B]`:     "no meaning in a class",
		`[[.a.]]`:  "[.",
		`\x{100}`:  "no byte",
		`\x{41`:    "no }",
		`\400`:     "no byte",
		`(?#a`:     "no )",
		`(?R)`:     "grouping construct",
		`(?1)(a)`:  "grouping construct",
		`(?|a|b)`:  "grouping construct",
		`(*FAIL)`:  "missing argument",
		`\2(a)`:    "undefined group",
		`[[:foo:]`: "",
	} {
		_, err := Compile(pattern, false)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want an error with %q", pattern, err, want)
		}
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package regex

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	for _, tc := range []struct {
		pattern, text string
		fold          bool
		want          []string // nil: no match
	}{
		{"/(.*)", "/a/b", false, []string{"/a/b", "a/b"}},
		{"^/ws", "/x/ws", false, nil},
		{"WebSocket", "websocket", true, []string{"websocket"}},
		{"a.b", "a\nb", false, []string{"a\nb"}},
		{"b$", "b\n", false, nil},
		{"^/(?!(assets|packs)/)(.*)", "/assets/x", false, nil},
		{"^/(?!(assets|packs)/)(.*)", "/api/x", false, []string{"/api/x", "", "api/x"}},
		{"(?<=/)x$", "/x", false, []string{"x"}},
		{"(?<=/)x$", "/x\n", false, nil},
		{`(a)\1[]$]`, "aa$", false, []string{"aa$", "a"}},
		{"(?=é)..", "\xc3\xa9", false, []string{"\xc3\xa9"}}, // bytes: two dots take one é
		{"(?!x)(.)(b)?", "\xffc", false, []string{"\xff", "\xff", ""}},
	} {
		r, err := Compile(tc.pattern, tc.fold)
		if err != nil {
			t.Errorf("%q: %v", tc.pattern, err)
			continue
		}
		match, err := r.Find(tc.text)
		if err != nil {
			t.Errorf("%q in %q: %v", tc.pattern, tc.text, err)
		}
		var got []string
		if match != nil {
			for n := range r.Groups() + 1 {
				got = append(got, Group(tc.text, match, n))
			}
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%q in %q: got %q, want %q", tc.pattern, tc.text, got, tc.want)
		}
		if ok, err := r.Match(tc.text); err != nil || ok != (tc.want != nil) {
			t.Errorf("%q matches %q: got %v, %v", tc.pattern, tc.text, ok, err)
		}
	}
}

func TestLimit(t *testing.T) {
	r, err := Compile(`^(?!x)(a+)+$`, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Find(strings.Repeat("a", 64) + "!"); !errors.Is(err, ErrLimit) {
		t.Errorf("got %v, want %v", err, ErrLimit)
	}
}

// TestLimitOfLinear: what Go's engine would match, too, must not take as long as the
// text by the expression, and small texts are not held up by that.
func TestLimitOfLinear(t *testing.T) {
	r, err := Compile("(?:a?){1000}b", false)
	if err != nil {
		t.Fatal(err)
	}
	if r.linear == nil || r.quick(strings.Repeat("a", 100_000)) {
		t.Error("it is matched without a limit")
	}
	if _, err := r.Find(strings.Repeat("a", 100_000)); !errors.Is(err, ErrLimit) {
		t.Errorf("got %v, want %v", err, ErrLimit)
	}
	if ok, err := r.Match("aaab"); !ok || err != nil {
		t.Errorf("got %v, %v", ok, err)
	}
	plain, err := Compile("^/ws/(.*)$", false)
	if err != nil {
		t.Fatal(err)
	}
	for _, cost := range []int{plain.cost, maxSteps} { // in either engine
		plain.cost = cost
		text := "/ws/" + strings.Repeat("x", 8190)
		if match, err := plain.Find(text); err != nil || !slices.Equal(match, []int{0, len(text), 4, len(text)}) {
			t.Errorf("with a cost of %d: %v, %v", cost, match, err)
		}
	}
}

// TestSize: an expression is no larger than PCRE would have it.
func TestSize(t *testing.T) {
	nested := func(depth int) string { return strings.Repeat("(", depth) + "a" + strings.Repeat(")", depth) }
	for _, prefix := range []string{"", "(?=a)"} {
		for pattern, want := range map[string]error{
			prefix + nested(maxDepth): nil, prefix + nested(maxDepth+1): errTooDeep,
			prefix + strings.Repeat("(a)", 300): nil, prefix + strings.Repeat("[(]", 300): nil, prefix + strings.Repeat(`\(`, 300): nil,
			prefix + strings.Repeat("a", maxLength+1): errTooLarge, nested(200_000): errTooLarge,
		} {
			if _, err := Compile(pattern, false); !errors.Is(err, want) {
				t.Errorf("%.20s: %.100v, want %v", pattern, err, want)
			}
		}
	}
}

func TestCompileError(t *testing.T) {
	if _, err := Compile("(", false); err == nil || !strings.Contains(err.Error(), `"("`) {
		t.Errorf("got %v, want an error that names the expression", err)
	}
}

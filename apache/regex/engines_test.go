// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package regex

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dlclark/regexp2/v2"
)

// TestEngines holds the two engines to the same answers for expressions that both
// take.
func TestEngines(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	compared := 0
	for range 200 {
		pattern := randomPattern(random, 3)
		fold := random.IntN(3) == 0
		for range 5 {
			if sameAnswers(t, pattern, randomText(random), fold) {
				compared++
			}
		}
	}
	if compared < 600 {
		t.Errorf("only %d were compared", compared)
	}
}

// FuzzCompile holds both engines to the same answers, and Find to offsets that are
// in the text.
func FuzzCompile(f *testing.F) {
	for _, seed := range []struct{ pattern, text string }{
		{"^/ws(/.*)?$", "/ws/a"}, {"(?!a)b", "ab"}, {`\Qa.b\E+`, "a.bb"}, {`[[:alpha:]\s\]]`, " "}, {`\x{e9}|\351`, "\xe9"},
		{`(a)\1`, "aa"}, {`[^]\v]`, "\v"}, {`\R`, "\r\n"}, {"(?#x)é", "é"}, {`(?i)K`, "K"}, {`(a|b)*?c`, "abc"}, {`\h\H\N`, "\ta\n"},
	} {
		f.Add(seed.pattern, seed.text, false)
		f.Add(seed.pattern, seed.text, true)
	}
	f.Fuzz(func(t *testing.T, pattern, text string, fold bool) {
		r, err := Compile(pattern, fold)
		if err != nil {
			return
		}
		match, err := r.Find(text)
		if err != nil {
			return
		}
		if match != nil && len(match) != 2*(r.Groups()+1) {
			t.Errorf("%q in %q: %d offsets for %d groups", pattern, text, len(match), r.Groups())
		}
		for n := range r.Groups() + 1 {
			Group(text, match, n) // does not panic
		}
		if ok, err := r.Match(text); err == nil && ok != (match != nil) {
			t.Errorf("%q in %q: Match says %v, Find %v", pattern, text, ok, match)
		}
	})
}

// sameAnswers compares, and says whether both engines took the pattern.
func sameAnswers(t *testing.T, pattern, text string, fold bool) bool {
	t.Helper()
	tr, err := translate(pattern)
	if err != nil || tr.onlyPerl {
		return false
	}
	linear, err := compileLinear(tr.pattern, fold)
	if err != nil {
		return false
	}
	perl, err := compilePerl(tr.pattern, fold)
	if err != nil {
		t.Errorf("%q: one engine takes it, but: %v", pattern, err)
		return false
	}
	perl.MatchTimeout = time.Minute // what it finds counts, however slow the machine
	a, _ := (&Regexp{linear: linear, groups: linear.NumSubexp()}).Find(text)
	b, err := (&Regexp{perl: func() (*regexp2.Regexp, error) { return perl, nil }, groups: linear.NumSubexp()}).Find(text)
	if err != nil {
		t.Errorf("%q in %q: %v", pattern, text, err)
		return false
	}
	if !slices.Equal(a, b) {
		t.Errorf("%q in %q, fold %v: linear found %v, perl %v", pattern, text, fold, a, b)
	}
	return true
}

// randomPattern is an expression of what rules have in them. What repeats matches
// something, since the engines differ in what a group has that matched nothing
// again and again.
func randomPattern(random *rand.Rand, depth int) string {
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	var b strings.Builder
	for range 1 + random.IntN(3) {
		part := pick("a", "b", "K", "/", ".", `\.`, "[ab]", "[^/]", `\w`, `\d`, `\s`, `\S`, `\h`, `\v`, `\N`, "[[:upper:]]", "[a-c_\\s]", "é", `\xe9`, `\303`, `\W`, "[]x]", "[^]é]", `\Qa.\E`)
		if depth > 0 {
			inner := func() string { return randomPattern(random, depth-1) }
			switch random.IntN(8) {
			case 0:
				part = "(" + inner() + ")"
			case 1:
				part = "(?:" + inner() + "|" + inner() + ")"
			case 2:
				part = "(" + inner() + "|" + inner() + ")"
			}
		}
		b.WriteString(part)
		if !strings.HasPrefix(part, "(") { // no repeats of repeats, or of nothing
			b.WriteString(pick("", "", "", "", "+", "?", "{1,2}", "+?"))
		}
	}
	return pick("", "", "^", `\b`) + b.String() + pick("", "", "$")
}

func randomText(random *rand.Rand) string {
	const bytes = "aabbkK/._ \t\n\v9é\xff]x.Cc"
	text := make([]byte, random.IntN(8))
	for i := range text {
		text[i] = bytes[random.IntN(len(bytes))]
	}
	return string(text)
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package regex matches Perl-compatible regular expressions as httpd does: of
// bytes, with a dot that takes newlines and a $ that is the end only, searched
// for anywhere in a text.
//
// Most expressions mean the same to Go's regexp, whose time is that of the text by
// that of the expression. The others, with look-around, back-references or atomic
// groups, and large ones in long texts, are matched by backtracking, under a time
// limit.
package regex

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/dlclark/regexp2/v2"
)

// Limit is how long one match of an expression with backtracking may take, give
// or take two ticks of the clock.
const Limit = 50 * time.Millisecond

// tick is how often the clock that ends matches looks at the time. It runs while
// there are matches with backtracking, and a second longer.
const tick = 10 * time.Millisecond

// The clock is regexp2's, and one for the process; it must be set before any
// expression is matched.
func init() { regexp2.SetTimeoutCheckPeriod(tick) }

// ErrLimit is a match that took longer than Limit. Whether the text would match
// is not known then, so who decides by it must decide for the safe side.
var ErrLimit = errors.New("matching took too long")

// Regexp is a compiled expression. It may be used by many goroutines.
type Regexp struct {
	source string
	linear *regexp.Regexp                  // if it means the same to Go
	cost   int                             // of linear, in steps for a byte
	perl   func() (*regexp2.Regexp, error) // otherwise, or where linear would take long
	groups int
}

// Compile reads an expression; fold ignores the case of ASCII letters, as the flag
// NC.
func Compile(pattern string, fold bool) (*Regexp, error) {
	t, err := translate(pattern)
	if err != nil {
		return nil, fmt.Errorf("regular expression %q: %w", pattern, err)
	}
	perl := func() (*regexp2.Regexp, error) { return compilePerl(t.pattern, fold) }
	r := &Regexp{source: pattern}
	if !t.onlyPerl {
		if r.linear, err = compileLinear(t.pattern, fold); err == nil {
			r.groups, r.cost, r.perl = r.linear.NumSubexp(), costOf(r.linear), sync.OnceValues(perl)
			return r, nil
		}
	}
	compiled, err := perl()
	if err != nil {
		return nil, fmt.Errorf("regular expression %q: %w", pattern, err)
	}
	r.perl = func() (*regexp2.Regexp, error) { return compiled, nil }
	r.groups = len(compiled.GetGroupNumbers()) - 1
	return r, nil
}

func compileLinear(pattern string, fold bool) (*regexp.Regexp, error) {
	flags := "(?s)"
	if fold {
		flags = "(?si)"
	}
	return regexp.Compile(flags + pattern)
}

func compilePerl(pattern string, fold bool) (*regexp2.Regexp, error) {
	// RE2 is what makes \w and the like ASCII only, and $ the end only.
	options := regexp2.Singleline | regexp2.RE2
	if fold {
		options |= regexp2.IgnoreCase
	}
	r, err := regexp2.Compile(pattern, options, regexp2.OptionMaintainCaptureOrder())
	if err == nil {
		r.MatchTimeout = Limit
	}
	return r, err
}

// Groups is how many groups in parentheses the expression has.
func (r *Regexp) Groups() int { return r.groups }

// Go is the expression for Go's regexp, which matches characters. ok is false if it
// means something else there, or has bytes of which only some make a character.
func (r *Regexp) Go() (expression string, ok bool) {
	if r.linear == nil {
		return "", false
	}
	expression = r.linear.String()
	if strings.ContainsFunc(expression, func(c rune) bool { return c > unicode.MaxASCII }) {
		return "", false
	}
	if flags, pattern, _ := strings.Cut(expression, ")"); !strings.Contains(escapes.Replace(pattern), ".") {
		if flags = strings.Replace(flags, "s", "", 1); flags == "(?" {
			return pattern, true
		}
		expression = flags + ")" + pattern // s is for dots
	}
	return expression, true
}

// escapes has what looks like a dot and is none, and what looks like that.
var escapes = strings.NewReplacer(`\\`, "", `\.`, "")

// String is what was compiled.
func (r *Regexp) String() string { return r.source }

// Match says whether the expression matches somewhere in s.
func (r *Regexp) Match(s string) (bool, error) {
	if r.quick(s) {
		return r.linear.MatchString(widen(s)), nil
	}
	perl, err := r.perl()
	ok := false
	if err == nil {
		ok, err = perl.MatchString(widen(s))
	}
	if err != nil { // too long, or too much memory
		return false, fmt.Errorf("%q: %w", r.source, ErrLimit)
	}
	return ok, nil
}

// Find returns the leftmost match and its groups as pairs of offsets in s, -1 for
// a group that took no part, in the manner of regexp.FindStringSubmatchIndex. It
// is nil if nothing matches.
func (r *Regexp) Find(s string) ([]int, error) {
	wide := widen(s)
	if r.quick(s) {
		match := r.linear.FindStringSubmatchIndex(wide)
		if len(wide) != len(s) {
			narrowOffsets(match, wide)
		}
		return match, nil
	}
	perl, err := r.perl()
	var m *regexp2.Match
	if err == nil {
		m, err = perl.FindStringMatch(wide)
	}
	if err != nil {
		return nil, fmt.Errorf("%q: %w", r.source, ErrLimit)
	}
	if m == nil {
		return nil, nil
	}
	at := make([]int, 0, 2*(r.groups+1))
	for _, group := range m.Groups() {
		if len(group.Captures) == 0 {
			at = append(at, -1, -1)
			continue
		}
		at = append(at, group.RuneIndex, group.RuneIndex+group.RuneLength) // a rune is a byte of s
	}
	return at, nil
}

// Group is group n of a match that Find has found in s; empty if it took no part
// or there is none.
func Group(s string, match []int, n int) string {
	if 2*n+1 >= len(match) || match[2*n] < 0 {
		return ""
	}
	return s[match[2*n]:match[2*n+1]]
}

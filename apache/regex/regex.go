// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package regex matches Perl-compatible regular expressions as httpd does: of
// bytes, with a dot that takes newlines and a $ that is the end only, searched
// for anywhere in a text.
//
// Most expressions mean the same to Go's regexp, whose time is bounded by the
// text. The others, with look-around, back-references or atomic groups, are
// matched by backtracking, under a time limit.
package regex

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/dlclark/regexp2/v2"
)

// Limit is how long one match of an expression with backtracking may take.
const Limit = 50 * time.Millisecond

// ErrLimit is a match that took longer than Limit. Whether the text would match
// is not known then, so who decides by it must decide for the safe side.
var ErrLimit = errors.New("matching took too long")

// Regexp is a compiled expression. It may be used by many goroutines.
type Regexp struct {
	source string
	linear *regexp.Regexp  // if it means the same to Go
	perl   *regexp2.Regexp // otherwise
	groups int
}

// Compile reads an expression; fold ignores the case of letters, as the flag NC.
func Compile(pattern string, fold bool) (*Regexp, error) {
	r := &Regexp{source: pattern}
	if !onlyPerl(pattern) {
		flags := "(?s)"
		if fold {
			flags = "(?si)"
		}
		if linear, err := regexp.Compile(flags + pattern); err == nil {
			r.linear, r.groups = linear, linear.NumSubexp()
			return r, nil
		}
	}
	options := regexp2.Singleline
	if fold {
		options |= regexp2.IgnoreCase
	}
	perl, err := regexp2.Compile(latin1(endOnly(pattern)), options, regexp2.OptionMaintainCaptureOrder())
	if err != nil {
		return nil, fmt.Errorf("regular expression %q: %w", pattern, err)
	}
	perl.MatchTimeout = Limit
	r.perl, r.groups = perl, len(perl.GetGroupNumbers())-1
	return r, nil
}

// Groups is how many groups in parentheses the expression has.
func (r *Regexp) Groups() int { return r.groups }

// String is what was compiled.
func (r *Regexp) String() string { return r.source }

// Match says whether the expression matches somewhere in s.
func (r *Regexp) Match(s string) (bool, error) {
	if r.linear != nil {
		return r.linear.MatchString(s), nil
	}
	ok, err := r.perl.MatchString(latin1(s))
	if err != nil {
		return false, fmt.Errorf("%q: %w", r.source, ErrLimit)
	}
	return ok, nil
}

// Find returns the leftmost match and its groups as pairs of offsets in s, -1 for
// a group that took no part, in the manner of regexp.FindStringSubmatchIndex. It
// is nil if nothing matches.
func (r *Regexp) Find(s string) ([]int, error) {
	if r.linear != nil {
		return r.linear.FindStringSubmatchIndex(s), nil
	}
	m, err := r.perl.FindStringMatch(latin1(s))
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
		at = append(at, group.RuneIndex, group.RuneIndex+group.RuneLength)
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

// onlyPerl finds what both engines accept and take for different things.
func onlyPerl(pattern string) bool {
	// Go's \s lacks the vertical tab, which no rule is about; \C, \h and the like
	// are errors in Go. What is left is \Z and \G, which are errors, too, and \<.
	return strings.Contains(pattern, `\Q`) && !strings.Contains(pattern, `\E`)
}

// latin1 makes each byte a character, since httpd's expressions are of bytes.
func latin1(s string) string {
	for i := range len(s) {
		if s[i] >= 0x80 {
			runes := make([]rune, len(s))
			for i := range len(s) {
				runes[i] = rune(s[i])
			}
			return string(runes)
		}
	}
	return s
}

// endOnly makes $ the end of the text; for regexp2 it is also before a last
// newline.
func endOnly(pattern string) string {
	var b strings.Builder
	class := false
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\' && i+1 < len(pattern):
			b.WriteByte(c)
			i++
			b.WriteByte(pattern[i])
		case c == '$' && !class:
			b.WriteString(`\z`)
		default:
			if c == '[' && !class {
				class = true
				b.WriteByte(c)
				if i+1 < len(pattern) && pattern[i+1] == '^' {
					i++
					b.WriteByte('^')
				}
				if i+1 < len(pattern) && pattern[i+1] == ']' {
					i++
					b.WriteString(`\]`)
				}
				continue
			}
			if c == ']' {
				class = false
			}
			b.WriteByte(c)
		}
	}
	return b.String()
}

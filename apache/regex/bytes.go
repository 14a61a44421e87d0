// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package regex

import (
	"strings"
	"unicode/utf8"
)

// Expressions of httpd are of bytes: a dot takes half of an é, and only ASCII
// letters have a case. The engines here are of characters. So each byte above
// ASCII becomes a character that is no letter, digit or space and has no case: one
// for private use.
const private = 0xE000

// wideByte is the character that stands for a byte.
func wideByte(c byte) rune {
	if c < utf8.RuneSelf {
		return rune(c)
	}
	return private + rune(c)
}

// widen makes each byte a character.
func widen(s string) string {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return widenFrom(s, i)
		}
	}
	return s
}

func widenFrom(s string, first int) string {
	var b strings.Builder
	b.Grow(3*len(s) - 2*first)
	b.WriteString(s[:first])
	for i := first; i < len(s); i++ {
		b.WriteRune(wideByte(s[i]))
	}
	return b.String()
}

// narrowOffsets changes offsets in what was widened to those in what it was.
func narrowOffsets(offsets []int, wide string) {
	for i, at := range offsets {
		if at > 0 {
			offsets[i] = utf8.RuneCountInString(wide[:at])
		}
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package expr

import "strings"

// wildcard says whether a pattern with * ? and [...] matches the whole of a text.
// With path those match no slash. A backslash takes the meaning from what is
// behind it.
func wildcard(pattern, text string, path bool) bool {
	// Where to go on when what is behind the last star does not match: the star
	// then takes one byte more. An earlier star never has to.
	star, retry := -1, 0
	p, t := 0, 0
	for t < len(text) || p < len(pattern) {
		if p < len(pattern) && pattern[p] == '*' {
			p++
			star, retry = p, t
			continue
		}
		if t < len(text) {
			if n := single(pattern[p:], text[t], path); n > 0 {
				p += n
				t++
				continue
			}
		}
		if star < 0 || retry >= len(text) || path && text[retry] == '/' {
			return false
		}
		retry++
		p, t = star, retry
	}
	return true
}

// single is how many bytes at the beginning of the pattern match a byte; 0 if it
// does not match.
func single(pattern string, c byte, path bool) int {
	if pattern == "" {
		return 0
	}
	switch pattern[0] {
	case '?':
		if path && c == '/' {
			return 0
		}
		return 1
	case '[':
		if n, matches := class(pattern, c); n > 0 {
			if !matches || path && c == '/' {
				return 0
			}
			return n
		}
	case '\\':
		if len(pattern) > 1 {
			if pattern[1] == c {
				return 2
			}
			return 0
		}
	}
	if pattern[0] == c {
		return 1
	}
	return 0
}

// class reads [...] and says whether c is one of its bytes. n is 0 if it does not
// end, and then is none.
func class(pattern string, c byte) (n int, matches bool) {
	i := 1
	negated := i < len(pattern) && strings.IndexByte("!^", pattern[i]) >= 0
	if negated {
		i++
	}
	for first := true; i < len(pattern); first = false {
		if pattern[i] == ']' && !first {
			return i + 1, matches != negated
		}
		low := classByte(pattern, &i)
		high := low
		if i+1 < len(pattern) && pattern[i] == '-' && pattern[i+1] != ']' {
			i++
			high = classByte(pattern, &i)
		}
		matches = matches || low <= c && c <= high
	}
	return 0, false
}

func classByte(pattern string, i *int) byte {
	if pattern[*i] == '\\' && *i+1 < len(pattern) {
		*i++
	}
	*i++
	return pattern[*i-1]
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package rewrite

import "strings"

// space is what C's isspace takes for one.
const space = " \t\n\v\f\r"

// word splits the first word off the arguments of RewriteRule and RewriteCond,
// which httpd splits in a way of their own: backslashes stay, and keep a space
// from ending a word; a quotation mark ends at the next of its kind, backslash or
// not. closed says whether anything has ended the word but the end of the line.
func word(s string) (text, rest string, closed bool) {
	s = strings.TrimLeft(s, space)
	ends := space
	if s != "" && (s[0] == '"' || s[0] == '\'') {
		ends, s = s[:1], s[1:]
	}
	for i := 0; i < len(s); i++ {
		if strings.IndexByte(ends, s[i]) >= 0 {
			return s[:i], strings.TrimLeft(s[i+1:], space), true
		}
		if s[i] == '\\' && i+1 < len(s) && strings.IndexByte(space, s[i+1]) >= 0 {
			i++
		}
	}
	return s, "", false
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import "strings"

// What may stand in a path unescaped, beside letters, digits and the slash, in a
// URL that mod_proxy sends and in one that mod_alias redirects to.
const (
	proxyPathSafe = "~$-_.+!*'(),;:@&=/"
	redirectSafe  = "$-_.+!*'(),:;@&=/~"
)

// canonicalPath escapes a decoded path as mod_proxy does before it sends it. With
// keepSlashes (AllowEncodedSlashes NoDecode) the path still has its %2F, which
// stay, and anything else behind a % makes it no path at all.
func canonicalPath(path string, keepSlashes bool) (string, bool) {
	if !keepSlashes {
		return escape(path, proxyPathSafe), true
	}
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		c, escaped, ok := at(path, i)
		switch {
		case !ok:
			return "", false
		case escaped && c == '/':
			b.WriteString(path[i : i+3])
			i += 2
		default:
			writeEscaped(&b, path[i], proxyPathSafe)
		}
	}
	return b.String(), true
}

// escape writes all bytes but safe ones as %XX.
func escape(s, safe string) string {
	i := 0
	for i < len(s) && (alphanumeric(s[i]) || strings.IndexByte(safe, s[i]) >= 0) {
		i++
	}
	if i == len(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 8)
	b.WriteString(s[:i])
	for ; i < len(s); i++ {
		writeEscaped(&b, s[i], safe)
	}
	return b.String()
}

func writeEscaped(b *strings.Builder, c byte, safe string) {
	if alphanumeric(c) || strings.IndexByte(safe, c) >= 0 {
		b.WriteByte(c)
		return
	}
	digits := "0123456789ABCDEF"
	if safe == redirectSafe {
		digits = "0123456789abcdef" // as mod_alias has them
	}
	b.Write([]byte{'%', digits[c>>4], digits[c&15]})
}

// visible says whether a text has neither spaces nor control characters, and so
// may be part of a request line.
func visible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

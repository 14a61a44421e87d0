// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package rewrite

import "strings"

// schemes are those by which mod_rewrite knows an absolute URL, and whether their
// URLs have a query string.
var schemes = []struct {
	prefix string
	query  bool
}{
	{"ajp://", true},
	{"balancer://", true},
	{"fcgi://", true},
	{"ftp://", false},
	{"gopher://", false},
	{"h2://", true},
	{"h2c://", true},
	{"http://", true},
	{"https://", true},
	{"ldap://", false},
	{"mailto:", true},
	{"news:", false},
	{"nntp://", false},
	{"scgi://", true},
	{"unix://", true},
	{"unix:", true},
	{"uwsgi://", true},
	{"ws://", true},
	{"wss://", true},
}

// absolute is the length of the scheme of an absolute URL with what separates it
// from the rest; 0 if it is none. query says whether it may have a query string.
func absolute(uri string) (length int, query bool) {
	if len(uri) <= 5 || uri[0] == '/' {
		return 0, false
	}
	for _, s := range schemes {
		if len(uri) >= len(s.prefix) && strings.EqualFold(uri[:len(s.prefix)], s.prefix) {
			return len(s.prefix), s.query
		}
	}
	return 0, false
}

// escapeURL escapes the path of an absolute URL, whose scheme has the length.
func escapeURL(uri string, scheme int) string {
	if uri[scheme-1] == '/' { // there is a host, which stays as it is
		slash := strings.IndexByte(uri[scheme:], '/')
		if slash < 0 {
			return uri
		}
		scheme += slash + 1
	}
	if strings.EqualFold(uri[:4], "ldap") { // whose question marks separate
		parts := strings.SplitN(uri[scheme:], "?", 5)
		for i, part := range parts {
			parts[i] = escapePath(part)
		}
		return uri[:scheme] + strings.Join(parts, "?")
	}
	return uri[:scheme] + escapePath(uri[scheme:])
}

// escapePath is ap_escape_uri: what a path cannot have becomes %xx.
func escapePath(s string) string {
	return escapeBytes(s, func(c byte) bool {
		return !alphanumeric(c) && strings.IndexByte("$-_.+!*'(),:;@&=/~", c) < 0
	})
}

// escapeGroup is what the flags B, BNE, BNP and BCTLS make of a back-reference.
func escapeGroup(s string, f *flags) string {
	s = escapeBytes(s, func(c byte) bool {
		special := f.escapes == ""
		if f.controls {
			special = notVisible(c)
		}
		switch {
		case !special && strings.IndexByte(f.escapes, c) < 0,
			strings.IndexByte(f.keeps, c) >= 0,
			alphanumeric(c), c == '_':
			return false
		}
		return true
	})
	if !f.noPlus {
		s = strings.ReplaceAll(s, "%20", "+")
	}
	return s
}

func escapeBytes(s string, special func(byte) bool) string {
	n := 0
	for i := range len(s) {
		if special(s[i]) {
			n++
		}
	}
	if n == 0 {
		return s
	}
	const hex = "0123456789abcdef"
	b := make([]byte, 0, len(s)+2*n)
	for i := range len(s) {
		if c := s[i]; special(c) {
			b = append(b, '%', hex[c>>4], hex[c&15])
		} else {
			b = append(b, c)
		}
	}
	return string(b)
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// notVisible says whether c is a space or a control character.
func notVisible(c byte) bool { return c <= ' ' || c == 0x7f }

// visible says whether there is neither space nor control character in s.
func visible(s string) bool {
	for i := range len(s) {
		if notVisible(s[i]) {
			return false
		}
	}
	return true
}

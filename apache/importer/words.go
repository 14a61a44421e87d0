// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/regex"
)

// isWord says whether a text can stand in a Caddyfile as it is, also beside another.
func isWord(s string) bool {
	return s != "" && s[0] != '#' && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune("\"`{}\\<>", r)
	})
}

// isPath says whether a text is a path for the matcher path: without what means
// something else there.
func isPath(s string) bool {
	return strings.HasPrefix(s, "/") && isWord(s) && !strings.ContainsAny(s, "*?[]%#")
}

// isHostname says whether a name can be one, wildcards and all: one with a variable
// that is not defined cannot.
func isHostname(name string) bool {
	return !strings.ContainsFunc(name, func(r rune) bool {
		return !strings.ContainsRune("-._*?", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

// token is a word of a Caddyfile, in quotes if it needs them. A Caddyfile has no way to
// write a backslash at the end of such a word, and none before a double quote in one
// that has a backquote: it is left out.
func token(s string) string {
	if isWord(s) {
		return s
	}
	s = strings.TrimRight(s, `\`)
	if !strings.Contains(s, "`") {
		return "`" + s + "`"
	}
	for strings.Contains(s, `\"`) {
		s = strings.ReplaceAll(s, `\"`, `"`)
	}
	return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"`
}

// isSaid says whether a token is the text, and nothing is left out of it.
func isSaid(s string) bool {
	return !strings.HasSuffix(s, `\`) && (!strings.Contains(s, "`") || !strings.Contains(s, `\"`))
}

// expression is a regular expression of httpd's as a word, if it means the same to
// Caddy: something in braces that is no number of times would be a placeholder.
func expression(pattern string, fold bool) (word string, ok bool) {
	r, err := regex.Compile(pattern, fold)
	if err != nil {
		return "", false
	}
	text, ok := r.Go()
	if !ok || placeholder.MatchString(text) {
		return "", false
	}
	if before, found := strings.CutSuffix(text, `\\`); found {
		text = before + `\x5c`
	}
	return token(strings.ReplaceAll(text, "`", `\x60`)), true
}

var placeholder = regexp.MustCompile(`\{[^0-9]`)

// below is a regular expression for a path and what is below it, as prefixPaths, but
// for any path, and of upper and lower case.
func below(path string) string {
	pattern := "^" + regexp.QuoteMeta(path)
	if !strings.HasSuffix(path, "/") {
		pattern += "(/|$)"
	}
	return pattern
}

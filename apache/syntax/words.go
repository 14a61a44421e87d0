// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package syntax

import "strings"

// space is what separates words and is cut off both ends of a line.
const space = " \t\n\v\f\r"

// Word splits the first word off a directive's arguments as httpd does, and
// returns what is behind it and behind the space that follows.
//
// A word that begins with a quotation mark, " or ', ends at the next one of the
// kind, or with the line; whatever follows is another word, even without space
// between. In it a backslash takes the special meaning from that mark and from a
// backslash. Elsewhere in a word a quotation mark is nothing special, and only a
// doubled backslash is one, so that `C:\dir` and `\.php$` stay as they are.
func Word(s string) (word, rest string) {
	word, rest, _ = splitWord(s)
	return word, rest
}

// Words splits all arguments.
func Words(s string) []string {
	var words []string
	s = strings.TrimLeft(s, space)
	for s != "" {
		var word string
		word, s = Word(s)
		words = append(words, word)
	}
	return words
}

// splitWord is Word, and says whether the word's quotation mark has its second.
func splitWord(s string) (word, rest string, closed bool) {
	s = strings.TrimLeft(s, space)
	if s == "" {
		return "", "", true
	}
	if quote := s[0]; quote == '"' || quote == '\'' {
		end := 1
		for end < len(s) && s[end] != quote {
			end += escaped(s[end:], quote)
		}
		word = unescape(s[1:end], quote)
		if end == len(s) {
			return word, "", false
		}
		return word, strings.TrimLeft(s[end+1:], space), true
	}
	end := strings.IndexAny(s, space)
	if end < 0 {
		end = len(s)
	}
	return unescape(s[:end], 0), strings.TrimLeft(s[end:], space), true
}

// escaped is how many bytes the first character of s has.
func escaped(s string, quote byte) int {
	if len(s) > 1 && s[0] == '\\' && (s[1] == '\\' || s[1] == quote) {
		return 2
	}
	return 1
}

func unescape(s string, quote byte) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for s != "" {
		n := escaped(s, quote)
		b.WriteByte(s[n-1])
		s = s[n:]
	}
	return b.String()
}

// lower folds the case of a name as httpd does, which is of ASCII letters only.
func lower(name string) string {
	b := []byte(name)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func same(a, b string) bool { return lower(a) == lower(b) }

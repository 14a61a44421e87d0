// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package htpasswd

import (
	"iter"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// users are the entries of a password file.
type users struct {
	entries map[string]string // hashes by name
	slowest string            // the entry whose hash takes the most work
}

// parseUsers reads lines of name:hash. Of several with one name the first holds,
// as in httpd.
func parseUsers(text []byte) users {
	u := users{entries: make(map[string]string)}
	most := 0
	for line := range lines(text) {
		name, rest, _ := strings.Cut(line, ":")
		// httpd takes several colons for one, and what is behind the next for
		// something else.
		hash, _, _ := strings.Cut(strings.TrimLeft(rest, ":"), ":")
		if _, there := u.entries[name]; there || name == "" {
			continue
		}
		u.entries[name] = hash
		if work := work(hash); work > most {
			most, u.slowest = work, hash
		}
	}
	return u
}

// membership is a user in a group.
type membership struct{ user, group string }

type members map[membership]bool

// parseGroups reads lines of group: user user. A group may have several lines.
func parseGroups(text []byte) members {
	m := make(members)
	for line := range lines(text) {
		group, rest, _ := strings.Cut(line, ":")
		group = strings.TrimSpace(group)
		for _, user := range syntax.Words(strings.TrimLeft(rest, ":")) {
			m[membership{user, group}] = true
		}
	}
	return m
}

// maxLine is how long a line may be, as in httpd's password files; longer ones
// are passed over. In httpd they end the file.
const maxLine = 8190

// lines are those that are neither empty nor comments, without space around
// them. A line that ends in a backslash goes on.
func lines(text []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		joined := ""
		for line := range strings.Lines(string(text)) {
			line = strings.TrimRight(line, "\r\n")
			if begin, more := strings.CutSuffix(line, `\`); more && len(joined) <= maxLine {
				joined += begin
				continue
			}
			line = strings.TrimSpace(joined + line)
			joined = ""
			if line == "" || line[0] == '#' || len(line) > maxLine {
				continue
			}
			if !yield(line) {
				return
			}
		}
	}
}

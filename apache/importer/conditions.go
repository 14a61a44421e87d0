// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/header"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/rewrite"
)

// asked is what the conditions of a RewriteRule ask for.
type asked struct {
	websocket, plain bool     // that the request is one, or is none
	insecure         bool     // that it came without TLS
	lines            []string // and the rest, as lines of a matcher
}

// matcher is all of it as lines of a matcher, but for TLS.
func (a asked) matcher() []string {
	switch {
	case a.websocket:
		return append(a.lines, "websocket")
	case a.plain:
		return append(a.lines, "not websocket")
	}
	return a.lines
}

// with adds a line. A second one of the same matcher would be another choice, or take
// the place of the first, and cannot be said; those with not all hold.
func (a asked) with(line string) (lines []string, ok bool) {
	matcher, _, _ := strings.Cut(line, " ")
	taken := matcher != "not" && slices.ContainsFunc(a.lines, func(l string) bool { return strings.HasPrefix(l, matcher+" ") })
	return append(a.lines, line), !taken
}

// conditions says what those of a rule ask for. It reports whether all of them can be
// said in a Caddyfile.
func (b *site) conditions(r rewrite.Rule) (a asked, ok bool) {
	open := hours{0, 24}
	for _, c := range r.Conditions {
		if strings.Contains(strings.ToUpper(c.Flags), "OR") {
			return asked{}, false
		}
		value := strings.ToLower(strings.Trim(c.Pattern, "^$"))
		var known bool
		switch strings.ToUpper(c.Test) {
		case "%{HTTP:UPGRADE}":
			a.websocket = a.websocket || value == "websocket" || value == "=websocket"
			a.plain = a.plain || value == "!=websocket" || value == "!websocket"
			known = strings.TrimLeft(value, "!=") == "websocket"
		case "%{HTTP:CONNECTION}":
			known = value == "upgrade" || value == "=upgrade"
		case "%{HTTPS}":
			a.insecure = true
			known = value == "off" || value == "!=on" || value == "=off" || value == "!on"
		case "%{TIME_HOUR}":
			known = open.narrow(c.Pattern)
		default:
			if name, equal := strings.CutPrefix(value, "="); equal && b.asksOwnName(c.Test, name) {
				continue
			}
			var line string
			if line, known = b.comparison(c); known {
				a.lines, known = a.with(line)
			}
		}
		if !known {
			return asked{}, false
		}
	}
	if open != (hours{0, 24}) {
		if open.from >= open.to {
			return asked{}, false // it never is
		}
		a.lines = append(a.lines, fmt.Sprintf("time_window %02d:00-%02d:00", open.from, open.to))
	}
	return a, true
}

// asksOwnName is the idiom of Certbot's, which asks what a site of one name has decided.
func (b *site) asksOwnName(test, name string) bool {
	names := b.s.Names()
	return slices.Contains([]string{"%{SERVER_NAME}", "%{HTTP_HOST}"}, strings.ToUpper(test)) &&
		len(names) == 1 && strings.EqualFold(names[0], name)
}

// hours are those of a day from one on, up to another.
type hours struct{ from, to int }

// narrow leaves those of which a comparison with %{TIME_HOUR} holds.
func (h *hours) narrow(comparison string) bool {
	for _, op := range []string{">=", "<=", ">", "<", "=", "-ge", "-le", "-gt", "-lt", "-eq"} {
		text, found := strings.CutPrefix(comparison, op)
		if !found {
			continue
		}
		hour, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || op[0] != '-' && len(text) != 2 { // those compare texts, by length first
			return false
		}
		from, to := 0, 24
		switch op {
		case ">=", "-ge":
			from = hour
		case ">", "-gt":
			from = hour + 1
		case "<=", "-le":
			to = hour + 1
		case "<", "-lt":
			to = hour
		default:
			from, to = hour, hour+1
		}
		h.from, h.to = max(h.from, from), min(h.to, to)
		return true
	}
	return false
}

// tested are the variables that Caddy has as well, by the matchers of which each is
// the beginning.
var tested = map[string]string{
	"%{REMOTE_ADDR}":     "vars_regexp {client_ip}",
	"%{REQUEST_URI}":     "path_regexp", // without dots and double slashes, as it is in httpd
	"%{REQUEST_METHOD}":  "vars_regexp {method}",
	"%{QUERY_STRING}":    "vars_regexp {query}",
	"%{SERVER_NAME}":     "vars_regexp {host}",
	"%{HTTP_HOST}":       "vars_regexp {hostport}",
	"%{HTTP_USER_AGENT}": "vars_regexp {header.User-Agent}",
	"%{HTTP_REFERER}":    "vars_regexp {header.Referer}",
}

var (
	testedField  = regexp.MustCompile(`(?i)^%\{HTTP:([A-Z0-9-]+)\}$`)
	ofTheMessage = []string{"host", "transfer-encoding", "trailer", "content-length"} // which Go keeps elsewhere
)

// comparison is a condition by a regular expression, or by what is equal, as a line of
// a matcher.
func (b *site) comparison(c rewrite.Condition) (line string, ok bool) {
	matcher := tested[strings.ToUpper(c.Test)]
	if field := testedField.FindStringSubmatch(c.Test); field != nil && !slices.Contains(ofTheMessage, strings.ToLower(field[1])) {
		matcher = "vars_regexp {header." + field[1] + "}"
	}
	pattern, negated := strings.CutPrefix(c.Pattern, "!")
	if matcher == "" || pattern == "" || pattern == "=" || strings.Contains("-<>", pattern[:1]) {
		return "", false
	}
	// RequestHeader changes fields before a matcher sees them, and those that are sent
	// twice are joined by a comma and no space.
	if _, field, ok := strings.Cut(matcher, "{header."); ok && (b.changes(strings.TrimSuffix(field, "}")) || strings.Contains(pattern, ",")) {
		return "", false
	}
	if text, equal := strings.CutPrefix(pattern, "="); equal {
		if text == `""` {
			text = "" // httpd's word for nothing
		}
		pattern = "^" + regexp.QuoteMeta(text) + "$"
	}
	word, ok := expression(pattern, ignoresCase(c.Flags))
	if line = matcher + " " + word; negated {
		line = "not " + line
	}
	return line, ok
}

// changes says whether a RequestHeader does something to a field.
func (b *site) changes(field string) bool {
	return b.s.Header != nil && slices.ContainsFunc(b.s.Header.Request, func(r header.Rule) bool { return strings.EqualFold(r.Name, field) })
}

// ignoresCase says whether the flags of a rule or a condition have NC.
func ignoresCase(flags string) bool {
	return slices.ContainsFunc(words(flags), func(flag string) bool { return flag == "NC" || flag == "NOCASE" })
}

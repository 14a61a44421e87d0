// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

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
			line, known = comparison(c)
			// A second one would be another choice, not another condition.
			known = known && (strings.HasPrefix(line, "not ") || !slices.ContainsFunc(a.lines, func(l string) bool { return strings.HasPrefix(l, "vars_regexp ") }))
			a.lines = append(a.lines, line)
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

// asksOwnName is the idiom of Certbot's, which asks what the site has decided.
func (b *site) asksOwnName(test, name string) bool {
	return slices.Contains([]string{"%{SERVER_NAME}", "%{HTTP_HOST}"}, strings.ToUpper(test)) &&
		slices.ContainsFunc(b.s.Names(), func(own string) bool { return strings.EqualFold(own, name) })
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

// tested are the variables that Caddy has as well.
var tested = map[string]string{
	"%{REMOTE_ADDR}":     "{client_ip}",
	"%{REQUEST_URI}":     "{path}",
	"%{REQUEST_METHOD}":  "{method}",
	"%{QUERY_STRING}":    "{query}",
	"%{SERVER_NAME}":     "{host}",
	"%{HTTP_HOST}":       "{hostport}",
	"%{HTTP_USER_AGENT}": "{header.User-Agent}",
	"%{HTTP_REFERER}":    "{header.Referer}",
}

var testedField = regexp.MustCompile(`^%\{HTTP:([A-Za-z0-9-]+)\}$`)

// comparison is a condition by a regular expression, or by what is equal, as a line of
// a matcher.
func comparison(c rewrite.Condition) (line string, ok bool) {
	placeholder := tested[strings.ToUpper(c.Test)]
	if field := testedField.FindStringSubmatch(c.Test); field != nil {
		placeholder = "{header." + field[1] + "}"
	}
	pattern, negated := strings.CutPrefix(c.Pattern, "!")
	if placeholder == "" || pattern == "" || strings.Contains("-<>", pattern[:1]) {
		return "", false
	}
	if text, equal := strings.CutPrefix(pattern, "="); equal {
		if text == `""` {
			text = "" // httpd's word for nothing
		}
		pattern = "^" + regexp.QuoteMeta(text) + "$"
	}
	if ignoresCase(c.Flags) {
		pattern = "(?i)" + pattern
	}
	if _, err := regexp.Compile(pattern); err != nil {
		return "", false
	}
	line = "vars_regexp " + placeholder + " " + expression(pattern)
	if negated {
		line = "not " + line
	}
	return line, true
}

// ignoresCase says whether the flags of a rule or a condition have NC.
func ignoresCase(flags string) bool {
	return slices.ContainsFunc(words(flags), func(flag string) bool { return flag == "NC" || flag == "NOCASE" })
}

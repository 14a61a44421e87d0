// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"fmt"
	"path"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/regex"
)

// prefix matches the path of a directive against a request's. It returns how
// much of uri it takes, 0 if it does not match. A path that does not end in a
// slash takes whole segments only, and any number of slashes matches any other
// number (lab case E2).
func prefix(uri, fake string) int {
	u, f := 0, 0
	for f < len(fake) {
		if u == len(uri) || uri[u] != fake[f] {
			return 0
		}
		if fake[f] != '/' {
			u++
			f++
			continue
		}
		u += slashes(uri[u:])
		f += slashes(fake[f:])
	}
	if f == 0 || fake[f-1] != '/' && u < len(uri) && uri[u] != '/' {
		return 0
	}
	return u
}

func slashes(s string) int {
	return len(s) - len(strings.TrimLeft(s, "/"))
}

// substitute replaces $0 to $9 by the groups of a match in source. A backslash
// takes its meaning from what follows.
func substitute(template, source string, match []int) string {
	if !strings.ContainsAny(template, `$\`) {
		return template
	}
	var b strings.Builder
	for i := 0; i < len(template); i++ {
		c := template[i]
		switch {
		case c == '$' && i+1 < len(template) && '0' <= template[i+1] && template[i+1] <= '9':
			i++
			b.WriteString(regex.Group(source, match, int(template[i]-'0')))
		case c == '\\' && i+1 < len(template):
			i++
			b.WriteByte(template[i])
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// location is a <Location> as a rule names it: its path, or "~ " and the regular
// expression, as in <Location ~ "^/(a|b)">. Empty is none, which always matches.
func location(ctx *directive.Context) string {
	if ctx.Match {
		return "~ " + ctx.Path
	}
	return ctx.Path
}

// place says whether a request is in a Location.
type place struct {
	path     string
	wildcard bool
	regexp   *regex.Regexp
}

func compileLocation(name string) (place, error) {
	if pattern, ok := strings.CutPrefix(name, "~ "); ok {
		r, err := regex.Compile(pattern, false)
		return place{regexp: r}, err
	}
	p := place{path: name}
	if strings.ContainsAny(name, "*?[") {
		p.wildcard = true
		p.path = strings.ReplaceAll(name, "[!", "[^")
		if _, err := path.Match(p.path, ""); err != nil {
			return p, fmt.Errorf("<Location %s> has a [ without its ]", name)
		}
	}
	return p, nil
}

func (p place) has(uri string) (bool, error) {
	switch {
	case p.regexp != nil:
		return p.regexp.Match(uri)
	case p.wildcard:
		return path.Match(p.path, uri)
	}
	return p.path == "" || prefix(uri, p.path) > 0, nil
}

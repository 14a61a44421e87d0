// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package syntax

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// ifVersion decides <IfVersion [[!]operator] version>, as mod_version does.
func (p *parser) ifVersion(n *Node) bool {
	operator, want := "=", ""
	switch len(n.Args) {
	case 1:
		want = n.Args[0]
	case 2:
		operator, want = n.Args[0], n.Args[1]
	}
	if want == "" {
		p.errorf(n.Position, "<%s> needs an operator and a version, as in <IfVersion >= 2.4>", n.Name)
		return false
	}

	comparison, not := strings.CutPrefix(operator, "!")
	pattern, delimited := strings.CutPrefix(want, "/")
	switch {
	case comparison == "~":
		return p.versionMatches(n, want) != not
	case delimited && (comparison == "=" || comparison == "=="):
		pattern, closed := strings.CutSuffix(pattern, "/")
		if !closed {
			p.errorf(n.Position, "the regular expression %s has to end in /", want)
			return false
		}
		return p.versionMatches(n, pattern) != not
	}

	wanted, ok := parseVersion(want)
	if !ok {
		p.errorf(n.Position, "%s is not a version: up to three numbers with . between them", want)
		return false
	}
	have, _ := parseVersion(leadingVersion(p.version()))
	order := slices.Compare(have[:], wanted[:])
	switch comparison {
	case "=", "==":
		return (order == 0) != not
	case "<":
		return (order < 0) != not
	case "<=":
		return (order <= 0) != not
	case ">":
		return (order > 0) != not
	case ">=":
		return (order >= 0) != not
	}
	p.errorf(n.Position, "operator %s: <%s> has = == > >= < <= ~, and ! in front of each", operator, n.Name)
	return false
}

func (p *parser) version() string { return cmp.Or(p.options.Version, DefaultVersion) }

// versionMatches looks for a regular expression anywhere in the version.
func (p *parser) versionMatches(n *Node, pattern string) bool {
	r, err := regexp.Compile(pattern)
	if err != nil {
		p.errorf(n.Position, "<%s>: %v", n.Name, err)
		return false
	}
	return r.MatchString(p.version())
}

// parseVersion takes what is missing of a version for 0.
func parseVersion(s string) (version [3]int, ok bool) {
	parts := strings.Split(strings.TrimSuffix(s, "."), ".")
	if len(parts) > len(version) || parts[0] == "" {
		return version, false
	}
	for i, part := range parts {
		n, err := strconv.ParseUint("0"+part, 10, 16)
		if err != nil {
			return version, false
		}
		version[i] = int(n)
	}
	return version, true
}

// leadingVersion cuts off what a vendor added.
func leadingVersion(s string) string {
	if end := strings.IndexFunc(s, func(r rune) bool { return r != '.' && (r < '0' || r > '9') }); end >= 0 {
		return s[:end]
	}
	return s
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// order reads Order.
func (rd *reader) order(n *syntax.Node) error {
	word := Word{Methods: rd.methods, Line: directive.Line(n)}
	if err := rd.word(n, &word.Value, "deny,allow", "allow,deny", "mutual-failure"); err != nil {
		return fmt.Errorf("%w; there is no space behind the comma", err)
	}
	rd.Order = append(rd.Order, word)
	return nil
}

// satisfy reads Satisfy.
func (rd *reader) satisfy(n *syntax.Node) error {
	word := Word{Methods: rd.methods, Line: directive.Line(n)}
	if err := rd.word(n, &word.Value, "All", "Any"); err != nil {
		return err
	}
	rd.Satisfy = append(rd.Satisfy, word)
	return nil
}

func (rd *reader) allow(n *syntax.Node) error { return rd.from(n, &rd.Allow) }
func (rd *reader) deny(n *syntax.Node) error  { return rd.from(n, &rd.Deny) }

// from reads Allow and Deny.
func (rd *reader) from(n *syntax.Node, into *[]From) error {
	if err := directive.Args(n, 2, -1, n.Name+" from all"); err != nil {
		return err
	}
	if !strings.EqualFold(n.Args[0], "from") {
		return fmt.Errorf("%[1]s must be followed by from, as in %[1]s from %[2]s", n.Name, n.Args[0])
	}
	from := From{From: n.Args[1:], Methods: rd.methods, Line: directive.Line(n)}
	for _, word := range from.From {
		if _, err := compileFrom(word); err != nil {
			return fmt.Errorf("%s from %s: %w", n.Name, word, err)
		}
	}
	*into = append(*into, from)
	return nil
}

// gate is what Order, Allow and Deny are for the requests.
type gate struct {
	order       []chosen
	allow, deny []source
}

// chosen is a Word with its methods.
type chosen struct {
	value   string
	methods methods
}

// last is the word that holds for a method: the last one that is for it.
func last(words []chosen, method string) string {
	for _, word := range slices.Backward(words) {
		if word.methods.has(method) {
			return word.value
		}
	}
	return ""
}

// source is one word of Allow or Deny.
type source struct {
	kind    sourceKind
	name    string // of the variable or host
	subnet  subnet
	methods methods
	line    string
}

type sourceKind int

const (
	fromAll sourceKind = iota
	fromEnv
	fromNoEnv
	fromIP
	fromHost
)

func compileFrom(word string) (source, error) {
	switch lower := strings.ToLower(word); {
	case strings.HasPrefix(lower, "env=!"):
		return source{kind: fromNoEnv, name: word[len("env=!"):]}, nil
	case strings.HasPrefix(lower, "env="):
		return source{kind: fromEnv, name: word[len("env="):]}, nil
	case lower == "all":
		return source{kind: fromAll}, nil
	case strings.Contains(word, "/") || looksLikeIP(word):
		subnet, err := parseSubnet(word)
		return source{kind: fromIP, subnet: subnet}, err
	case strings.Contains(word, "#"):
		return source{}, fmt.Errorf("a # begins a comment at the start of a line only")
	}
	return source{kind: fromHost, name: word}, nil
}

// passes decides by Order, Allow and Deny; the line is that which decided.
func (g *gate) passes(c *check) (ok bool, line string) {
	allowed := func() bool { return g.find(c, g.allow, &line, false) }
	denied := func() bool { return g.find(c, g.deny, &line, true) }
	switch last(g.order, c.r.Method) {
	case "allow,deny", "mutual-failure": // the same to each request
		line = "Order"
		return allowed() && !denied(), line
	}
	if denied() {
		return allowed(), line
	}
	return true, ""
}

// find says whether one of the sources is that of the request. Where a host is
// not known because the name service does not answer, it is as forbids.
func (g *gate) find(c *check, sources []source, line *string, forbids bool) bool {
	for i := range sources {
		s := &sources[i]
		if !s.methods.has(c.r.Method) {
			continue
		}
		found := false
		switch s.kind {
		case fromAll:
			found = true
		case fromEnv:
			_, found = c.r.Env(s.name)
		case fromNoEnv:
			_, set := c.r.Env(s.name)
			found = !set
		case fromIP:
			found = s.subnet.has(remote(c.r))
		case fromHost:
			var err error
			if found, err = c.g.hosts.in(remote(c.r), []string{s.name}); err != nil {
				found = forbids
			}
		}
		if found {
			if forbids {
				*line = s.line
			}
			return true
		}
	}
	return false
}

func remote(r *request.Request) netip.Addr { return r.Remote.Addr().Unmap().WithZone("") }

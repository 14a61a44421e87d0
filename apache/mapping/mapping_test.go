// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// read reads the directives of one server, as a caller does.
func read(conf string, strict bool) (rs *Rules, warnings []string, err error) {
	c, err := syntax.Parse("/site.conf", []byte(conf), syntax.Options{})
	if err != nil {
		return nil, nil, err
	}
	rs = new(Rules)
	ctx := directive.Context{
		Strict:     strict,
		ServerRoot: "/etc/apache2",
		Warn:       func(p syntax.Problem) { warnings = append(warnings, p.String()) },
	}
	for _, n := range c.Nodes {
		if err = readNode(rs, ctx, n); err != nil {
			return rs, warnings, fmt.Errorf("line %d: %w", n.Line, err)
		}
	}
	return rs, warnings, nil
}

func readNode(rs *Rules, ctx directive.Context, n *syntax.Node) error {
	if !n.Section {
		return rs.Directive(&ctx, n)
	}
	name := strings.ToLower(n.Name)
	if strings.HasPrefix(name, "location") && len(n.Args) == 0 {
		return errors.New("a section without an argument") // whose reader says so
	}
	switch name {
	case "proxy", "proxymatch":
		_, err := rs.ProxySection(&ctx, n)
		return err
	case "directory":
		ctx.Place = directive.Directory
	case "if":
		ctx.Place = directive.Condition
	case "locationmatch":
		ctx.Place, ctx.Path, ctx.Match = directive.Location, n.Args[0], true
	case "location":
		ctx.Place, ctx.Path = directive.Location, n.Args[0]
		if n.Args[0] == "~" && len(n.Args) > 1 {
			ctx.Path, ctx.Match = n.Args[1], true
		}
	}
	for _, child := range n.Nodes {
		if err := readNode(rs, ctx, child); err != nil {
			return err
		}
	}
	return nil
}

// mapper compiles the directives of one server.
func mapper(t testing.TB, conf string) *Mapper {
	t.Helper()
	rs, _, err := read(conf, false)
	if err != nil {
		t.Fatal(err)
	}
	m, err := rs.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// get is a request whose target is path?query.
func get(m *Mapper, target string) (r *request.Request, rawPath string, status int) {
	rawPath, query, _ := strings.Cut(target, "?")
	uri, status := m.Clean(rawPath)
	return &request.Request{
		Method: http.MethodGet,
		Host:   "pub.test",
		Header: http.Header{},
		URI:    uri,
		Query:  query,
		Server: &request.Server{Name: "v.test", DocumentRoot: "/var/www"},
	}, rawPath, status
}

// proxied says what becomes of a request: the URL it is sent to, the status it is
// answered with, "!" if it is not to be proxied and "-" if nothing takes it.
func proxied(m *Mapper, target string) string {
	r, rawPath, status := get(m, target)
	if status != 0 {
		return fmt.Sprint(status)
	}
	t, found, excluded, err := m.Proxy(r, rawPath)
	switch {
	case err != nil:
		return failed(err)
	case found:
		return sent(t)
	case excluded:
		return "!"
	}
	return "-"
}

// sent is the URL of a target, with the socket in front.
func sent(t Target) string {
	if socket, ok := strings.CutPrefix(t.Address, "unix/"); ok {
		return socket + "|" + t.URL()
	}
	return t.URL()
}

func failed(err error) string {
	if bad := (*StatusError)(nil); errors.As(err, &bad) {
		return fmt.Sprint(bad.Status)
	}
	return "error: " + err.Error()
}

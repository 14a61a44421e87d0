// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// Reverse is a ProxyPassReverse: what begins with URL in the answer of a server
// behind begins with Path for the client.
type Reverse struct {
	Line     string `json:"line,omitempty"`
	Location string `json:"location,omitempty"` // see location
	Path     string `json:"path"`
	URL      string `json:"url"`
}

// ReverseCookie is a ProxyPassReverseCookieDomain or -Path: the domain or path of
// a cookie that begins with From becomes To.
type ReverseCookie struct {
	Line     string `json:"line,omitempty"`
	Location string `json:"location,omitempty"` // see location
	From     string `json:"from"`
	To       string `json:"to"`
}

func (rs *Rules) proxyPassReverse(ctx *directive.Context, n *syntax.Node) error {
	located, err := proxyPlace(ctx, n)
	if err != nil {
		return err
	}
	if last := len(n.Args) - 1; last > 0 && strings.EqualFold(n.Args[last], "interpolate") {
		return fmt.Errorf("%s: interpolate is not supported: write what the variables stand for", n.Name)
	}
	v := Reverse{Line: directive.Line(n)}
	if located {
		if err := directive.Args(n, 1, 1, "ProxyPassReverse http://localhost:8000/"); err != nil {
			return err
		}
		v.Location, v.Path, v.URL = location(ctx), ctx.Path, n.Args[0]
	} else {
		if err := directive.Args(n, 2, 2, "ProxyPassReverse /chat/ http://localhost:8000/"); err != nil {
			return err
		}
		v.Path, v.URL = n.Args[0], n.Args[1]
	}
	rs.Reverse = append(rs.Reverse, v)
	return nil
}

func (rs *Rules) proxyPassReverseCookie(ctx *directive.Context, n *syntax.Node) error {
	located, err := proxyPlace(ctx, n)
	if err != nil {
		return err
	}
	if err := directive.Args(n, 2, 2, n.Name+" / /chat/"); err != nil {
		return err
	}
	c := ReverseCookie{Line: directive.Line(n), From: n.Args[0], To: n.Args[1]}
	if located {
		c.Location = location(ctx)
	}
	if strings.EqualFold(n.Name, "ProxyPassReverseCookieDomain") {
		rs.CookieDomain = append(rs.CookieDomain, c)
	} else {
		rs.CookiePath = append(rs.CookiePath, c)
	}
	return nil
}

// reversed are the fields of an answer that ProxyPassReverse is about.
var reversed = []string{"Location", "Content-Location", "Uri", "Destination"}

// Reverse rewrites the fields of an answer that name the server it is from:
// Location, Content-Location, URI, Destination and Set-Cookie. A rule whose
// Location cannot be evaluated does not hold.
func (m *Mapper) Reverse(r *request.Request, t Target, h http.Header) {
	if m == nil {
		return
	}
	if len(m.reverse) > 0 {
		for _, field := range reversed {
			for i, value := range h[field] {
				h[field][i] = m.reverseURL(r, value)
			}
		}
	}
	if len(m.cookieDomain)+len(m.cookiePath) > 0 {
		for i, cookie := range h["Set-Cookie"] {
			h["Set-Cookie"][i] = m.reverseCookie(r, cookie)
		}
	}
}

func (m *Mapper) reverseURL(r *request.Request, url string) string {
	for i := range m.reverse {
		rule := &m.reverse[i]
		if in, err := rule.place.has(r.URI); err != nil || !in {
			continue
		}
		if path, ok := rule.path(url); ok {
			if isURL(path) {
				return path
			}
			return absoluteURL(r, path)
		}
	}
	return url
}

// compiledReverse is a Reverse that is ready to be asked.
type compiledReverse struct {
	Reverse
	place    place
	balancer *Balancer
	// urls are those of the members of the balancer with the path behind its name.
	urls []string
}

func (v *Reverse) compile(balancers []Balancer) (c compiledReverse, err error) {
	c.Reverse = *v
	if c.place, err = compileLocation(v.Location); err != nil {
		return c, err
	}
	name, ok := balancerName(v.URL)
	if !ok {
		return c, nil
	}
	if c.balancer = findBalancer(balancers, name); c.balancer == nil {
		return c, nil
	}
	path := v.URL[len(name):]
	for i := range c.balancer.Members {
		member := &c.balancer.Members[i]
		url := member.at + member.path
		if path != "" && path != "/" {
			url = strings.TrimSuffix(url, "/") + path
		}
		c.urls = append(c.urls, url)
	}
	return c, nil
}

// path is the path for the client of a URL of the server behind.
func (c *compiledReverse) path(url string) (string, bool) {
	for _, from := range c.urls {
		if behind, ok := cutPrefixFold(url, from); ok {
			if c.Path == "/" && strings.HasPrefix(behind, "/") {
				return behind, true
			}
			return c.Path + behind, true
		}
	}
	if c.balancer != nil || c.URL == "" {
		return "", false
	}
	if c.URL[0] == '/' { // a path, of whatever server
		if _, rest, ok := strings.Cut(url, "://"); ok {
			if slash := strings.IndexByte(rest, '/'); slash >= 0 {
				url = rest[slash:]
			}
		}
	}
	behind, ok := cutPrefixFold(url, c.URL)
	return c.Path + behind, ok
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return "", false
	}
	return s[len(prefix):], true
}

// reverseCookie replaces the path and the domain of a cookie, the last ones if it
// has several. What is behind the part that matched is lost, as with httpd.
func (m *Mapper) reverseCookie(r *request.Request, cookie string) string {
	parts := strings.Split(cookie, ";")
	replaceLast(parts, "path=", func(path string) (string, bool) {
		return replacement(m.cookiePath, r, path, strings.HasPrefix)
	})
	replaceLast(parts, "domain=", func(domain string) (string, bool) {
		return replacement(m.cookieDomain, r, domain, hasPrefixFold)
	})
	return strings.Join(parts, ";")
}

// replaceLast replaces the value of the last part with that name.
func replaceLast(parts []string, name string, by func(value string) (string, bool)) {
	for i, part := range slices.Backward(parts) {
		trimmed := strings.TrimLeft(part, " \t")
		value, ok := cutPrefixFold(trimmed, name)
		if !ok {
			continue
		}
		if value, ok = by(value); ok {
			parts[i] = part[:len(part)-len(trimmed)] + trimmed[:len(name)] + value
		}
		return
	}
}

func hasPrefixFold(s, prefix string) bool {
	_, ok := cutPrefixFold(s, prefix)
	return ok
}

// compiledCookie is a ReverseCookie that is ready to be asked.
type compiledCookie struct {
	ReverseCookie
	place place
}

func compileCookies(rules []ReverseCookie) ([]compiledCookie, error) {
	var list []compiledCookie
	for _, rule := range rules {
		place, err := compileLocation(rule.Location)
		if err != nil {
			return nil, err
		}
		list = append(list, compiledCookie{rule, place})
	}
	sortLocated(list, func(c *compiledCookie) string { return c.Location })
	return list, nil
}

func replacement(rules []compiledCookie, r *request.Request, value string, begins func(s, prefix string) bool) (string, bool) {
	for i := range rules {
		if in, err := rules[i].place.has(r.URI); err != nil || !in {
			continue
		}
		if begins(value, rules[i].From) {
			return rules[i].To, true
		}
	}
	return "", false
}

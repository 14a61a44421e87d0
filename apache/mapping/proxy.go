// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
)

// Proxy finds the ProxyPass that takes the request. rawPath is the path as the
// client sent it, for nocanon. Nothing is found if none does, or the one that
// does says "!", or no-proxy is set; excluded tells these from the first (lab
// cases E2, E34). An error is a *StatusError, or means 500.
func (m *Mapper) Proxy(r *request.Request, rawPath string) (t Target, found, excluded bool, err error) {
	if m == nil || len(m.located)+len(m.pass) == 0 || !strings.HasPrefix(r.URI, "/") {
		return t, false, false, nil
	}
	if _, off := r.Env("no-proxy"); off {
		r.Note(request.Note{Directive: "no-proxy", Holds: true, Outcome: "no ProxyPass is looked at"})
		return t, false, true, nil
	}
	for i := range m.located {
		c := &m.located[i]
		if in, err := c.place.has(r.URI); err != nil {
			return t, false, false, err
		} else if !in {
			continue
		}
		if holds, err := c.holds(r); err != nil {
			return t, false, false, err
		} else if !holds {
			c.noteGuard(r)
			continue
		}
		t, found, excluded, err = m.try(c, r, rawPath)
		c.note(r, &t, found, excluded, err)
		if found || excluded || err != nil {
			return t, found, excluded, err
		}
		break // those of other Locations were replaced by this one
	}
	for i := range m.pass {
		c := &m.pass[i]
		if holds, err := c.holds(r); err != nil {
			return t, false, false, err
		} else if !holds {
			c.noteGuard(r)
			continue
		}
		t, found, excluded, err = m.try(c, r, rawPath)
		c.note(r, &t, found, excluded, err)
		if found || excluded || err != nil {
			return t, found, excluded, err
		}
	}
	return t, false, false, nil
}

// ProxyURL makes a target of the URL of a RewriteRule with the flag P: absolute,
// its path not escaped unless noEscape. An error is a *StatusError (lab cases E1,
// E5b, E29, E30).
func (m *Mapper) ProxyURL(url, query string, noEscape bool) (Target, error) {
	if m == nil {
		m = &Mapper{}
	}
	socket, rest, ok := cutSocket(url)
	if !ok {
		return Target{}, &StatusError{http.StatusBadRequest, fmt.Sprintf("%q is not a URL with a socket", url)}
	}
	o, path, bad := parseURL(rest)
	if bad != nil {
		return Target{}, bad
	}
	return m.target(o, socket, path, query, noEscape)
}

// try asks one rule. A rule whose URL is no target for this request is an error,
// not one that does not match.
func (m *Mapper) try(c *compiledPass, r *request.Request, rawPath string) (t Target, found, excluded bool, err error) {
	if m.tunnelsOnly && isWebSocket(c.url) && r.Get("Upgrade") == "" {
		return t, false, false, nil // lab case E8b
	}
	var url string
	var raw bool
	if c.regexp != nil {
		url, raw, err = c.substituted(r, rawPath)
		if url == "" || err != nil {
			return t, false, false, err
		}
	} else {
		n := prefix(r.URI, c.Path)
		if n == 0 {
			return t, false, false, nil
		}
		behind := r.URI[n:]
		if c.raw {
			if sent := unparsed(r, rawPath); prefix(sent, c.Path) == n {
				behind, raw = sent[n:], true
			}
		}
		url = c.url + behind
	}
	if c.URL == "!" {
		return t, false, true, nil
	}
	query := r.Query
	if raw {
		query = "" // it is in the URL
	}
	if c.origin == nil {
		t, err = m.chosen(c, url, query, raw)
	} else {
		t, err = m.fixed(c, url[c.authority:], query, raw)
	}
	t.Line = c.Line
	return t, err == nil, false, err
}

func isWebSocket(url string) bool {
	return hasPrefixFold(url, "ws:") || hasPrefixFold(url, "wss:")
}

// unparsed is the target of the request line.
func unparsed(r *request.Request, rawPath string) string {
	if r.Query == "" {
		return rawPath
	}
	return rawPath + "?" + r.Query
}

// substituted is the URL of a ProxyPassMatch. If the expression takes no part of
// the request, all of the path is put behind it (lab case E3e). With nocanon the
// request is taken as sent, unless it does not match in that form: as soon as
// there is a query, $ does not (lab case E3g).
func (c *compiledPass) substituted(r *request.Request, rawPath string) (url string, raw bool, err error) {
	match, err := c.regexp.Find(r.URI)
	if match == nil || err != nil {
		return "", false, err
	}
	if c.URL == "!" {
		return c.URL, false, nil
	}
	source := r.URI
	if c.raw {
		sent := unparsed(r, rawPath)
		matchSent, err := c.regexp.Find(sent)
		if err != nil {
			return "", false, err
		}
		if matchSent != nil {
			source, match, raw = sent, matchSent, true
		}
	}
	if url = substitute(c.url, source, match); url == c.url {
		url += source
	}
	return url, raw, nil
}

// chosen is the target of a URL whose host is from the request, or is none.
func (m *Mapper) chosen(c *compiledPass, url, query string, raw bool) (Target, error) {
	o, path, bad := parseURL(url)
	if bad != nil {
		return Target{}, bad
	}
	return m.target(o, c.socket, path, query, raw)
}

// fixed is the target of a URL whose authority is known, and what follows it. If
// that is not a path it would be more of the host, /@example.org even another
// one. httpd goes there; as a rule it does not find it, which is a 500.
func (m *Mapper) fixed(c *compiledPass, behind, query string, raw bool) (Target, error) {
	if behind != "" && behind[0] != '/' {
		if _, _, bad := parseURL(c.url[:c.authority] + behind); bad != nil {
			return Target{}, bad
		}
		return Target{}, &StatusError{http.StatusInternalServerError, "the request would choose the host: " + c.url[:c.authority] + behind}
	}
	return m.target(*c.origin, c.socket, strings.TrimPrefix(behind, "/"), query, raw)
}

// target is that of a URL of which the origin is known. The path has no slash in
// front; if it is raw it goes out as it is, with the query it may have in it.
func (m *Mapper) target(o origin, socket, path, query string, raw bool) (Target, error) {
	if raw {
		var inPath string
		if path, inPath, _ = strings.Cut(path, "?"); inPath != "" {
			query = inPath
		}
		if !visible(path) {
			return Target{}, &StatusError{http.StatusForbidden, "the path to be sent has spaces or control characters"}
		}
	} else {
		var ok bool
		if path, ok = canonicalPath(path, strings.EqualFold(m.clean.EncodedSlashes, "NoDecode")); !ok {
			return Target{}, &StatusError{http.StatusBadRequest, "the path has a % without two digits"}
		}
	}
	if !visible(query) {
		return Target{}, &StatusError{http.StatusForbidden, "the query to be sent has spaces or control characters"}
	}
	t := Target{Scheme: o.scheme, Host: o.host, Path: "/" + path, Query: query}
	name := o.name()
	if o.scheme == balancerSchemeName {
		if t.Balancer = findBalancer(m.balancers, name); t.Balancer == nil {
			return t, &StatusError{http.StatusInternalServerError, "there is no " + name}
		}
		return t, nil
	}
	t.Worker = findWorker(m.workers, name, t.Path, anyWorker)
	if t.Worker != nil && t.Worker.socket != "" {
		socket = t.Worker.socket
	}
	t.Address = o.address(socket)
	return t, nil
}

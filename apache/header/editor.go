// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package header

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
)

// Editor is compiled rules. A nil one does nothing.
type Editor struct {
	early   []*compiled // RequestHeader … early
	request []*compiled // RequestHeader
	always  []*compiled // Header always
	success []*compiled // Header
	expires *expiry
}

// Compile prepares the rules. It returns nil if there is nothing to do.
func (rs *Rules) Compile() (*Editor, error) {
	if rs == nil {
		return nil, nil
	}
	e := new(Editor)
	for i := range rs.Request {
		to := &e.request
		if rs.Request[i].Early {
			to = &e.early
		}
		if err := rs.Request[i].addTo(to); err != nil {
			return nil, err
		}
	}
	// Those that are early come before all others. In httpd they do so before the
	// request is mapped, when SetEnvIf has not set anything yet.
	for _, early := range []bool{true, false} {
		for i := range rs.Response {
			rule := &rs.Response[i]
			to := &e.success
			if rule.Always {
				to = &e.always
			}
			if rule.Early != early {
				continue
			}
			if err := rule.addTo(to); err != nil {
				return nil, err
			}
		}
	}
	var err error
	if e.expires, err = rs.Expires.compile(); err != nil {
		return nil, err
	}
	if len(e.early)+len(e.request)+len(e.always)+len(e.success) == 0 && e.expires == nil {
		return nil, nil
	}
	return e, nil
}

func (rule *Rule) addTo(list *[]*compiled) error {
	c, err := rule.compile()
	if err != nil {
		return fmt.Errorf("%s: %w", rule.Line, err)
	}
	*list = append(*list, c)
	return nil
}

// Early changes the request before its path is looked at.
func (e *Editor) Early(r *request.Request) error {
	if e == nil {
		return nil
	}
	return change(r, e.early)
}

// Request changes the request before it is handled.
func (e *Editor) Request(r *request.Request) error {
	if e == nil {
		return nil
	}
	return change(r, e.request)
}

func change(r *request.Request, rules []*compiled) error {
	join(r.Header, rules)
	for _, c := range rules {
		ok, err := c.holds(r)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if c.field != "Host" {
			if r.Header == nil {
				r.Header = make(http.Header)
			}
			if err := c.apply(r, r.Header); err != nil {
				return err
			}
			continue
		}
		host := make(http.Header)
		if r.Host != "" {
			host["Host"] = []string{r.Host}
		}
		if err := c.apply(r, host); err != nil {
			return err
		}
		r.Host = host.Get("Host")
	}
	return nil
}

// join makes one line of several, of the fields that rules edit or append to: httpd
// reads a request so. Lines that the rules add are lines of their own.
func join(h http.Header, rules []*compiled) {
	for _, c := range rules {
		switch c.action {
		case "edit", "edit*", "append", "merge":
			if values := h[c.field]; len(values) > 1 {
				h[c.field] = []string{strings.Join(values, ", ")}
			}
		}
	}
}

// Response changes the fields of an answer, which generated says httpd makes by
// itself: errors and redirects, unless an ErrorDocument is a page. It is not for a
// 101.
//
// httpd has two tables of fields. What handlers and backends set is in headers_out,
// where Header finds it; if httpd has to make an answer by itself that table is
// dropped, and Header not asked. Header always has err_headers_out, which goes out
// with all answers and in which there is nothing at first. So a rule with always
// does not see what the backend has sent, and its field comes beside the backend's.
// Content-Type is in neither table, and there is one of it.
func (e *Editor) Response(r *request.Request, status int, h http.Header, generated bool) error {
	if e == nil {
		return nil
	}
	r.Answer, r.Status = h, status
	if e.expires != nil && status < 400 {
		e.expires.apply(r, h)
	}
	always := make(http.Header, len(e.always))
	for _, c := range e.always {
		table := always
		switch {
		case c.action == "echo":
			table = h
		case c.field == "Content-Type":
			if c.action == "unset" && proxied(r) {
				continue // the backend's is in headers_out, too
			}
			table = h
		}
		if err := c.answer(r, table); err != nil {
			return err
		}
	}
	if !generated {
		for _, c := range e.success {
			if c.early && proxied(r) {
				continue // the backend's fields replace those that there are
			}
			if err := c.answer(r, h); err != nil {
				return err
			}
		}
	}
	for field, values := range always {
		h[field] = append(values, h[field]...)
	}
	return nil
}

// answer does the rule to an answer, if it is for it.
func (c *compiled) answer(r *request.Request, h http.Header) error {
	if c.field == "Content-Type" {
		switch c.action {
		case "add", "append", "merge":
			return nil
		}
	}
	ok, err := c.holds(r)
	if !ok || err != nil {
		return err
	}
	return c.apply(r, h)
}

// proxied says whether the answer is a backend's.
func proxied(r *request.Request) bool { return strings.HasPrefix(r.Filename, "proxy:") }

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/expr"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/regex"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// Redirect is a Redirect, RedirectMatch, RedirectPermanent or RedirectTemp.
type Redirect struct {
	Line     string `json:"line,omitempty"`
	Location string `json:"location,omitempty"` // see location
	Match    bool   `json:"match,omitempty"`    // Path is a regular expression
	Path     string `json:"path,omitempty"`     // empty: all of the Location, and URL is an expression
	Status   int    `json:"status"`
	URL      string `json:"url,omitempty"` // none if the status is not 3xx
}

// Redirection is an answer that sends the client elsewhere, or says that there is
// nothing.
type Redirection struct {
	Status   int
	Location string // empty if the status is not 3xx
	Line     string // of the directive
}

const exampleRedirect = "Redirect permanent /old https://example.com/new"

func (rs *Rules) redirect(ctx *directive.Context, n *syntax.Node) error {
	d := Redirect{Line: directive.Line(n), Status: http.StatusFound}
	switch ctx.Place {
	case directive.Location:
		d.Location = location(ctx)
	case directive.Proxy:
		return fmt.Errorf("%s has no effect in <Proxy>; put it in <Location> or outside of sections", n.Name)
	}
	args, named := n.Args, false
	d.Match = strings.EqualFold(n.Name, "RedirectMatch")
	canBeWhole := strings.EqualFold(n.Name, "Redirect")
	if canBeWhole || d.Match {
		if len(args) > 0 {
			if status, ok := redirectStatus(args[0]); ok {
				d.Status, args, named = status, args[1:], true
			}
		}
		canBeWhole = canBeWhole || named
	} else if strings.EqualFold(n.Name, "RedirectPermanent") {
		d.Status = http.StatusMovedPermanently
	}
	if d.Status < 100 || d.Status > 599 {
		return fmt.Errorf("%s: %d is not a status", n.Name, d.Status)
	}
	moved := d.Status >= 300 && d.Status <= 399
	whole := 0 // arguments if it is all of the Location
	if moved {
		whole = 1
	}
	switch {
	case len(args) == whole && d.Location != "" && canBeWhole:
		d.Match = false
	case len(args) == whole+1 && args[0] != "":
		d.Path, args = args[0], args[1:]
	case !named && len(args) > 2:
		return fmt.Errorf("%s: %q is not a status: permanent, temp, seeother, gone or a number are", n.Name, args[0])
	case !moved:
		return fmt.Errorf("%s with status %d takes a path and no URL, for example: Redirect gone /old", n.Name, d.Status)
	default:
		return fmt.Errorf("%s needs a path and a URL, for example: %s", n.Name, exampleRedirect)
	}
	if moved {
		d.URL = args[0]
		if d.Path != "" && !d.Match && !isURL(d.URL) && !strings.HasPrefix(d.URL, "/") {
			return fmt.Errorf("%s to %q: it has to be a URL, or a path that begins with /", n.Name, d.URL)
		}
	}
	if _, err := d.compile(); err != nil {
		return err
	}
	if d.Path != "" && !d.Match && moved && strings.HasSuffix(d.Path, "/") != strings.HasSuffix(d.URL, "/") && strings.HasPrefix(d.Path, "/") {
		d.warnJoint(ctx, n)
	}
	rs.Redirect = append(rs.Redirect, d)
	return nil
}

// warnJoint tells what becomes of a longer path (lab cases E22, E22b).
func (d *Redirect) warnJoint(ctx *directive.Context, n *syntax.Node) {
	if strings.Contains(d.URL, "?") || strings.Contains(d.URL, "#") {
		return
	}
	request := strings.TrimSuffix(d.Path, "/") + "/x"
	ctx.Warnf(n, "%s is redirected to %s: end the path and the URL both with / or neither", request, d.URL+request[prefix(request, d.Path):])
}

func redirectStatus(word string) (int, bool) {
	switch strings.ToLower(word) {
	case "permanent":
		return http.StatusMovedPermanently, true
	case "temp":
		return http.StatusFound, true
	case "seeother":
		return http.StatusSeeOther, true
	case "gone":
		return http.StatusGone, true
	}
	if word == "" || word[0] < '0' || word[0] > '9' {
		return 0, false
	}
	n, err := strconv.Atoi(word)
	return n, err == nil
}

// compiledRedirect is a Redirect that is ready to be asked.
type compiledRedirect struct {
	Redirect
	place  place
	regexp *regex.Regexp
	text   *expr.Text
}

func (d *Redirect) compile() (c compiledRedirect, err error) {
	c.Redirect = *d
	if c.place, err = compileLocation(d.Location); err != nil {
		return c, err
	}
	switch {
	case d.Match:
		c.regexp, err = regex.Compile(d.Path, false)
	case d.Path == "":
		if c.text, err = expr.ParseText(d.URL); err != nil {
			err = fmt.Errorf("Redirect %s: %w", d.URL, err)
		}
	}
	return c, err
}

// redirection is the answer to a request, nil if the redirect does not hold. The
// query is passed on unless the target has its own.
func (c *compiledRedirect) redirection(r *request.Request, query string, relative bool) (*Redirection, error) {
	in, err := c.place.has(r.URI)
	if err != nil || !in {
		return nil, err
	}
	var target string
	switch {
	case c.text != nil:
		if target, err = c.text.Expand(r); err != nil {
			return nil, err
		}
		target = escapeURL(target)
	case c.regexp != nil:
		match, err := c.regexp.Find(r.URI)
		if err != nil || match == nil {
			return nil, err
		}
		target = escapeURL(substitute(c.URL, r.URI, match))
	default:
		n := prefix(r.URI, c.Path)
		if n == 0 {
			return nil, nil
		}
		target = c.URL + escape(r.URI[n:], redirectSafe)
	}
	if c.Status < 300 || c.Status > 399 {
		return &Redirection{Status: c.Status, Line: c.Line}, nil
	}
	if strings.HasPrefix(target, "/") && !relative {
		target = absoluteURL(r, target)
	}
	if !isURL(target) && !strings.HasPrefix(target, "/") {
		return nil, fmt.Errorf("redirect of line %s leads to %q, which is not a URL", c.Line, target)
	}
	if query != "" && !strings.Contains(target, "?") {
		target += "?" + query
	}
	if strings.ContainsAny(target, "\r\n\x00") {
		return nil, errors.New("redirect with a line break in it")
	}
	return &Redirection{Status: c.Status, Location: target, Line: c.Line}, nil
}

// escapeURL escapes a URL up to its query or fragment.
func escapeURL(url string) string {
	end := strings.IndexAny(url, "?#")
	if end < 0 {
		end = len(url)
	}
	return escape(url[:end], redirectSafe) + url[end:]
}

// absoluteURL is the URL of a path on this server.
func absoluteURL(r *request.Request, path string) string {
	host := r.ServerName()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port := r.ServerPort(); port != r.DefaultPort() {
		host += ":" + strconv.Itoa(port)
	}
	return r.Scheme() + "://" + host + path
}

// isURL says whether a text begins with a scheme.
func isURL(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c == ':':
			return i > 0
		case !alphanumeric(c) && c != '+' && c != '-' && c != '.':
			return false
		}
	}
	return false
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import "github.com/caddy-wstunnel/caddy-wstunnel/apache/request"

// note says what a ProxyPass has made of a request.
func (c *compiledPass) note(r *request.Request, t *Target, found, excluded bool, err error) {
	if !r.Noting() {
		return
	}
	n := request.Note{Line: c.Line, Directive: c.String(), Holds: found || excluded}
	switch {
	case err != nil:
		n.Holds, n.Outcome = true, err.Error()
	case found:
		n.Outcome = t.URL()
	case excluded:
		n.Outcome = "not proxied"
	default:
		n.Outcome = "not for " + r.URI
	}
	r.Note(n)
}

// noteGuard says that the condition around a ProxyPass is false.
func (c *compiledPass) noteGuard(r *request.Request) {
	if r.Noting() {
		r.Note(request.Note{Line: c.Line, Directive: c.String(), Outcome: c.Guard + " is false"})
	}
}

// String is the rule as it is written outside of sections, but for quotation
// marks, with the parameters that are its own.
func (p *Pass) String() string {
	name := "ProxyPass "
	if p.Match {
		name = "ProxyPassMatch "
	}
	text := name + p.Path + " " + p.URL
	if p.Params != "" {
		text += " " + p.Params
	}
	return text
}

// note says which file an Alias leads to.
func (c *compiledAlias) note(r *request.Request, file string) {
	if !r.Noting() {
		return
	}
	name := "Alias "
	if c.Match {
		name = "AliasMatch "
	}
	if c.Path != "" {
		name += c.Path + " "
	}
	r.Note(request.Note{Line: c.Line, Directive: name + c.File, Holds: true, Outcome: file})
}

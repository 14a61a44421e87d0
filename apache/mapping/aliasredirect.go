// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
)

// AliasOrRedirect is mod_alias: a file, or a redirect, or neither. Redirects come
// first (lab case E22). An error is a *StatusError, or means 500.
func (m *Mapper) AliasOrRedirect(r *request.Request, rawQuery string) (filename string, redirect *Redirection, err error) {
	if m == nil {
		return "", nil, nil
	}
	for _, rules := range [][]compiledRedirect{m.whole, m.redirect} {
		if redirect, err = m.redirected(rules, r, rawQuery); redirect != nil || err != nil {
			return "", redirect, err
		}
	}
	for _, rules := range [][]compiledAlias{m.aliasFile, m.alias} {
		for i := range rules {
			if filename, err = rules[i].file(r); filename != "" || err != nil {
				if err == nil {
					rules[i].note(r, filename)
				}
				return filename, nil, err
			}
		}
	}
	return "", nil, nil
}

// Fixup is what mod_alias does after access control, for proxied requests, too:
// the redirects of Locations. An error means 500.
func (m *Mapper) Fixup(r *request.Request, rawQuery string) (*Redirection, error) {
	if m == nil {
		return nil, nil
	}
	if redirect, err := m.redirected(m.whole, r, rawQuery); redirect != nil || err != nil {
		return redirect, err
	}
	return m.redirected(m.fixup, r, rawQuery)
}

// redirected is the answer of the first rule that has one.
func (m *Mapper) redirected(rules []compiledRedirect, r *request.Request, query string) (*Redirection, error) {
	for i := range rules {
		if redirect, err := rules[i].redirection(r, query, m.relative); redirect != nil || err != nil {
			return redirect, err
		}
	}
	return nil, nil
}

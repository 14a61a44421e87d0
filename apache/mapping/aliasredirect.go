// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"slices"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
)

// AliasOrRedirect is mod_alias: a file, or a redirect, or neither. Redirects come
// first (lab case E22). An error is a *StatusError, or means 500.
func (m *Mapper) AliasOrRedirect(r *request.Request, rawQuery string) (filename string, redirect *Redirection, err error) {
	if m == nil {
		return "", nil, nil
	}
	if redirect, err = m.wholeLocation(r, rawQuery); redirect != nil || err != nil {
		return "", redirect, err
	}
	for i := range m.redirect {
		if c := &m.redirect[i]; c.Location == "" {
			if redirect, err = c.redirection(r, rawQuery, m.relative); redirect != nil || err != nil {
				return "", redirect, err
			}
		}
	}
	for i := range slices.Backward(m.alias) {
		if c := &m.alias[i]; c.Location != "" {
			if filename, err = c.file(r); filename != "" || err != nil {
				return filename, nil, err
			}
		}
	}
	for i := range m.alias {
		if c := &m.alias[i]; c.Location == "" {
			if filename, err = c.file(r); filename != "" || err != nil {
				return filename, nil, err
			}
		}
	}
	return "", nil, nil
}

// Fixup is what mod_alias does after access control, for proxied requests, too:
// the redirects of Locations.
func (m *Mapper) Fixup(r *request.Request, rawQuery string) (*Redirection, error) {
	if m == nil {
		return nil, nil
	}
	if redirect, err := m.wholeLocation(r, rawQuery); redirect != nil || err != nil {
		return redirect, err
	}
	for i := range slices.Backward(m.redirect) {
		if c := &m.redirect[i]; c.Location != "" && c.text == nil {
			if redirect, err := c.redirection(r, rawQuery, m.relative); redirect != nil || err != nil {
				return redirect, err
			}
		}
	}
	return nil, nil
}

// wholeLocation finds the redirect that is for all of a Location, of several the
// last.
func (m *Mapper) wholeLocation(r *request.Request, rawQuery string) (*Redirection, error) {
	for i := range slices.Backward(m.redirect) {
		if c := &m.redirect[i]; c.text != nil {
			if redirect, err := c.redirection(r, rawQuery, m.relative); redirect != nil || err != nil {
				return redirect, err
			}
		}
	}
	return nil, nil
}

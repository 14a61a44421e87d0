// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"cmp"
	"strings"
)

// Merge is what holds where both sections hold, the inner one later. Neither is
// changed; nil is a section that says nothing.
func Merge(outer, inner *Rules) *Rules {
	if outer == nil {
		return inner
	}
	if inner == nil {
		return outer
	}
	rs := *outer
	rs.mergeRequire(inner)
	// mod_access_compat has no way to merge: one of its directives replaces all that
	// the outer section has of them.
	if len(inner.Order)+len(inner.Allow)+len(inner.Deny)+len(inner.Satisfy) > 0 {
		rs.Order, rs.Allow, rs.Deny, rs.Satisfy = inner.Order, inner.Allow, inner.Deny, inner.Satisfy
	}
	rs.AuthType = cmp.Or(inner.AuthType, outer.AuthType)
	rs.AuthName = cmp.Or(inner.AuthName, outer.AuthName)
	rs.UserFile = cmp.Or(inner.UserFile, outer.UserFile)
	rs.GroupFile = cmp.Or(inner.GroupFile, outer.GroupFile)
	rs.Authoritative = cmp.Or(inner.Authoritative, outer.Authoritative)
	if len(inner.Providers) > 0 {
		rs.Providers = inner.Providers
	}
	rs.RequireSSL = outer.RequireSSL || inner.RequireSSL
	return &rs
}

// mergeRequire puts the inner section's tree in the place of the outer's, or
// beside it.
func (rs *Rules) mergeRequire(inner *Rules) {
	outer := rs.Require
	rs.Forbidden = cmp.Or(inner.Forbidden, rs.Forbidden)
	if inner.Merging == "" && inner.Require == nil {
		if inner.Forbidden != "" && outer == nil {
			rs.Merging = "" // an AuthMerging Off before it is forgotten
		}
		return
	}
	rs.Merging, rs.Require = inner.Merging, inner.Require
	if inner.Merging == "" || strings.EqualFold(inner.Merging, "off") || outer == nil {
		return // so AuthMerging Off alone leaves no Require at all
	}
	switch {
	case inner.Require == nil:
		rs.Require = outer
	case strings.EqualFold(inner.Merging, "and"):
		rs.Require = &Require{All: []*Require{outer, inner.Require}}
	default:
		rs.Require = &Require{Any: []*Require{outer, inner.Require}}
	}
}

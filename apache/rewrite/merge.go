// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"slices"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
)

// Merge is what holds in a place inside another: in a virtual host inside the
// main server, or in a folder inside another (see Folder for the outermost).
// Whether the engine is on goes inwards, rules do not, unless RewriteOptions say
// so: lab cases E39b, E39c.
//
// A folder that says nothing of rewriting is left to the outer one's rules, which
// then still run as those of the outer folder. A virtual host that says nothing
// has no rules, whatever the options.
func Merge(outer, inner *Rules, place directive.Place) *Rules {
	switch {
	case !outer.says():
		return inner
	case inner.says():
	case place == directive.Server:
		return outer.Folder()
	default:
		return outer
	}
	merged := &Rules{
		Engine:  inner.Engine,
		Base:    inner.Base,
		Options: inner.Options,
		Maps:    inner.Maps,
		Rules:   inner.Rules,
		pending: inner.pending,
	}
	if merged.Engine == nil {
		merged.Engine = outer.Engine
	}
	if len(merged.Options) == 0 { // they are taken all together, or not at all
		merged.Options = outer.Options
	}
	if merged.Base == "" && merged.option("MergeBase") {
		merged.Base = outer.Base
	}
	down := !merged.option("IgnoreInherit")
	switch {
	case merged.option("Inherit") || down && outer.option("InheritDown"):
		merged.Rules = slices.Concat(inner.Rules, outer.Rules)
		merged.Maps = slices.Concat(outer.Maps, inner.Maps) // the last of a name counts
	case merged.option("InheritBefore") || down && outer.option("InheritDownBefore"):
		merged.Rules = slices.Concat(outer.Rules, inner.Rules)
		merged.Maps = slices.Concat(inner.Maps, outer.Maps)
	}
	return merged
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package rewrite

// On says whether RewriteEngine on stands in the place itself.
func (rs *Rules) On() bool { return rs != nil && rs.Engine != nil && *rs.Engine }

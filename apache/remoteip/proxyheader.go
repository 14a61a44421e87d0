// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package remoteip

import "slices"

// ProxyRule is a rule of the listener wrapper proxy_header.
type ProxyRule struct {
	Policy string   `json:"policy"` // require or skip
	Ranges []string `json:"ranges"`
}

// ProxyHeader returns the rules for the listener of one address: nil if its
// connections have no PROXY header.
//
// The directives count for the address and not for the virtual host they stand
// in (lab case E14c), so it takes them unmerged: those of the main server, those
// of the virtual hosts here in the order of the file, and those of all others,
// whose exceptions count here too. Any may be nil.
func ProxyHeader(main *Rules, here, others []*Rules) []ProxyRule {
	on := false
	var exceptions []string
	for _, rs := range append([]*Rules{main}, here...) {
		if rs == nil {
			continue
		}
		if rs.ProxyProtocol != nil {
			on = *rs.ProxyProtocol
		}
		exceptions = union(exceptions, rs.Exceptions)
	}
	if !on {
		return nil
	}
	for _, rs := range others {
		if rs != nil {
			exceptions = union(exceptions, rs.Exceptions)
		}
	}
	require := ProxyRule{Policy: "require", Ranges: []string{"0.0.0.0/0", "::/0"}}
	if len(exceptions) == 0 {
		return []ProxyRule{require}
	}
	return []ProxyRule{{Policy: "skip", Ranges: exceptions}, require}
}

// union is a and what of b is not in it.
func union(a, b []string) []string {
	all := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

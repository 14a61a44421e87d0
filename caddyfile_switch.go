// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import "github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

// UnmarshalCaddyfile sets up the matcher from Caddyfile tokens. Syntax:
//
//	ws_switch <name>
func (m *MatchSwitch) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	for d.Next() { // segments of one named matcher are concatenated
		if d.CountRemainingArgs() != 1 {
			return d.Err("ws_switch takes the name of one switch, as in ws_switch chat")
		}
		d.NextArg()
		if m.Name != "" {
			return d.Errf("ws_switch is repeated; to ask for two write expression ws_switch('%s') && ws_switch('%s')", m.Name, d.Val())
		}
		m.Name = d.Val()
		if err := checkSwitchName(m.Name); err != nil {
			return d.WrapErr(err)
		}
		if d.NextBlock(0) {
			return d.Err("ws_switch takes no block; write ws_switch and a name")
		}
	}
	return nil
}

// Interface guards
var _ caddyfile.Unmarshaler = (*MatchSwitch)(nil)

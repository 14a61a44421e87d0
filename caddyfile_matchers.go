// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import "github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

// UnmarshalCaddyfile sets up the matcher from Caddyfile tokens. Syntax:
//
//	websocket {
//		origin      <origins...>
//		subprotocol <names...>
//	}
//
// Both may be repeated, which adds to their lists, and without either the block
// may be left out. See [MatchWebSocket] for the values.
func (m *MatchWebSocket) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	for d.Next() { // segments of one named matcher are concatenated
		if d.NextArg() {
			return d.Errf("websocket takes no argument such as %q; write a block with origin or subprotocol in it", d.Val())
		}
		for d.NextBlock(0) {
			option := d.Val()
			if option != "origin" && option != "subprotocol" {
				return d.Errf("websocket knows no %q; write origin or subprotocol", option)
			}
			if d.CountRemainingArgs() == 0 {
				return d.Errf("%s has no values; write at least one", option)
			}
			for d.NextArg() {
				var err error
				switch option {
				case "origin":
					m.Origin = append(m.Origin, d.Val())
					_, err = newWebOriginPattern(d.Val())
				case "subprotocol":
					m.Subprotocol = append(m.Subprotocol, d.Val())
					err = checkSubprotocol(d.Val())
				}
				if err != nil {
					return d.WrapErr(err)
				}
			}
			if d.NextBlock(1) {
				return d.Errf("%s takes no block; write its values on one line", option)
			}
		}
	}
	return nil
}

// UnmarshalCaddyfile sets up the matcher from Caddyfile tokens. Syntax:
//
//	time_window <from>-<to> [<days...>] [<zone>]
//
// Times are hh:mm or hh:mm:ss. Days are separated by commas or spaces and may be
// ranges, as in "mon-fri,sun" or "mon wed fri"; the default is every day. The zone
// comes last, as an IANA name, and defaults to the server's own. Repeated in a named
// matcher, it is true in any of the windows.
func (m *MatchTimeWindow) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	for d.Next() { // segments of one named matcher are concatenated
		args := d.RemainingArgs()
		if len(args) == 0 {
			return d.Err("time_window has no span of time; write one such as 09:00-18:00 mon-fri Europe/Berlin")
		}
		w, err := parseTimeWindow(args)
		if err != nil {
			return d.WrapErr(err)
		}
		m.Windows = append(m.Windows, w)
		if d.NextBlock(0) {
			return d.Err("time_window takes no block; repeat time_window for a further window")
		}
	}
	return nil
}

// Interface guards
var (
	_ caddyfile.Unmarshaler = (*MatchWebSocket)(nil)
	_ caddyfile.Unmarshaler = (*MatchTimeWindow)(nil)
)

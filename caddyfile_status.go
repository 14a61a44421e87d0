// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() {
	httpcaddyfile.RegisterHandlerDirective("ws_status", parseStatus)
	httpcaddyfile.RegisterDirectiveOrder("ws_status", httpcaddyfile.Before, "reverse_proxy")
}

func parseStatus(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	s := new(Status)
	return s, s.UnmarshalCaddyfile(h.Dispenser)
}

// UnmarshalCaddyfile sets up the handler from Caddyfile tokens. Syntax:
//
//	ws_status [<matcher>] {
//		allow_remote
//	}
func (s *Status) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive
	if d.NextArg() {
		return d.Errf("ws_status takes a matcher and nothing else, as in ws_status /ws-status, and here is %q", d.Val())
	}
	for d.NextBlock(0) {
		option := d.Val()
		switch {
		case option != "allow_remote":
			return d.Errf("unknown ws_status option %q: use allow_remote", option)
		case s.AllowRemote:
			return d.Err("allow_remote is given twice")
		case d.NextArg():
			return d.Errf("allow_remote takes no value, and here is %q", d.Val())
		}
		s.AllowRemote = true
	}
	return nil
}

// Interface guards
var _ caddyfile.Unmarshaler = (*Status)(nil)

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() {
	httpcaddyfile.RegisterHandlerDirective("ws_tunnel", parseTunnel)
	httpcaddyfile.RegisterHandlerDirective("ws_echo", parseEcho)
	httpcaddyfile.RegisterDirectiveOrder("ws_tunnel", httpcaddyfile.Before, "reverse_proxy")
	httpcaddyfile.RegisterDirectiveOrder("ws_echo", httpcaddyfile.Before, "reverse_proxy")
}

func parseTunnel(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	t := new(Handler)
	return t, t.unmarshalCaddyfile(h)
}

// UnmarshalCaddyfile sets up the handler from Caddyfile tokens. Syntax:
//
//	ws_tunnel [<matcher>] [<origin...>] {
//		to             <origin...>
//		dynamic        <source> [<its options>]
//		host           <host>
//		sni            <server name>
//		port           <port>
//		origin_header  keep|rewrite|<value>
//		header_up      [+|-]<field> [<value|regexp> [<replacement>]]
//		header_down    [+|-]<field> [<value|regexp> [<replacement>]]
//		tls            [{ <the tls_ options of reverse_proxy's transport> }]
//		proxy_protocol v1|v2 {
//			tlv  <type> [<value>]
//			pass all|<type...>
//		}
//		versions      1.1|h2|h2c
//		local_address <ip...>
//
//		lb_policy              <policy> [<its options>]
//		lb_retries             <count>
//		lb_try_duration        <duration>
//		lb_try_interval        <duration>
//		lb_retry_status        <status...>
//		lb_slow_start          <duration>
//		max_tunnels_per_origin <count>
//		health                 [tcp|http <path>|websocket <path>] {
//			status        <status...>
//			host          <host>
//			port          <port>
//			interval      <duration>
//			timeout       <duration>
//			healthy       <count>
//			unhealthy     <count>
//			fail_duration <duration>
//			max_fails     <count>
//		}
//		on_origin_down keep|close
//
//		dial_timeout      <duration>
//		handshake_timeout <duration>
//		idle_timeout      <duration>
//		max_lifetime      <duration|time> [<jitter>]
//		heartbeat         <interval> [<timeout>]
//		max_message       <size>
//		message_rate      to_origin|to_client <count> <window>
//		byte_rate         to_origin|to_client <size> <window>
//		linger            <duration>
//		on_reload         keep|drain|close
//		drain             <duration>
//		recheck           <interval> <@matcher>
//		max_tunnels       <count>
//		limit             <key> <count> {
//			ipv6_prefix <bits>
//		}
//		handshake_rate    <key> <count> <window> {
//			ipv6_prefix <bits>
//		}
//		record_every      <duration>
//		name              <name>
//	}
//
// An origin is ws://, wss://, http:// or https:// with host and optional port,
// host:port, or unix//path. Named matchers are only known where the directive is
// one of a site.
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return h.unmarshalCaddyfile(httpcaddyfile.Helper{Dispenser: d})
}

func (h *Handler) unmarshalCaddyfile(helper httpcaddyfile.Helper) error {
	d := helper.Dispenser
	d.Next() // the directive
	if err := h.addOrigins(d, d.RemainingArgs()); err != nil {
		return err
	}
	f := newFaults(h.checks())
	f.look(*d)
	if err := f.readBlock(d, 0, "ws_tunnel", h.options(helper, f),
		"header_up", "header_down", "limit", "handshake_rate", "message_rate", "byte_rate"); err != nil {
		return err
	}
	return f.left()
}

// options has for each option what reads its line, and its block.
func (h *Handler) options(helper httpcaddyfile.Helper, f *faults) map[string]func() error {
	d := helper.Dispenser
	text := func(to *string) func() error {
		return func() error { return oneArg(d, to) }
	}
	duration := durationReader(d)
	options := map[string]func() error{
		"to":             func() error { return h.to(d) },
		"host":           text(&h.Host),
		"sni":            text(&h.SNI),
		"port":           text(&h.Port),
		"origin_header":  text(&h.OriginHeader),
		"tls":            func() error { return h.tlsOptions(d.NewFromNextSegment()) },
		"proxy_protocol": func() error { return h.proxyProtocolOptions(d, f) },
		"versions":       text(&h.Versions),
		"local_address":  func() error { return h.localAddresses(d) },
		"health":         func() error { return h.healthOption(d, f) },
		"on_origin_down": text(&h.OnOriginDown),

		"dial_timeout":      duration(&h.DialTimeout),
		"handshake_timeout": duration(&h.HandshakeTimeout),
		"idle_timeout":      duration(&h.IdleTimeout),
		"linger":            duration(&h.Linger),
		"on_reload":         text(&h.OnReload),
		"drain":             duration(&h.Drain),
		"record_every":      duration(&h.RecordEvery),
		"recheck":           func() error { return h.recheckOption(helper) },
		"name":              text(&h.Name),
	}
	for _, family := range []struct {
		read  func(d *caddyfile.Dispenser, option string) error
		names []string
	}{
		{h.headerRule, []string{"header_up", "header_down"}},
		{h.rateOption, []string{"message_rate", "byte_rate"}},
		{h.lifetimeOption, []string{"heartbeat", "max_lifetime", "max_message"}},
		{h.limitOption, []string{"max_tunnels", "limit", "handshake_rate"}},
		{h.balancingOption, []string{
			"dynamic", "lb_policy", "lb_retries", "lb_try_duration", "lb_try_interval", "lb_retry_status", "lb_slow_start", "max_tunnels_per_origin",
		}},
	} {
		for _, name := range family.names {
			options[name] = func() error { return family.read(d, name) }
		}
	}
	return options
}

func parseEcho(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	e := new(Echo)
	return e, e.UnmarshalCaddyfile(h.Dispenser)
}

// UnmarshalCaddyfile sets up the handler from Caddyfile tokens. Syntax:
//
//	ws_echo [<matcher>]
func (e *Echo) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive
	if d.NextArg() {
		return d.ArgErr()
	}
	for d.NextBlock(0) {
		return d.Errf("ws_echo has no options, and here is %q", d.Val())
	}
	return nil
}

func oneArg(d *caddyfile.Dispenser, to *string) error {
	if !d.NextArg() {
		return d.ArgErr()
	}
	*to = d.Val()
	if d.NextArg() {
		return d.ArgErr()
	}
	return nil
}

// durationReader makes readers of options that are durations.
func durationReader(d *caddyfile.Dispenser) func(to *caddy.Duration) func() error {
	return func(to *caddy.Duration) func() error {
		return func() error { return durationArg(d, to) }
	}
}

func durationArg(d *caddyfile.Dispenser, to *caddy.Duration) error {
	var text string
	if err := oneArg(d, &text); err != nil {
		return err
	}
	return parseDuration(d, text, to)
}

func parseDuration(d *caddyfile.Dispenser, text string, to *caddy.Duration) error {
	duration, err := caddy.ParseDuration(text)
	if err != nil {
		return d.Errf("%q is not a duration, as 30s or 1h30m", text)
	}
	*to = caddy.Duration(duration)
	return nil
}

// Interface guards
var (
	_ caddyfile.Unmarshaler = (*Handler)(nil)
	_ caddyfile.Unmarshaler = (*Echo)(nil)
)

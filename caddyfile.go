// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"reflect"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/headers"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
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
	texts := map[string]*string{
		"host": &h.Host, "sni": &h.SNI, "port": &h.Port,
		"origin_header": &h.OriginHeader, "on_reload": &h.OnReload, "on_origin_down": &h.OnOriginDown, "versions": &h.Versions, "name": &h.Name,
	}
	durations := map[string]*caddy.Duration{
		"dial_timeout": &h.DialTimeout, "handshake_timeout": &h.HandshakeTimeout,
		"idle_timeout": &h.IdleTimeout, "linger": &h.Linger, "drain": &h.Drain, "record_every": &h.RecordEvery,
	}
	repeatable := map[string]bool{"header_up": true, "header_down": true, "limit": true, "handshake_rate": true, "message_rate": true, "byte_rate": true}
	seen := make(map[string]bool)
	for d.NextBlock(0) {
		option := d.Val()
		if seen[option] && !repeatable[option] {
			return d.Errf("%s is given twice", option)
		}
		seen[option] = true
		var err error
		switch text, duration := texts[option], durations[option]; {
		case text != nil:
			err = oneArg(d, text)
		case duration != nil:
			err = durationArg(d, duration)
		case option == "to":
			if args := d.RemainingArgs(); len(args) > 0 {
				err = h.addOrigins(d, args)
			} else {
				err = d.ArgErr()
			}
		case strings.HasPrefix(option, "lb_"), option == "max_tunnels_per_origin", option == "dynamic":
			err = h.balancingOption(d, option)
		case option == "health":
			err = h.healthOption(d)
		case option == "local_address":
			if h.LocalAddresses = d.RemainingArgs(); len(h.LocalAddresses) == 0 {
				err = d.ArgErr()
			} else {
				err = wrap(d, h.validateSources())
			}
		case option == "header_up", option == "header_down":
			err = h.headerRule(d, option)
		case option == "tls":
			err = h.tlsOptions(d.NewFromNextSegment())
		case option == "proxy_protocol":
			err = h.proxyProtocolOptions(d)
		case option == "message_rate", option == "byte_rate":
			err = h.rateOption(d, option)
		case option == "heartbeat", option == "max_lifetime", option == "max_message":
			err = h.lifetimeOption(d, option)
		case option == "recheck":
			err = h.recheckOption(helper)
		case option == "max_tunnels", option == "limit", option == "handshake_rate":
			err = h.limitOption(d, option)
		default:
			err = d.Errf("unknown ws_tunnel option %q", option)
		}
		if err != nil {
			return err
		}
	}
	if err := h.Validate(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

// addOrigins takes origins, each checked where it stands.
func (h *Handler) addOrigins(d *caddyfile.Dispenser, args []string) error {
	for _, arg := range args {
		if !hasPlaceholder(arg) {
			if _, err := parseOrigin(arg, false); err != nil {
				return d.Errf("origin %q: %v", arg, err)
			}
		}
		h.Origins = append(h.Origins, arg)
	}
	return nil
}

func (h *Handler) headerRule(d *caddyfile.Dispenser, option string) error {
	if h.Headers == nil {
		h.Headers = new(headers.Handler)
	}
	var ops *headers.HeaderOps
	if option == "header_up" {
		if h.Headers.Request == nil {
			h.Headers.Request = new(headers.HeaderOps)
		}
		ops = h.Headers.Request
	} else {
		if h.Headers.Response == nil {
			h.Headers.Response = &headers.RespHeaderOps{HeaderOps: new(headers.HeaderOps)}
		}
		ops = h.Headers.Response.HeaderOps
	}
	args := d.RemainingArgs()
	var replacement *string
	switch len(args) {
	case 1:
		args = append(args, "")
	case 2:
	case 3:
		replacement = &args[2]
	default:
		return d.ArgErr()
	}
	if err := headers.CaddyfileHeaderOp(ops, args[0], args[1], replacement); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

// tlsOptions lets reverse_proxy's transport read the block, since it is that
// transport's TLS, and refuses what else the transport has.
func (h *Handler) tlsOptions(d *caddyfile.Dispenser) error {
	var transport reverseproxy.HTTPTransport
	if err := transport.UnmarshalCaddyfile(d); err != nil {
		return err
	}
	h.TLS = transport.TLS
	if h.TLS == nil {
		h.TLS = new(reverseproxy.TLSConfig)
	}
	transport.TLS = nil
	if !reflect.DeepEqual(transport, reverseproxy.HTTPTransport{}) {
		return d.Err("in ws_tunnel's tls, only the options of the transport that begin with tls_ are allowed")
	}
	return nil
}

func (h *Handler) proxyProtocolOptions(d *caddyfile.Dispenser) error {
	h.ProxyProtocol = new(ProxyProtocol)
	if err := oneArg(d, &h.ProxyProtocol.Version); err != nil {
		return err
	}
	for d.NextBlock(1) {
		option, args := d.Val(), d.RemainingArgs()
		switch {
		case option == "tlv" && (len(args) == 1 || len(args) == 2):
			tlv := ProxyTLV{Type: args[0]}
			if len(args) == 2 {
				tlv.Value = args[1]
			}
			h.ProxyProtocol.TLVs = append(h.ProxyProtocol.TLVs, tlv)
		case option == "pass" && len(args) > 0:
			h.ProxyProtocol.Pass = append(h.ProxyProtocol.Pass, args...)
		case option == "tlv", option == "pass":
			return d.ArgErr()
		default:
			return d.Errf("unknown proxy_protocol option %q: use tlv or pass", option)
		}
	}
	if err := h.ProxyProtocol.validate(); err != nil {
		return d.WrapErr(err)
	}
	return nil
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

// wrap gives an error the place where it was found.
func wrap(d *caddyfile.Dispenser, err error) error {
	if err != nil {
		return d.WrapErr(err)
	}
	return nil
}

// Interface guards
var (
	_ caddyfile.Unmarshaler = (*Handler)(nil)
	_ caddyfile.Unmarshaler = (*Echo)(nil)
)

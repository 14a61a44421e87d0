// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"reflect"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/headers"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

func (h *Handler) to(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if len(args) == 0 {
		return d.ArgErr()
	}
	return h.addOrigins(d, args)
}

func (h *Handler) localAddresses(d *caddyfile.Dispenser) error {
	if h.LocalAddresses = d.RemainingArgs(); len(h.LocalAddresses) == 0 {
		return d.ArgErr()
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

func (h *Handler) proxyProtocolOptions(d *caddyfile.Dispenser, f *faults) error {
	h.ProxyProtocol = new(ProxyProtocol)
	if err := oneArg(d, &h.ProxyProtocol.Version); err != nil {
		return err
	}
	f.look(*d)
	for d.NextBlock(1) {
		line, option, args := *d, d.Val(), d.RemainingArgs()
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
		f.look(line)
	}
	return nil
}

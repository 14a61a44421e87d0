// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	"go.uber.org/zap"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/pool"
)

// candidate is an origin that a tunnel may go to, and what is known of it.
type candidate struct {
	origin
	state *pool.Origin
}

// origins is every origin of the process.
var origins = &pool.Process

// provisionOrigins finds out what can be known of the origins before a request.
func (h *Handler) provisionOrigins() error {
	if err := h.provisionDynamic(); err != nil {
		return err
	}
	switch source, ok := h.dynamic.(fmt.Stringer); {
	case h.Name != "":
	case len(h.Origins) > 0:
		h.Name = h.Origins[0]
	case ok:
		h.Name = source.String()
	default:
		h.Name = "dynamic"
	}
	if err := h.provisionBalancing(); err != nil {
		return err
	}
	h.provisionHealth()
	h.provisionSources()
	h.provisionVersions()
	h.fixed = make([]*candidate, len(h.Origins))
	for i, text := range h.Origins {
		if hasPlaceholder(text) || hasPlaceholder(h.Port) {
			continue
		}
		o, err := h.resolve(text, caddy.NewReplacer())
		if err != nil {
			return err
		}
		h.fixed[i] = &candidate{o, origins.Use(h.keyOf(o), o.String())}
	}
	return nil
}

func (h *Handler) provisionDynamic() error {
	if h.DynamicRaw == nil {
		return nil
	}
	if strings.Contains(string(h.DynamicRaw), "{http.") { // a placeholder of the request
		h.dynamicBy = byRequest
	}
	module, err := h.ctx.LoadModule(h, "DynamicRaw")
	if err != nil {
		return fmt.Errorf("loading the source of dynamic origins: %w", err)
	}
	source, ok := module.(reverseproxy.UpstreamSource)
	if !ok {
		return fmt.Errorf("%T is no source of dynamic origins", module)
	}
	h.dynamic = source
	return nil
}

// disuseOrigins leaves h.fixed as it is: handshakes may be under way.
func (h *Handler) disuseOrigins() {
	for _, c := range h.fixed {
		if c != nil {
			c.state.Unwatch(h)
			c.state.Disuse()
		}
	}
}

func (h *Handler) keyOf(o origin) pool.Key { return pool.Key{Name: h.Name, Address: o.String()} }

// resolve makes an origin of a text in the config, with the override of its port.
func (h *Handler) resolve(text string, repl *caddy.Replacer) (origin, error) {
	address, by, err := fillOrigin(text, repl)
	if err != nil {
		return origin{}, fmt.Errorf("origin %q: %w", text, err)
	}
	o, err := parseOrigin(address, h.TLS != nil)
	if err != nil {
		return origin{}, fmt.Errorf("origin %q: %w", address, err)
	}
	o.by = by
	if ip, err := netip.ParseAddr(o.host); err == nil {
		if err := o.checkAddress(ip); err != nil {
			return origin{}, fmt.Errorf("origin %q: %w", text, err)
		}
	}
	if h.Port != "" && o.network != "unix" {
		if o.port, err = repl.ReplaceOrErr(h.Port, true, true); err != nil {
			return origin{}, fmt.Errorf("port: %w", err)
		}
		if err := checkPort(o.port); err != nil {
			return origin{}, err
		}
	}
	return o, h.checkVersion(o)
}

// candidates are the origins that the attempt's tunnel may go to.
func (a *attempt) candidates() ([]*candidate, error) {
	if a.h.dynamic != nil {
		found, err := a.found()
		if err == nil || len(a.h.Origins) == 0 {
			return found, err
		}
		a.h.logger.Error("looking up dynamic origins failed; using the others", zap.Error(err))
	}
	return a.configured(func(o origin, text string) *pool.Origin {
		// Reports name what the config has: what fills a placeholder may come
		// from a client, in any number.
		return origins.Origin(a.h.keyOf(o), text)
	})
}

// configured are the origins of the config. know says what is known of one that a
// placeholder leads to.
func (a *attempt) configured(know func(o origin, text string) *pool.Origin) ([]*candidate, error) {
	if !slices.Contains(a.h.fixed, nil) {
		return a.h.fixed, nil
	}
	all := make([]*candidate, 0, len(a.h.Origins))
	var failed error
	for i, text := range a.h.Origins {
		if c := a.h.fixed[i]; c != nil {
			all = append(all, c)
			continue
		}
		o, err := a.h.resolve(text, a.repl)
		if err != nil {
			failed = err
			continue
		}
		all = append(all, &candidate{o, know(o, text)})
	}
	if len(all) == 0 {
		return nil, failed
	}
	return all, nil
}

// found are the origins that the dynamic source finds.
func (a *attempt) found() ([]*candidate, error) {
	upstreams, err := a.h.dynamic.GetUpstreams(a.r)
	if err != nil {
		return nil, fmt.Errorf("looking up origins: %w", err)
	}
	all := make([]*candidate, 0, len(upstreams))
	for _, u := range upstreams {
		address, err := caddy.ParseNetworkAddress(u.Dial)
		if err != nil || address.PortRangeSize() != 1 {
			return nil, fmt.Errorf("the lookup gives %q, which is no address", u.Dial)
		}
		o := origin{network: address.Network, host: address.Host, tls: a.h.TLS != nil, by: a.h.dynamicBy}
		if !address.IsUnixNetwork() {
			o.port = fmt.Sprint(address.StartPort)
		}
		if err := a.h.checkVersion(o); err != nil {
			return nil, err
		}
		all = append(all, &candidate{o, origins.Origin(a.h.keyOf(o), o.String())})
	}
	return all, nil
}

// errNoneAvailable: there are origins, but each is down or has as many tunnels as
// it may.
var errNoneAvailable = errors.New("no origin is available: each is down, or has as many tunnels as max_tunnels_per_origin allows")

// choose takes an origin for the next try, and counts the tunnel there. It leaves
// out those that have failed in this attempt.
func (a *attempt) choose() error {
	all, err := a.candidates()
	if err != nil {
		return &dialError{"no_origin", err}
	}
	chosen := a.selectFrom(all)
	if chosen == nil {
		return &dialError{"no_origin", errNoneAvailable}
	}
	a.origin, a.state, a.originAddr = chosen.origin, chosen.state, ""
	a.repl.Set("http.ws_tunnel.origin", a.origin.String())
	return nil
}

// selectFrom has the policy select one, and counts the tunnel there.
func (a *attempt) selectFrom(all []*candidate) *candidate {
	lb := a.h.LoadBalancing
	if len(all) == 1 {
		if only := all[0]; !slices.Contains(a.failed, only.state) && only.state.Up() && only.state.Take(lb.MaxTunnels) {
			return only
		}
		return nil
	}
	full := make(map[*candidate]bool)
	for {
		upstreams := a.upstreams(all, func(c *candidate) bool {
			return !full[c] && !slices.Contains(a.failed, c.state) && a.available(c)
		})
		a.policyFields = make(http.Header)
		i := slices.Index(upstreams, lb.policy.Select(upstreams, a.r, fieldsOnly(a.policyFields)))
		if i < 0 || !upstreams[i].Available() { // no policy should
			return nil
		}
		if all[i].state.Take(lb.MaxTunnels) {
			return all[i]
		}
		full[all[i]] = true // another handshake was faster
	}
}

// upstreams are candidates as policies see them.
func (a *attempt) upstreams(all []*candidate, available func(c *candidate) bool) reverseproxy.UpstreamPool {
	upstreams := make(reverseproxy.UpstreamPool, len(all))
	for i, c := range all {
		upstreams[i] = upstreamOf(c.origin, a.load(c), available(c))
	}
	return upstreams
}

// load and available are those of an origin of which nothing is known, if nothing
// is.
func (a *attempt) load(c *candidate) int {
	if c.state == nil {
		return 0
	}
	return c.state.Load(time.Duration(*a.h.LoadBalancing.SlowStart))
}

func (a *attempt) available(c *candidate) bool {
	return c.state == nil || c.state.Available(a.h.LoadBalancing.MaxTunnels)
}

// fieldsOnly is a response to which a policy can add fields, as a cookie. The
// client only gets those of the last selection.
type fieldsOnly http.Header

// Header returns the fields.
func (f fieldsOnly) Header() http.Header { return http.Header(f) }

// Write writes nothing.
func (fieldsOnly) Write(p []byte) (int, error) { return len(p), nil }

// WriteHeader writes nothing.
func (fieldsOnly) WriteHeader(int) {}

// addPolicyFields adds what the policy has for the client to the fields of its
// answer, beside those of the origin.
func (a *attempt) addPolicyFields(h http.Header) {
	for name, values := range a.policyFields {
		h[name] = append(h[name], values...)
	}
}

// Interface guards
var _ http.ResponseWriter = fieldsOnly(nil)

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/pool"
)

const noWebSocket = "the request asks for no WebSocket, and goes on"

// switchStatus is the status of a tunnel that opens over a version of HTTP.
func switchStatus(major int) int {
	if major == 1 {
		return http.StatusSwitchingProtocols
	}
	return http.StatusOK // RFC 8441 section 5
}

// givenName is the name that the config has for h, if it has one.
func (h *Handler) givenName() string {
	if len(h.Origins) > 0 && h.Name == h.Origins[0] {
		return ""
	}
	return h.Name
}

// tunnel says where ws_tunnel would take a request. How many tunnels there are, and
// how often they come, is not looked at.
func (t *traceWalk) tunnel(h *Handler, step *traceStep, w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if !isWebSocket(r) {
		step.Matched, step.Reason = false, noWebSocket
		return next.ServeHTTP(w, r)
	}
	a := h.newAttempt(newClient(w, r))
	status, err := a.client.admit()
	if err == nil {
		_, err = a.timeLeft(momentOf(r))
		status = http.StatusForbidden
	}
	if err == nil {
		status, err = a.traceOrigins(step)
	}
	if err == nil {
		t.members.addTo(step.Parameter)
	}
	if err != nil {
		step.Reason = "refused with " + strconv.Itoa(status) + ": " + err.Error()
		return caddyhttp.Error(status, err)
	}
	w.WriteHeader(switchStatus(r.ProtoMajor))
	return nil
}

// traceOrigins finds out what would be dialled, and what would be said there.
func (a *attempt) traceOrigins(step *traceStep) (status int, err error) {
	p := &traceParameter{URI: a.r.URL.RequestURI(), Versions: a.h.Versions}
	if a.h.ProxyProtocol != nil {
		p.ProxyProtocol = a.h.ProxyProtocol.Version
	}
	if source, ok := a.h.dynamic.(caddy.Module); ok {
		p.Dynamic = source.CaddyModule().ID.Name()
	}
	// What is known of an origin that a placeholder leads to is not looked up, since
	// that would note it as used.
	all, err := a.configured(func(origin, string) *pool.Origin { return nil })
	if err != nil && p.Dynamic == "" {
		return http.StatusServiceUnavailable, err
	}
	for _, c := range all {
		p.Candidates = append(p.Candidates, a.tracedOrigin(c))
	}
	chosen := a.wouldChoose(all)
	switch {
	case p.Dynamic != "":
		// Looking them up would ask a name server, or whatever the module does.
	case chosen != nil:
		a.origin = chosen.origin // for origin_header
		o := a.tracedOrigin(chosen)
		if p.Origin = &o; o.SNI != "" {
			p.SNI = &traceValue{o.SNI}
		}
	case !slices.ContainsFunc(all, a.available):
		return http.StatusServiceUnavailable, errNoneAvailable
	}
	if len(all) == 1 && p.Dynamic == "" {
		p.Candidates = nil
	} else if policy, ok := a.h.LoadBalancing.policy.(caddy.Module); ok {
		p.Policy = policy.CaddyModule().ID.Name()
	}
	out, err := a.outgoing()
	if err != nil {
		return http.StatusBadGateway, err
	}
	p.HostHeader, step.Parameter = out.Host, p
	return 0, nil
}

func (a *attempt) tracedOrigin(c *candidate) traceOrigin {
	o := traceOrigin{Address: c.String(), Host: c.host, Unavailable: !a.available(c)}
	o.Port, _ = strconv.Atoi(c.port)
	if c.tls {
		o.SNI = a.h.serverName(c.origin, a.repl)
	}
	return o
}

// wouldChoose is the origin that would be chosen, if that is the same every time
// and asking leaves no trace in the policy; otherwise nil.
func (a *attempt) wouldChoose(all []*candidate) *candidate {
	var free []int // the loads of those that are available
	var only *candidate
	for _, c := range all {
		if a.available(c) {
			free, only = append(free, a.load(c)), c
		}
	}
	switch {
	case len(free) == 1:
		return only
	case len(free) == 0 || !a.steady(all, free):
		return nil
	}
	upstreams := a.upstreams(all, a.available)
	if i := slices.Index(upstreams, a.h.LoadBalancing.policy.Select(upstreams, a.r, fieldsOnly(make(http.Header)))); i >= 0 {
		return all[i]
	}
	return nil
}

// steady tells whether the policy selects the same one of several each time.
func (a *attempt) steady(all []*candidate, loads []int) bool {
	switch policy := a.h.LoadBalancing.policy.(type) {
	case *reverseproxy.FirstSelection, *reverseproxy.IPHashSelection, *reverseproxy.ClientIPHashSelection, *reverseproxy.URIHashSelection:
		return true
	case *reverseproxy.HeaderHashSelection:
		return policy.Field == "Host" || a.r.Header.Get(policy.Field) != ""
	case *reverseproxy.QueryHashSelection:
		return a.r.URL.Query().Get(policy.Key) != ""
	case *reverseproxy.LeastConnSelection:
		slices.Sort(loads) // among equals it is chance
		return loads[0] != loads[1] && !slices.ContainsFunc(all, func(c *candidate) bool { return c.state == nil })
	}
	return false
}

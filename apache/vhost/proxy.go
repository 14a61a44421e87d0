// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"golang.org/x/net/http/httpguts"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/balance"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/config"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/mapping"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/handshake"
)

const (
	originVar = "apache_origin"
	tunnelVar = "apache_tunnel"

	// askedHostVar tells ws_tunnel the Host that the client asked for, for its records.
	askedHostVar = "ws_tunnel.asked_host"

	// anyOrigin is the value of originVar for what no directive names.
	anyOrigin    = "*"
	anyEncrypted = "*s"

	fileVar = "file"
	listVar = "listing"
)

// proxy hands the request to the handlers of its target.
func (x *exchange) proxy() error {
	if err := x.limitBody(); err != nil {
		return err
	}
	if err := x.maxForwards(); err != nil {
		return err
	}
	x.forward()
	if x.target.Scheme != "balancer" {
		return x.passTo(*x.target)
	}
	b := x.h.balancers[balancerName(x.target)]
	if b == nil {
		return &refusal{status: http.StatusServiceUnavailable, reason: fmt.Sprintf("%s: no <Proxy> section has its members", x.target.URL())}
	}
	if x.trial != nil {
		return x.tryMembers(b)
	}
	return x.passToMember(b)
}

func balancerName(t *mapping.Target) string {
	if t.Balancer == nil {
		return ""
	}
	return t.Balancer.Name
}

// passToMember tries members until one takes the request.
func (x *exchange) passToMember(b *balancer) error {
	var tried []*balance.State
	target := *x.target
	header := x.w.Header().Clone()
	for {
		state := b.Choose(x.req, tried)
		if state == nil {
			return &refusal{status: http.StatusServiceUnavailable, reason: b.name + ": no member is up"}
		}
		member, err := target.Member(b.workers[state.Member().Name])
		if err != nil {
			state.Done(http.StatusInternalServerError, 0)
			return failed(err)
		}
		x.target = &member
		err = x.passTo(member)
		var refused *refusal
		switch {
		case err == nil:
			state.Done(x.answered(), 0)
			return nil
		case errors.As(err, &refused) && refused.status == http.StatusServiceUnavailable && x.answered() == 0:
			state.Failed()
			tried = append(tried, state)
			resetHeader(x.w.Header(), header)
		default:
			state.Done(x.answered(), 0)
			return err
		}
	}
}

// upgrade passes on an upgrade that the request asks for, if the target is for it.
// The field Upgrade alone counts, and only one with one value (lab cases E8, E24).
func (x *exchange) upgrade(t *mapping.Target) error {
	h := x.r.Header
	values := h["Upgrade"]
	passed := len(values) == 1 && !strings.Contains(values[0], ",") && t.Upgrades(strings.TrimSpace(values[0]))
	if !passed && x.h.mapper.TunnelsOnly() && strings.HasPrefix(t.Scheme, "ws") {
		// mod_proxy_wstunnel by itself speaks nothing but tunnels: lab case E8b.
		x.w.Header().Set("Upgrade", "WebSocket")
		x.w.Header().Set("Connection", "Upgrade")
		return &refusal{status: http.StatusUpgradeRequired, reason: "only WebSockets are for " + t.URL()}
	}
	if !passed && x.stream {
		return &refusal{status: http.StatusNotImplemented, reason: "WebSockets are not for " + t.URL()}
	}
	x.tunnel = passed && strings.EqualFold(values[0], "websocket") && handshake.CheckRequest(x.r) == nil
	switch {
	case x.stream:
		h.Del("Upgrade")
		h.Del("Connection")
	case !passed:
		h.Del("Upgrade")
	case !httpguts.HeaderValuesContainsToken(h["Connection"], "upgrade"):
		h.Add("Connection", "Upgrade") // httpd does not ask for it: lab case E8
	}
	return nil
}

// forward changes the fields of the request for an origin.
func (x *exchange) forward() {
	h := x.r.Header
	options := x.place.dir.Proxy
	if options == nil {
		options = new(config.Proxy)
	}
	if options.AddHeaders == nil || *options.AddHeaders {
		h.Set("X-Forwarded-Host", appended(h["X-Forwarded-Host"], x.req.Host))
		h.Set("X-Forwarded-Server", appended(h["X-Forwarded-Server"], x.serverName()))
	} else if len(h["X-Forwarded-For"]) == 0 {
		h["X-Forwarded-For"] = nil // which both handlers take for: none
	}
	if len(h["X-Forwarded-Host"]) == 0 {
		h["X-Forwarded-Host"] = nil
	}
	if len(h["X-Forwarded-Proto"]) == 0 {
		h["X-Forwarded-Proto"] = nil // httpd sends none of its own
	}
	x.r.RemoteAddr = x.req.Remote.String()
	// The fields are as httpd has them, with what the client said, and the handlers
	// are to leave them so.
	caddyhttp.SetVar(x.r.Context(), caddyhttp.TrustedProxyVarKey, true)
	x.preserveHost = options.PreserveHost != nil && *options.PreserveHost
	x.via = options.Via
}

func appended(before []string, value string) string {
	return strings.Join(append(slices.Clip(before), value), ", ")
}

func (x *exchange) serverName() string {
	if x.h.Name != "" {
		return x.h.Name
	}
	return x.req.ServerName()
}

// passTo hands the request to the handlers of one origin, and returns why there
// is no answer.
func (x *exchange) passTo(t mapping.Target) error {
	if err := x.upgrade(&t); err != nil {
		return err
	}
	origin := anyOrigin
	if name := WorkerName(&t); x.h.workers[name] {
		origin = name
	} else if !x.h.workers[anyOrigin] {
		return &refusal{status: http.StatusInternalServerError, reason: t.URL() + ": the configuration names no such origin"}
	}
	if origin == anyOrigin && encrypted(t.Scheme) {
		origin = anyEncrypted
	}
	// An upgrade that is no WebSocket by the book is not for ws_tunnel; httpd passes
	// it on all the same, and so does reverse_proxy.
	variable := originVar
	if x.tunnel {
		variable = tunnelVar
	}
	caddyhttp.SetVar(x.r.Context(), variable, origin)
	x.repl.Set("http.apache.address", t.Address)
	x.repl.Set("http.apache.origin", DialURL(&t))
	x.repl.Set("http.apache.host", t.Host)

	path, err := url.PathUnescape(t.Path)
	if err != nil {
		path = t.Path
	}
	x.r.URL.Path, x.r.URL.RawPath, x.r.URL.RawQuery, x.r.URL.ForceQuery = path, t.Path, t.Query, false
	caddyhttp.SetVar(x.r.Context(), askedHostVar, x.req.Host)
	x.r.Host = t.Host
	if x.preserveHost {
		x.r.Host = x.req.Host
	}
	x.setVia()
	a := &answer{ResponseWriterWrapper: &caddyhttp.ResponseWriterWrapper{ResponseWriter: x.w}, x: x}
	x.last = a
	err = x.next.ServeHTTP(a, x.r)
	if a.err != nil {
		return a.err
	}
	if err != nil {
		return originError(err, t.URL())
	}
	if a.status == 0 && x.trial == nil { // reverse_proxy gives up on a 101 that was not asked for
		return &refusal{status: http.StatusBadGateway, reason: t.URL() + ": no answer that can be passed on"}
	}
	return a.intercepted()
}

// setVia is ProxyVia for the request; {http.apache.via} is for the handler that
// would otherwise add its own.
func (x *exchange) setVia() {
	via := strings.Join(x.req.Header["Via"], ", ")
	if x.via == "on" || x.via == "full" {
		if via != "" {
			via += ", "
		}
		via += x.ownVia()
	}
	x.repl.Set("http.apache.via", via)
}

// ownVia is what ProxyVia adds: the version of HTTP, and who has passed it on.
func (x *exchange) ownVia() string {
	version := strings.TrimPrefix(x.req.Protocol, "HTTP/")
	host := x.serverName()
	if port := x.req.ServerPort(); port != x.req.DefaultPort() {
		host += fmt.Sprintf(":%d", port)
	}
	via := version + " " + host
	if x.via == "full" {
		via += " (Apache)"
	}
	return via
}

// WorkerName is the value of apache_origin for a target: its worker's URL or, if
// it has none, scheme and host.
func WorkerName(t *mapping.Target) string {
	if t.Worker != nil {
		// Caddy would take braces for a placeholder.
		return strings.NewReplacer("{", "[", "}", "]").Replace(t.Worker.URL)
	}
	return OriginName(t)
}

// OriginName is the scheme and address of a target that no worker is for.
func OriginName(t *mapping.Target) string {
	return plainScheme(t.Scheme) + "://" + t.Address
}

// dialURL is the origin for ws_tunnel.
func DialURL(t *mapping.Target) string {
	if strings.HasPrefix(t.Address, "unix/") {
		return t.Address
	}
	return OriginName(t)
}

func encrypted(scheme string) bool { return scheme == "https" || scheme == "wss" || scheme == "h2" }

func plainScheme(scheme string) string {
	switch scheme {
	case "ws":
		return "http"
	case "wss":
		return "https"
	}
	return scheme
}

func resetHeader(h, to http.Header) {
	clear(h)
	maps.Copy(h, to)
}

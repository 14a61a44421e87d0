// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Provision sets up h.
func (h *Handler) Provision(ctx caddy.Context) error {
	generation, err := newGeneration(h)
	if err != nil {
		return err
	}
	setDefault(&h.DialTimeout, 3*time.Second)
	setDefault(&h.HandshakeTimeout, 10*time.Second)
	setDefault(&h.Linger, 5*time.Second)
	if h.Headers != nil {
		if err := h.Headers.Provision(ctx); err != nil {
			return fmt.Errorf("header rules: %w", err)
		}
	}
	if h.TLS != nil {
		if h.tlsConfig, err = h.TLS.MakeTLSClientConfig(ctx); err != nil {
			return fmt.Errorf("tls: %w", err)
		}
	}
	if h.tlsConfig == nil {
		h.tlsConfig = new(tls.Config)
	}
	if h.TLSClientRaw != nil {
		client, err := ctx.LoadModule(h, "TLSClientRaw")
		if err != nil {
			return fmt.Errorf("tls_client: %w", err)
		}
		h.tlsClient = client.(TLSClient)
	}
	h.ctx = ctx
	if err := h.provisionOrigins(); err != nil {
		return err
	}
	if h.Recheck != nil {
		if err := h.Recheck.provision(ctx); err != nil {
			return fmt.Errorf("recheck: %w", err)
		}
	}
	if err := registerMetrics(ctx); err != nil {
		return err
	}
	h.provisionLimits()
	h.provisionLifetime()
	h.logger = ctx.Logger()
	h.warnOfLifetime()
	generation.name, generation.onReload, generation.drain, generation.logger = h.Name, h.OnReload, time.Duration(h.Drain), h.logger
	h.generation = generation
	tunnels.add(generation)
	if h.events, err = eventsApp(ctx); err != nil {
		return err
	}
	return errors.Join(h.events.On("started", eventFunc(h.started)), h.events.On("stopping", eventFunc(h.stop)))
}

func setDefault(d *caddy.Duration, to time.Duration) {
	if *d == 0 {
		*d = caddy.Duration(to)
	}
}

// Validate finds what is wrong with h before a request does.
func (h *Handler) Validate() error {
	for _, check := range h.checks() {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// checks find one fault each. A Caddyfile has its lines by them.
func (h *Handler) checks() []func() error {
	return []func() error{
		h.validateOrigins, h.validateTLS, h.validateLifetime, h.validateRates, h.validateReload, h.validateHost, h.validateOriginField, h.validateHeaders, h.validateLimits,
		h.validateBalancing, h.validateHealth, h.validateSources, h.validateVersions, func() error { return h.ProxyProtocol.validate() }, h.validateSomeOrigin,
	}
}

func (h *Handler) validateOrigins() error {
	for _, text := range h.Origins {
		if err := h.validateOrigin(text); err != nil {
			return fmt.Errorf("origin %q: %w", text, err)
		}
	}
	if h.Port != "" && !hasPlaceholder(h.Port) {
		return checkPort(h.Port)
	}
	return nil
}

// validateSomeOrigin is asked last, since it holds of every block that has not ended.
func (h *Handler) validateSomeOrigin() error {
	if len(h.Origins) == 0 && h.DynamicRaw == nil && h.dynamic == nil {
		return errors.New("ws_tunnel needs an origin, as in ws_tunnel localhost:8000")
	}
	return nil
}

func (h *Handler) validateTLS() error {
	if h.TLS != nil && len(h.TLS.ExceptPorts) > 0 {
		return errors.New("tls: except_ports is not supported; write the origin with ws:// or wss://")
	}
	return nil
}

func (h *Handler) validateOrigin(text string) error {
	if hasPlaceholder(text) {
		return nil // known at a request
	}
	o, err := parseOrigin(text, h.TLS != nil)
	if err == nil && o.network == "unix" && h.Port != "" {
		return errors.New("a Unix socket has no port: leave port out")
	}
	if err == nil && o.network == "unix" && o.tls && h.SNI == "" && h.TLS.ServerName == "" && !h.TLS.InsecureSkipVerify {
		return errors.New("a Unix socket has no host that its certificate could be for: give sni")
	}
	return err
}

// Cleanup forgets h. Its tunnels go on.
func (h *Handler) Cleanup() error {
	for _, r := range h.rounds {
		r.end()
	}
	if h.generation != nil {
		tunnels.forget(h.generation)
	}
	h.disuseOrigins()
	if h.shared != nil {
		h.shared.Close()
	}
	return nil
}

// started is called when h's config has replaced the one before.
func (h *Handler) started() {
	tunnels.start(h.generation)
	if h.Recheck != nil {
		tunnels.recheckBy(h.startRounds(time.Duration(h.Recheck.Interval), (&rechecker{h.Recheck, h.logger}).ask))
	}
	if h.RecordEvery > 0 {
		h.startRounds(time.Duration(h.RecordEvery), h.recordOpen)
	}
	h.startChecks()
}

// exiting tells whether the process is about to end, and all tunnels with it.
var exiting = caddy.Exiting

// stop ends the tunnels that do not outlive h's config, and at the end of the
// process all, and waits for that.
func (h *Handler) stop() {
	if exiting() {
		tunnels.exit()
	} else {
		tunnels.stop(h.generation)
	}
}

func eventsApp(ctx caddy.Context) (*caddyevents.App, error) {
	app, err := ctx.App("events")
	if err != nil {
		return nil, fmt.Errorf("getting events app: %w", err)
	}
	return app.(*caddyevents.App), nil
}

// eventFunc is called when the config of a handler has started, or is stopping,
// before the HTTP app waits for its streams.
type eventFunc func()

// Handle calls the function.
func (f eventFunc) Handle(context.Context, caddy.Event) error {
	f()
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddy.Validator             = (*Handler)(nil)
	_ caddy.CleanerUpper          = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
	_ caddyevents.Handler         = eventFunc(nil)
)

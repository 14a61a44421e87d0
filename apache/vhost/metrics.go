// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"errors"
	"strconv"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"
)

// refused counts across reloads: Caddy makes a new registry with every config.
var refused = prometheus.NewCounterVec(prometheus.CounterOpts{
	Name: "caddy_apache_refused_total",
	Help: "Requests that a virtual host of the adapter apache answered with an error of its own.",
}, []string{"server", "status"})

func registerMetrics(ctx caddy.Context) error {
	registry := ctx.GetMetricsRegistry()
	if registry == nil {
		return nil
	}
	err := registry.Register(refused)
	if errors.As(err, new(prometheus.AlreadyRegisteredError)) {
		return nil
	}
	return err
}

// label is what metrics call the virtual host: by what the config says, and never
// by what a client does.
func (h *Handler) label() string {
	if h.Name != "" {
		return h.Name
	}
	return h.Line
}

func statusLabel(status int) string { return strconv.Itoa(status) }

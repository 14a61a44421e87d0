// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"errors"
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"
)

// metrics holds the collectors of this plugin. Caddy makes a new registry
// with every config, while tunnels outlive configs: the collectors belong to
// the process, and each config's registry gets the same ones.
var metrics = struct {
	active       *prometheus.GaugeVec
	draining     *prometheus.GaugeVec
	opened       *prometheus.CounterVec
	ended        *prometheus.CounterVec
	refused      *prometheus.CounterVec
	handshake    *prometheus.HistogramVec
	lifetime     *prometheus.HistogramVec
	proxyHeaders *prometheus.CounterVec
}{
	active: prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "caddy_ws_tunnel_active",
		Help: "Tunnels open now.",
	}, []string{"name"}),
	draining: prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "caddy_ws_tunnel_draining",
		Help: "Tunnels that are to be ended by a drain and have not been told yet.",
	}, []string{"name"}),
	opened: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "caddy_ws_tunnel_opened_total",
		Help: "Tunnels opened.",
	}, []string{"name"}),
	ended: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "caddy_ws_tunnel_ended_total",
		Help: "Tunnels ended, by reason.",
	}, []string{"name", "reason"}),
	refused: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "caddy_ws_tunnel_refused_total",
		Help: "Handshakes that did not become a tunnel, by reason.",
	}, []string{"name", "reason"}),
	handshake: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "caddy_ws_tunnel_handshake_seconds",
		Help:    "How long the steps took by which tunnels were opened.",
		Buckets: []float64{.00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"name", "step"}),
	lifetime: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "caddy_ws_tunnel_lifetime_seconds",
		Help:    "How long ended tunnels were open.",
		Buckets: []float64{1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 28800, 43200, 86400},
	}, []string{"name"}),
	proxyHeaders: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "caddy_ws_tunnel_proxy_headers_total",
		Help: "Connections seen by proxy_header, by what became of their PROXY header.",
	}, []string{"outcome"}),
}

// registerMetrics adds the collectors to the registry of the config that ctx
// belongs to. Several modules of one config may call it.
func registerMetrics(ctx caddy.Context) error {
	registry := ctx.GetMetricsRegistry()
	for _, c := range []prometheus.Collector{
		metrics.active, metrics.draining, metrics.opened, metrics.ended, metrics.refused,
		metrics.handshake, metrics.lifetime, metrics.proxyHeaders, trafficReported, originsReported,
	} {
		err := registry.Register(c)
		if already := (prometheus.AlreadyRegisteredError{}); err != nil && !errors.As(err, &already) {
			return fmt.Errorf("registering metrics: %w", err)
		}
	}
	return nil
}

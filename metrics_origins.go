// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import "github.com/prometheus/client_golang/prometheus"

// originMetrics reports what is known of the origins when it is asked, so that
// one which is gone from the config is gone from the metrics.
type originMetrics struct{ up, tunnels *prometheus.Desc }

var originsReported = originMetrics{
	up: prometheus.NewDesc("caddy_ws_tunnel_origin_up",
		"Whether an origin is taken for up.", []string{"name", "origin"}, nil),
	tunnels: prometheus.NewDesc("caddy_ws_tunnel_origin_tunnels",
		"Tunnels to an origin, handshakes under way included.", []string{"name", "origin"}, nil),
}

// Describe names the metrics.
func (m originMetrics) Describe(to chan<- *prometheus.Desc) {
	to <- m.up
	to <- m.tunnels
}

// Collect reports the values.
func (m originMetrics) Collect(to chan<- prometheus.Metric) {
	for _, s := range origins.Statuses() {
		up := 0.0
		if s.Up {
			up = 1
		}
		to <- prometheus.MustNewConstMetric(m.up, prometheus.GaugeValue, up, s.Name, s.Origin)
		to <- prometheus.MustNewConstMetric(m.tunnels, prometheus.GaugeValue, float64(s.Tunnels), s.Name, s.Origin)
	}
}

// Interface guards
var _ prometheus.Collector = originMetrics{}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// A switchboard reports its switches to the registry of its config.
var (
	switchReported = prometheus.NewDesc("caddy_ws_tunnel_switch_on",
		"Whether a switch is on.", []string{"switch"}, nil)
	switchStorageReported = prometheus.NewDesc("caddy_ws_tunnel_switch_storage_up",
		"Whether switches could be read from storage when that was last tried.", nil, nil)
)

// Describe names the metrics.
func (b *switchboard) Describe(to chan<- *prometheus.Desc) {
	to <- switchReported
	to <- switchStorageReported
}

// Collect reports the values.
func (b *switchboard) Collect(to chan<- prometheus.Metric) {
	report := func(desc *prometheus.Desc, yes bool, labels ...string) {
		value := 0.0
		if yes {
			value = 1
		}
		to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	now := time.Now()
	for name, s := range b.switches {
		report(switchReported, s.on(now), name)
	}
	report(switchStorageReported, !b.failing.Load())
}

// Interface guards
var _ prometheus.Collector = (*switchboard)(nil)

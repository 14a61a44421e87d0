// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"maps"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/relay"
)

// trafficMetrics reports what tunnels have carried, those that are open included:
// one that is open for days would otherwise be seen on its last day only. The open
// ones are asked when somebody asks for the metrics, and not with each message.
type trafficMetrics struct {
	bytes, messages *prometheus.Desc

	mu    sync.Mutex               // guards all below
	ended map[string]tunnelTraffic // by tunnels that have ended, by the handler's name
	said  map[string]tunnelTraffic // the last time; a counter never goes back
	open  map[*tunnel]tunnelTraffic
}

var trafficReported = &trafficMetrics{
	bytes: prometheus.NewDesc("caddy_ws_tunnel_bytes_total",
		"Bytes relayed, by direction.", []string{"name", "direction"}, nil),
	messages: prometheus.NewDesc("caddy_ws_tunnel_messages_total",
		"Messages relayed, by direction.", []string{"name", "direction"}, nil),
	ended: make(map[string]tunnelTraffic),
	said:  make(map[string]tunnelTraffic),
}

// tunnelTraffic is what a tunnel has carried each way.
type tunnelTraffic struct{ toOrigin, toClient trafficCounts }

func (n *tunnelTraffic) add(more tunnelTraffic) {
	n.toOrigin.add(more.toOrigin)
	n.toClient.add(more.toClient)
}

// atLeast returns newer counts, or these where a newer one is less: what is not to
// be had at one moment is as it was.
func (n tunnelTraffic) atLeast(newer tunnelTraffic) tunnelTraffic {
	return tunnelTraffic{
		n.toOrigin.atLeast(newer.toOrigin.Bytes, newer.toOrigin.Messages),
		n.toClient.atLeast(newer.toClient.Bytes, newer.toClient.Messages),
	}
}

func trafficOf(toOrigin, toClient relay.Traffic) tunnelTraffic {
	return tunnelTraffic{trafficCounts{toOrigin.Bytes, toOrigin.Messages}, trafficCounts{toClient.Bytes, toClient.Messages}}
}

// end counts what a tunnel has carried that is no longer among the open ones.
func (m *trafficMetrics) end(name string, traffic tunnelTraffic) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.ended[name]
	all.add(traffic)
	m.ended[name] = all
}

// byEnded is what tunnels have carried that have ended.
func (m *trafficMetrics) byEnded() (all tunnelTraffic) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, n := range m.ended {
		all.add(n)
	}
	return all
}

// now is what has been carried, by the handler's name. A tunnel that ends meanwhile
// may be missing in both counts, and never is in both.
func (m *trafficMetrics) now() map[string]tunnelTraffic {
	m.mu.Lock()
	defer m.mu.Unlock()
	all, open := maps.Clone(m.ended), make(map[*tunnel]tunnelTraffic)
	for _, t := range tunnels.running() {
		status := t.relay.Status()
		n := m.open[t].atLeast(trafficOf(status.ToOrigin, status.ToClient))
		if status.Engine != enginePoll { // which always has its counts at hand
			open[t] = n
		}
		sum := all[t.generation.name]
		sum.add(n)
		all[t.generation.name] = sum
	}
	for name, n := range all {
		all[name] = m.said[name].atLeast(n)
	}
	m.open, m.said = open, all
	return all
}

// enginePoll is how records call the engine that has all its counts at hand.
const enginePoll = "poll"

// Describe names the metrics.
func (m *trafficMetrics) Describe(to chan<- *prometheus.Desc) {
	to <- m.bytes
	to <- m.messages
}

// Collect reports the values.
func (m *trafficMetrics) Collect(to chan<- prometheus.Metric) {
	for name, n := range m.now() {
		for direction, counts := range map[string]trafficCounts{"to_origin": n.toOrigin, "to_client": n.toClient} {
			to <- prometheus.MustNewConstMetric(m.bytes, prometheus.CounterValue, float64(counts.Bytes), name, direction)
			to <- prometheus.MustNewConstMetric(m.messages, prometheus.CounterValue, float64(counts.Messages), name, direction)
		}
	}
}

// Interface guards
var _ prometheus.Collector = (*trafficMetrics)(nil)

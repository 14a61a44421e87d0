// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// Counts belong to the process: they go on across reloads, with two handlers
// in a config, and come with every config's registry.
func TestMetrics(t *testing.T) {
	g := startGateway(t, false, "", "ws_tunnel /other 127.0.0.1:1 {\nname other\n}\nws_tunnel "+echoOrigin(t)+" {\nname counted\n}")
	value := func(m prometheus.Metric) float64 {
		var written dto.Metric
		if err := m.Write(&written); err != nil {
			t.Fatal(err)
		}
		return written.GetCounter().GetValue() + written.GetGauge().GetValue()
	}
	opened, active := metrics.opened.WithLabelValues("counted"), metrics.active.WithLabelValues("counted")
	ended := metrics.ended.WithLabelValues("counted", "client_closed")
	refused := metrics.refused.WithLabelValues("other", "dial_failed")
	messages := func() float64 { return float64(trafficReported.now()["counted"].toOrigin.Messages) }
	openedBefore, endedBefore, refusedBefore, messagesBefore := value(opened), value(ended), value(refused), messages()

	c := g.open()
	liveTunnels(t, 1)
	for range 2 {
		if err := g.load(); err != nil {
			t.Fatal(err)
		}
	}
	if got := value(active); got != 1 {
		t.Errorf("%v active", got)
	}
	c.send(textFrame("hi") + closeFrame(1000))
	c.Close()
	g.expectEnd("client_closed", "client")
	d := g.dial()
	d.send(handshakeOf("/other", ""))
	d.readAnswer()
	g.expectRefusal("dial_failed")

	for name, got := range map[string]float64{
		"opened": value(opened) - openedBefore, "ended": value(ended) - endedBefore,
		"refused": value(refused) - refusedBefore, "messages": messages() - messagesBefore,
	} {
		if got != 1 {
			t.Errorf("%s grew by %v, want 1", name, got)
		}
	}
	if got := value(active); got != 0 {
		t.Errorf("%v active", got)
	}
	ctx := caddy.ActiveContext()
	gathered, err := ctx.GetMetricsRegistry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, family := range gathered {
		found = found || family.GetName() == "caddy_ws_tunnel_opened_total"
	}
	if !found {
		t.Error("the config's registry has no caddy_ws_tunnel_opened_total")
	}
}

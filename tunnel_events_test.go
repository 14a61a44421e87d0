// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"context"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	dto "github.com/prometheus/client_model/go"
)

// testEvents receives what the handler below is told.
var testEvents = make(chan caddy.Event, 100)

func init() { caddy.RegisterModule(eventTaker{}) }

// eventTaker is an event handler for tests.
type eventTaker struct{}

func (eventTaker) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "events.handlers.wstunnel_test", New: func() caddy.Module { return new(eventTaker) }}
}
func (eventTaker) UnmarshalCaddyfile(*caddyfile.Dispenser) error { return nil }
func (eventTaker) Handle(_ context.Context, e caddy.Event) error {
	testEvents <- e
	return nil
}

var _ caddyevents.Handler = eventTaker{}

// That an origin goes down and comes back is an event of Caddy, and in the metrics
// of every config.
func TestOriginEventsAndMetrics(t *testing.T) {
	o := newCheckedOrigin(t, nil)
	g := startGateway(t, false, "events {\non unhealthy wstunnel_test\non healthy wstunnel_test\n}",
		"ws_tunnel "+o.address+" {\nname told\nhealth websocket / {\ninterval 1ms\nhealthy 1\nunhealthy 1\n}\n}")
	p := g.open()
	defer p.Close()
	for _, step := range []struct {
		answer, event string
		up            float64
	}{{answerBusy, "unhealthy", 0}, {"", "healthy", 1}} {
		o.answer.Store(step.answer)
		select {
		case e := <-testEvents:
			if e.Name() != step.event || e.Data["name"] != "told" || e.Data["host"] != "ws://"+o.address {
				t.Errorf("event %s with %v, want %s", e.Name(), e.Data, step.event)
			}
		case <-time.After(patience):
			t.Fatalf("no event %s", step.event)
		}
		if got := originMetric(t, "caddy_ws_tunnel_origin_up", "told"); step.answer == answerBusy && got != step.up {
			t.Errorf("%s: up is %v", step.event, got)
		}
		if got := originMetric(t, "caddy_ws_tunnel_origin_tunnels", "told"); got != 1 {
			t.Errorf("%v tunnels", got)
		}
	}
}

// originMetric is what the running config's registry says of a handler's origin.
func originMetric(t *testing.T, name, handler string) float64 {
	t.Helper()
	ctx := caddy.ActiveContext()
	families, err := ctx.GetMetricsRegistry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == name && labelOf(m, "name") == handler {
				return m.GetGauge().GetValue()
			}
		}
	}
	t.Fatalf("no %s of %s", name, handler)
	return 0
}

func labelOf(m *dto.Metric, name string) string {
	for _, label := range m.GetLabel() {
		if label.GetName() == name {
			return label.GetValue()
		}
	}
	return ""
}

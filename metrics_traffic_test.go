// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// scraped is a counter as the running config's registry has it: what a scrape would
// see, by its label direction.
func scraped(t *testing.T, metric, name string) map[string]float64 {
	t.Helper()
	ctx := caddy.ActiveContext()
	families, err := ctx.GetMetricsRegistry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]float64)
	for _, family := range families {
		if family.GetName() != metric {
			continue
		}
		for _, m := range family.GetMetric() {
			labels := make(map[string]string)
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			if labels["name"] == name {
				found[labels["direction"]] = m.GetCounter().GetValue()
			}
		}
	}
	return found
}

// A tunnel counts while it is open, and no more when it has ended; reloads change
// nothing.
func TestMetricsOfOpenTunnels(t *testing.T) {
	const bytes, messages = "caddy_ws_tunnel_bytes_total", "caddy_ws_tunnel_messages_total"
	for _, version := range []string{"HTTP/1.1", "HTTP/2.0"} { // an engine each
		t.Run(version, func(t *testing.T) {
			g := startGateway(t, true, "", "ws_tunnel "+echoOrigin(t)+" {\nname carrying\n}")
			bytesBefore, messagesBefore := scraped(t, bytes, "carrying"), scraped(t, messages, "carrying")
			// Counts may be missing for the moment in which a peer is written to, which the
			// system can make a long one.
			check := func(when string, wantBytes, wantMessages float64) {
				t.Helper()
				var wrong string
				for deadline := time.Now().Add(patience); time.Now().Before(deadline); runtime.Gosched() {
					wrong = ""
					for _, direction := range []string{"to_origin", "to_client"} {
						gotBytes := scraped(t, bytes, "carrying")[direction] - bytesBefore[direction]
						gotMessages := scraped(t, messages, "carrying")[direction] - messagesBefore[direction]
						if gotBytes != wantBytes || gotMessages != wantMessages {
							wrong += fmt.Sprintf(" %v bytes and %v messages %s", gotBytes, gotMessages, direction)
						}
					}
					if wrong == "" {
						return
					}
				}
				t.Errorf("%s:%s, want %v and %v", when, wrong, wantBytes, wantMessages)
			}
			p := g.openVersion(version)
			liveTunnels(t, 1)
			for range 3 {
				p.send(textFrame("hi"))
				p.expect(textFrame("hi"))
			}
			check("while it is open", 12, 3)
			if version == "HTTP/1.1" { // others end with their config
				if err := g.load(); err != nil {
					t.Fatal(err)
				}
				check("after a reload", 12, 3)
			}
			p.send(closeFrame(1000))
			g.expectEnd("client_closed", "client")
			check("when it has ended", 16, 3)
		})
	}
}

// Counts that are not to be had for a moment, and a tunnel that is about to end, let
// no counter go back: that would look like a process that has begun anew.
func TestMetricsNeverGoBack(t *testing.T) {
	m := &trafficMetrics{ended: make(map[string]tunnelTraffic)}
	some := tunnelTraffic{trafficCounts{10, 1}, trafficCounts{20, 2}}
	m.end("a", some)
	m.said = map[string]tunnelTraffic{"a": {trafficCounts{15, 1}, trafficCounts{15, 1}}}
	if got := m.now()["a"]; got != (tunnelTraffic{trafficCounts{15, 1}, trafficCounts{20, 2}}) {
		t.Errorf("%+v", got)
	}
	m.end("a", some)
	if got := m.now()["a"]; got != (tunnelTraffic{trafficCounts{20, 2}, trafficCounts{40, 4}}) {
		t.Errorf("%+v", got)
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	dto "github.com/prometheus/client_model/go"
)

// histogramOf is a histogram as the running config's registry has it: the one
// that a scrape would see. It is empty if there is none with these labels.
func histogramOf(t *testing.T, metric string, labels ...string) *dto.Histogram {
	t.Helper()
	ctx := caddy.ActiveContext()
	families, err := ctx.GetMetricsRegistry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != metric {
			continue
		}
		for _, m := range family.GetMetric() {
			var has []string
			for _, l := range m.GetLabel() {
				has = append(has, l.GetName()+"="+l.GetValue())
			}
			if slices.Equal(has, labels) {
				return m.GetHistogram()
			}
		}
	}
	return new(dto.Histogram)
}

// What a tunnel's record says of its time is in the histograms, too, once, and
// under the handler's name; reloads before and while it is open change nothing.
func TestMetricsOfTimes(t *testing.T) {
	const steps, lifetime = "caddy_ws_tunnel_handshake_seconds", "caddy_ws_tunnel_lifetime_seconds"
	origin := echoOrigin(t)
	_, port, _ := strings.Cut(origin, ":")
	g := startGateway(t, false, "", fmt.Sprintf(`
		ws_tunnel /ws localhost:%s {
			name timed
		}
		ws_tunnel /plain %s {
			name timed-plain
			proxy_protocol v1
		}`, port, origin))
	count := func(name, step string) uint64 {
		return histogramOf(t, steps, "name="+name, "step="+step).GetSampleCount()
	}
	before := histogramOf(t, steps, "name=timed", "step=wait")
	counted := map[[2]string]uint64{}
	for _, name := range []string{"timed", "timed-plain"} {
		for _, step := range []string{"dns", "tcp", "proxy", "tls", "send", "wait"} {
			counted[[2]string{name, step}] = count(name, step)
		}
	}
	livedBefore := histogramOf(t, lifetime, "name=timed")

	if err := g.load(); err != nil {
		t.Fatal(err)
	}
	c := g.open()
	liveTunnels(t, 1)
	for range 2 {
		if err := g.load(); err != nil {
			t.Fatal(err)
		}
	}
	if got := histogramOf(t, lifetime, "name=timed").GetSampleCount(); got != livedBefore.GetSampleCount() {
		t.Errorf("a tunnel that is open counts as one that lived")
	}
	c.send(closeFrame(1000))
	r := g.expectEnd("client_closed", "client")
	if err := g.load(); err != nil {
		t.Fatal(err)
	}

	for key, was := range counted {
		want := was
		// One tunnel over TCP to a name, without a PROXY header or TLS.
		if key[0] == "timed" && key[1] != "proxy" && key[1] != "tls" {
			want++
		}
		if got := count(key[0], key[1]); got != want {
			t.Errorf("%s: %d times %s, want %d", key[0], got, key[1], want)
		}
	}
	recorded := r["handshake"].(map[string]any)["wait"].(float64)
	if got := histogramOf(t, steps, "name=timed", "step=wait").GetSampleSum() - before.GetSampleSum(); !near(got, recorded) {
		t.Errorf("waited for %v, and the record says %v", got, recorded)
	}
	lived := histogramOf(t, lifetime, "name=timed")
	if got := lived.GetSampleCount() - livedBefore.GetSampleCount(); got != 1 {
		t.Errorf("%d tunnels lived, want 1", got)
	}
	if got, want := lived.GetSampleSum()-livedBefore.GetSampleSum(), r["duration"].(float64); !near(got, want) {
		t.Errorf("it lived for %v, and the record says %v", got, want)
	}
	buckets := lived.GetBucket()
	if last := buckets[len(buckets)-1].GetUpperBound(); last != 24*60*60 {
		t.Errorf("the largest bucket is up to %v seconds, want a day", last)
	}

	d := g.dial()
	d.send(handshakeOf("/plain", ""))
	if head := d.readHead(); !strings.HasPrefix(head, "HTTP/1.1 101 ") {
		t.Fatalf("answer %q", head)
	}
	liveTunnels(t, 1)
	for step, more := range map[string]uint64{"dns": 0, "tcp": 1, "proxy": 1, "tls": 0, "send": 1, "wait": 1} {
		if got, want := count("timed-plain", step), counted[[2]string{"timed-plain", step}]+more; got != want {
			t.Errorf("with a PROXY header to an address: %d times %s, want %d", got, step, want)
		}
	}
	d.Close()
	g.expectEnd("client_gone", "client")
}

// near allows for what sums of floating-point numbers lose.
func near(a, b float64) bool { return a-b < 1e-6 && b-a < 1e-6 }

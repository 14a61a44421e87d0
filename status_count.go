// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var processBegan = time.Now()

// statusCount knows what there was when it last counted.
type statusCount struct {
	at      time.Time
	totals  statusTotals
	tunnels map[*tunnel]tunnelTraffic
	origins map[originName]originTotals
}

// take counts. There are rates if it has counted before.
func (c *statusCount) take(at time.Time) *statusView {
	seconds := math.Inf(1)
	if !c.at.IsZero() {
		seconds = at.Sub(c.at).Seconds()
	}
	c.at = at
	v := &statusView{Since: processBegan, Interval: statusInterval.Seconds(), Switches: switchesNow()}
	v.Now.At = at
	// Ahead of the tunnels: so none is counted as ended and as open.
	v.countMetrics()
	known := origins.Statuses()
	v.countTunnels(c, seconds)
	v.countOrigins(c, known, seconds)

	before := c.totals
	// What a tunnel carried is missing for a moment while it ends.
	v.Totals.ToOrigin = before.ToOrigin.atLeast(v.Totals.ToOrigin.Bytes, v.Totals.ToOrigin.Messages)
	v.Totals.ToClient = before.ToClient.atLeast(v.Totals.ToClient.Bytes, v.Totals.ToClient.Messages)
	v.Now.Opened = rate(before.Opened, v.Totals.Opened, seconds)
	v.Now.Ended = rate(before.Ended, v.Totals.Ended, seconds)
	v.Now.Refused = rate(before.Refused, v.Totals.Refused, seconds)
	v.Now.ToOrigin = ratesOf(before.ToOrigin, v.Totals.ToOrigin, seconds)
	v.Now.ToClient = ratesOf(before.ToClient, v.Totals.ToClient, seconds)
	c.totals = v.Totals
	return v
}

// countTunnels counts those that are open, and finds the busiest.
func (v *statusView) countTunnels(c *statusCount, seconds float64) {
	running := tunnels.running()
	v.Now.Open = len(running)
	now := make(map[*tunnel]tunnelTraffic, len(running))
	busiest := make([]tunnelLoad, 0, maxStatusTunnels+1)
	for _, t := range running {
		status := t.relay.Status()
		before := c.tunnels[t]
		n := before.atLeast(trafficOf(status.ToOrigin, status.ToClient))
		now[t] = n
		v.Totals.ToOrigin.add(n.toOrigin)
		v.Totals.ToClient.add(n.toClient)
		load := tunnelLoad{t: t, opened: status.Opened, traffic: n}
		load.toOrigin, load.toClient = ratesOf(before.toOrigin, n.toOrigin, seconds), ratesOf(before.toClient, n.toClient, seconds)
		if place, _ := slices.BinarySearchFunc(busiest, load, tunnelLoad.compare); place < maxStatusTunnels {
			busiest = slices.Insert(busiest, place, load)
			busiest = busiest[:min(len(busiest), maxStatusTunnels)]
		}
	}
	c.tunnels = now
	v.Tunnels = make([]statusTunnel, 0, len(busiest))
	for _, load := range busiest {
		shown := statusTunnel{tunnelInfo: load.t.info()}
		shown.ToOrigin, shown.ToClient = load.traffic.toOrigin, load.traffic.toClient
		shown.PerSecond.ToOrigin, shown.PerSecond.ToClient = load.toOrigin, load.toClient
		v.Tunnels = append(v.Tunnels, shown)
	}
}

// tunnelLoad is how much a tunnel carries.
type tunnelLoad struct {
	t                  *tunnel
	opened             time.Time
	traffic            tunnelTraffic
	toOrigin, toClient statusRates
}

// compare puts the busiest first, and of those that carry as much the oldest.
func (l tunnelLoad) compare(other tunnelLoad) int {
	return cmp.Or(
		cmp.Compare(other.toOrigin.Bytes+other.toClient.Bytes, l.toOrigin.Bytes+l.toClient.Bytes),
		l.opened.Compare(other.opened),
		cmp.Compare(l.t.opened.field("id"), other.t.opened.field("id")),
	)
}

func (c *trafficCounts) add(more trafficCounts) {
	c.Bytes += more.Bytes
	c.Messages += more.Messages
}

// atLeast returns newer counts, or these where a newer one is less.
func (c trafficCounts) atLeast(bytes, messages uint64) trafficCounts {
	return trafficCounts{max(c.Bytes, bytes), max(c.Messages, messages)}
}

func ratesOf(before, now trafficCounts, seconds float64) statusRates {
	return statusRates{rate(before.Bytes, now.Bytes, seconds), rate(before.Messages, now.Messages, seconds)}
}

// rate is how much more there is in a second, in hundredths.
func rate(before, now uint64, seconds float64) float64 {
	return math.Round(grown(before, now)/seconds*100) / 100
}

// statusCounters has the metrics that the page is made of. It reads them without a
// config, whose registry goes with it.
var statusCounters = func() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics.draining, metrics.opened, metrics.ended, metrics.refused)
	return registry
}()

func (v *statusView) countMetrics() {
	v.Refused, v.Ended = []statusReason{}, []statusReason{}
	families, _ := statusCounters.Gather() // which fails for collectors of others only
	for _, family := range families {
		metric := strings.TrimPrefix(family.GetName(), "caddy_ws_tunnel_")
		for _, m := range family.GetMetric() {
			labels := make(map[string]string)
			for _, label := range m.GetLabel() {
				labels[label.GetName()] = label.GetValue()
			}
			n := uint64(m.GetCounter().GetValue())
			switch reason := (statusReason{labels["name"], labels["reason"], n}); metric {
			case "draining":
				v.Now.Draining += int(m.GetGauge().GetValue())
			case "opened_total":
				v.Totals.Opened += n
			case "ended_total":
				v.Totals.Ended += n
				v.Ended = append(v.Ended, reason)
			case "refused_total":
				v.Totals.Refused += n
				v.Refused = append(v.Refused, reason)
			}
		}
	}
	ended := trafficReported.byEnded()
	v.Totals.ToOrigin, v.Totals.ToClient = ended.toOrigin, ended.toClient
	for _, reasons := range [][]statusReason{v.Refused, v.Ended} {
		slices.SortFunc(reasons, func(a, b statusReason) int {
			return cmp.Or(cmp.Compare(b.Total, a.Total), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Name, b.Name))
		})
	}
}

// switchesNow are those of the running config.
func switchesNow() (all []statusSwitch) {
	board, err := runningSwitchboard()
	if err != nil {
		return nil // none is running
	}
	now := time.Now()
	for _, name := range slices.Sorted(maps.Keys(board.switches)) {
		all = append(all, statusSwitch{name, board.switches[name].setting.Load().at(now)})
	}
	return all
}

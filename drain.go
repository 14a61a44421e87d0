// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/relay"
)

// drain ends many tunnels one after another, the oldest first, evenly over a
// time, so that their clients do not all come back in the same moment.
type drain struct {
	name    string
	tunnels []*tunnel
	over    time.Duration
	code    int    // of the Close frames; 0: that of the reason
	text    string // of the Close frames; "": that of the reason
	left    prometheus.Gauge
}

// newDrain makes a drain of tunnels that have been opened by handlers of one
// name. They count as being drained from now on; it has to be run.
func newDrain(name string, all []*tunnel, over time.Duration) *drain {
	slices.SortFunc(all, func(a, b *tunnel) int { return cmp.Compare(a.relay.Opened(), b.relay.Opened()) })
	d := &drain{name: name, tunnels: all, over: over, left: metrics.draining.WithLabelValues(name)}
	for _, t := range all {
		if _, other := beingDrained.LoadOrStore(t, d); !other {
			d.left.Inc()
		}
	}
	return d
}

// beingDrained is the drain by which each tunnel is counted that one has yet to end:
// the first, if there are several.
var beingDrained sync.Map // of *drain by *tunnel

// drained counts t no longer, if a drain had yet to end it: it has been told by one,
// or ended by itself.
func (t *tunnel) drained() {
	if d, ok := beingDrained.LoadAndDelete(t); ok {
		d.(*drain).left.Dec()
	}
}

// drainingRetryAfter is when a client may ask again that was refused because the
// server is about to stop: another one should be there soon.
const drainingRetryAfter = 5 * time.Second

// progressEvery is how often a drain that takes its time says how many are left.
const progressEvery = 5 * time.Second

// run tells all tunnels to end, and returns when the last has been told. How
// long each then takes is up to its linger time.
func (d *drain) run(reason relay.Reason) {
	began := time.Now()
	if d.over > 0 {
		d.log("draining tunnels", len(d.tunnels), began)
	}
	reported := began
	for i, t := range d.tunnels {
		if d.over > 0 {
			d.await(t, began.Add(d.due(i)))
		}
		t.relay.CloseWith(reason, d.code, d.text)
		t.drained()
		if now := time.Now(); now.Sub(reported) >= progressEvery {
			reported = now
			d.log("draining tunnels", len(d.tunnels)-i-1, began)
		}
	}
	if d.over > 0 {
		d.log("drained tunnels", 0, began)
	}
}

// due is when the tunnel with number i is told: somewhere in its part of the
// time.
func (d *drain) due(i int) time.Duration {
	slot := float64(d.over) / float64(len(d.tunnels))
	return time.Duration(slot * (float64(i) + rand.Float64())) //nolint:gosec // it need not be secret
}

// await waits for a time, or less if the tunnel ends before.
func (d *drain) await(t *tunnel, due time.Time) {
	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.done():
	}
}

func (d *drain) log(message string, left int, began time.Time) {
	tunnels.logger(d.name).Info(message,
		zap.String("name", d.name),
		zap.Int("left", left),
		zap.Int("of", len(d.tunnels)),
		zap.Duration("over", d.over),
		zap.Duration("elapsed", time.Since(began)))
}

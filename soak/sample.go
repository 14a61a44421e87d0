// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"time"
)

// sample is what the gateway was at one moment.
type sample struct {
	at          time.Duration // since the load began
	tunnels     float64
	resident    float64 // bytes
	heap        float64 // bytes in use, garbage included
	descriptors float64
	goroutines  float64
	messages    float64 // since the start, both ways
	faults      float64 // that the soak made, since the start
}

// event is something worth a mark in the charts.
type event struct {
	at   time.Duration
	what string
}

// state is the gateway when nothing goes on and its garbage is collected.
type state struct{ tunnels, heap, descriptors, goroutines float64 }

// growth finds out what the load left behind in a gateway that is as idle as it was
// before. Some memory stays by design: tables that have grown, of a few dozen bytes a
// tunnel.
func growth(before, after state, tunnels int) (faults []string) {
	for _, one := range []struct {
		name                 string
		before, after, spare float64
	}{
		{"tunnels", before.tunnels, after.tunnels, 0},
		{"goroutines", before.goroutines, after.goroutines, 4},
		{"descriptors", before.descriptors, after.descriptors, 4},
		{"bytes of live heap", before.heap, after.heap, 8<<20 + 512*float64(tunnels)},
	} {
		if one.after > one.before+one.spare {
			faults = append(faults, fmt.Sprintf("%.0f %s before the load, and %.0f after it", one.before, one.name, one.after))
		}
	}
	return faults
}

// trend finds out whether something grew by more than the tunnels did: the samples of
// the last quarter are compared with those of the second.
func trend(samples []sample, steady time.Duration) (faults []string) {
	early, late := quarters(samples, steady)
	if len(early) < 2 {
		return []string{"there are too few samples to judge by"}
	}
	tunnels := func(s sample) float64 { return s.tunnels }
	more := max(1, median(late, tunnels)/max(1, median(early, tunnels)))
	for _, one := range []struct {
		name        string
		of          func(sample) float64
		more, spare float64 // how much chance there is in it: a part, and with few tunnels
	}{
		{"bytes of resident memory", func(s sample) float64 { return s.resident }, .15, 16 << 20},
		{"descriptors", func(s sample) float64 { return s.descriptors }, .1, 100},
		{"goroutines", func(s sample) float64 { return s.goroutines }, .1, 100},
	} {
		before, after := median(early, one.of), median(late, one.of)
		if after > before*more*(1+one.more)+one.spare {
			faults = append(faults, fmt.Sprintf("%.0f %s in the second quarter, and %.0f in the last", before, one.name, after))
		}
	}
	return faults
}

// quarters are the second and the last one of the samples since a time.
func quarters(samples []sample, since time.Duration) (second, last []sample) {
	for len(samples) > 0 && samples[0].at < since {
		samples = samples[1:]
	}
	quarter := len(samples) / 4
	return samples[quarter : 2*quarter], samples[len(samples)-quarter:]
}

// median is the middle one of what the samples have, or zero without any.
func median(samples []sample, of func(sample) float64) float64 {
	values := make([]float64, 0, len(samples))
	for _, s := range samples {
		values = append(values, of(s))
	}
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{3}, 3},
		{[]float64{9, 1, 5}, 5},
		{[]float64{4, 1, 3, 2}, 2.5},
		{[]float64{-1, 100, 0}, 0},
	} {
		before := append([]float64(nil), test.values...)
		if got := median(test.values); got != test.want {
			t.Errorf("median(%v) = %v, want %v", before, got, test.want)
		}
		for i := range before {
			if before[i] != test.values[i] {
				t.Errorf("median reordered %v to %v", before, test.values)
				break
			}
		}
	}
	if got := median(nil); !math.IsNaN(got) {
		t.Errorf("median of nothing is %v", got)
	}
}

func TestPercentile(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[99-i] = time.Duration(i + 1) // 100 ... 1
	}
	for _, test := range []struct {
		values []time.Duration
		p      float64
		want   time.Duration
	}{
		{hundred, 50, 50},
		{hundred, 99, 99},
		{hundred, 99.5, 100},
		{hundred, 100, 100},
		{hundred, 0, 1},
		{[]time.Duration{7}, 99, 7},
		{[]time.Duration{2, 1}, 50, 1},
		{nil, 50, 0},
	} {
		if got := percentile(test.values, test.p); got != test.want {
			t.Errorf("percentile %v of %d values = %d, want %d", test.p, len(test.values), got, test.want)
		}
	}
}

// The ratio of two medians would be 2 here, though in no round it was.
func TestMedianRatio(t *testing.T) {
	a := map[int]float64{1: 10, 2: 20, 3: 30}
	b := map[int]float64{1: 10, 2: 5, 3: 30}
	if got := medianRatio(a, b); got != 1 {
		t.Errorf("got %v, want 1", got)
	}
	// A round that one of them lacks does not count, nor does one in which the
	// other measured nothing.
	if got := medianRatio(map[int]float64{1: 10, 2: 3, 3: 8}, map[int]float64{2: 6, 3: 0, 4: 1}); got != 0.5 {
		t.Errorf("got %v, want 0.5", got)
	}
	if got := medianRatio(a, nil); !math.IsNaN(got) {
		t.Errorf("ratio to nothing is %v", got)
	}
}

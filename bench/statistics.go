// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"slices"
	"time"
)

// median is the middle value, or the mean of the two in the middle. NaN if
// there is none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// percentile is the smallest duration that at least p percent do not exceed
// (nearest rank). It sorts durations.
func percentile(durations []time.Duration, p float64) time.Duration {
	if len(durations) == 0 {
		return 0
	}
	slices.Sort(durations)
	rank := int(math.Ceil(p / 100 * float64(len(durations))))
	return durations[min(max(rank, 1), len(durations))-1]
}

// medianRatio is the median of a/b over the rounds that have both. A ratio is
// taken within a round, because the machine may have become slower between
// two.
func medianRatio(a, b map[int]float64) float64 {
	var ratios []float64
	for round, value := range a {
		if base, ok := b[round]; ok && base > 0 {
			ratios = append(ratios, value/base)
		}
	}
	return median(ratios)
}

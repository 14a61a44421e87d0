// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import "time"

// beating is what a further tunnel costs in memory if both its peers are asked
// whether they are still there, and the processor time of one such question with
// its answer.
func (l *lab) beating(few, many int, d time.Duration) ([]float64, error) {
	values, err := l.idle(few, many, l.openPlain)
	if err != nil {
		return nil, err
	}
	seconds, err := l.cost(1, d, func() float64 { return float64(l.loop.pings) })
	return append(values, seconds), err
}

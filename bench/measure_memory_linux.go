// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"time"
)

// settling says when memory has come to rest: when it stayed within a small
// band for quiet. It is not waited for longer than limit, and nothing is done
// to hurry it: a collector of garbage runs when it does.
type settling struct{ quiet, limit time.Duration }

const memoryStep = 250 * time.Millisecond // between two looks

// settle waits until the proxy's memory rests, and returns it.
func (l *lab) settle() (bytes int64, err error) {
	start := time.Now()
	since, low, high := start, int64(0), int64(0)
	for {
		if bytes, err = l.process.memory(); err != nil {
			return 0, err
		}
		low, high = min(low, bytes), max(high, bytes)
		now := time.Now()
		if band := max(256<<10, bytes/200); high-low > band {
			since, low, high = now, bytes, bytes
		}
		switch {
		case now.Sub(since) >= l.settling.quiet:
			l.note("settled in %.0fs", now.Sub(start).Seconds())
			return bytes, nil
		case now.Sub(start) >= l.settling.limit:
			l.note("not settled after %.0fs", now.Sub(start).Seconds())
			return bytes, nil
		}
		if err := l.loop.runFor(memoryStep); err != nil {
			return 0, err
		}
	}
}

// idle is what a further tunnel costs in memory: the slope between few and
// many, in which what the proxy needs anyway does not appear.
func (l *lab) idle(few, many int, open func(int) error) ([]float64, error) {
	var sizes [2]int64
	for i, n := range []int{few, many - few} {
		if err := open(n); err != nil {
			return nil, err
		}
		var err error
		if sizes[i], err = l.settle(); err != nil {
			return nil, err
		}
	}
	if l.origin.open != many {
		return nil, fmt.Errorf("of %d tunnels %d are open at the origin", many, l.origin.open)
	}
	return []float64{float64(sizes[1]-sizes[0]) / float64(many-few)}, nil
}

// files is how many descriptors a further tunnel costs.
func (l *lab) files(few, many int) ([]float64, error) {
	var counts [2]int
	for i, n := range []int{few, many - few} {
		err := l.openPlain(n)
		if err == nil {
			err = l.loop.runFor(memoryStep)
		}
		if err == nil {
			counts[i], err = l.process.descriptors()
		}
		if err != nil {
			return nil, err
		}
	}
	return []float64{float64(counts[1]-counts[0]) / float64(many-few)}, nil
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"slices"
	"time"
)

// compare makes all experiments, in rounds. Within a round the proxies take turns in each
// measure, piece by piece where that can be, so that what is compared was measured close
// together; who comes first changes.
func (b *bench) compare(all []measure, proxies []*proxy, rounds int, verbose bool, r *results) error {
	began := time.Now()
	for round := 1; round <= rounds; round++ {
		for _, m := range all {
			var experiments []func(pass func())
			for i := range proxies {
				p := proxies[(i+round-1)%len(proxies)]
				if !m.carries(p) {
					continue
				}
				experiments = append(experiments, func(pass func()) {
					start := time.Now()
					values, others, note, err := b.try(m, p, pass)
					if b.ctx.Err() != nil {
						return
					}
					progress := fmt.Sprintf("%6s  round %d/%d  %-11s %-7s", time.Since(began).Truncate(time.Second), round, rounds, m.name(), p.name)
					if err != nil {
						fault := fmt.Sprintf("%s with %s in round %d: %v", m.name(), p.label, round, err)
						r.Faults = append(r.Faults, fault)
						fmt.Fprintln(os.Stderr, progress, "failed:", err)
						return
					}
					for i, value := range values {
						row := m.rows[i]
						r.Samples = append(r.Samples, sample{Round: round, Row: row.key, Proxy: p.name, Value: value, Note: note, Others: others})
						progress += fmt.Sprintf(" %8s %-2s", row.unit.format(value), row.unit)
					}
					if verbose {
						progress += fmt.Sprintf("  (%.1fs, others %.0f%%; %s)", time.Since(start).Seconds(), 100*others, note)
					}
					fmt.Fprintln(os.Stderr, progress)
				})
			}
			takeTurns(experiments)
			if b.ctx.Err() != nil {
				return b.ctx.Err()
			}
		}
	}
	return nil
}

// choose picks those of all that are named; all, if none is.
func choose[T any](all []T, name func(T) string, wanted []string) ([]T, error) {
	if len(wanted) == 0 {
		return all, nil
	}
	var known []string
	for _, one := range all {
		known = append(known, name(one))
	}
	for _, w := range wanted {
		if !slices.Contains(known, w) {
			return nil, fmt.Errorf("there is no %q, only %q", w, known)
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(one T) bool { return !slices.Contains(wanted, name(one)) }), nil
}

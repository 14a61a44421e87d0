// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package spelling finds the name that a misspelt one was meant to be.
package spelling

import (
	"iter"
	"strings"
)

// Nearest is the one of the names that a misspelt one is closest to, whatever the
// case; empty if too few letters are right.
func Nearest(misspelt string, names iter.Seq[string]) string {
	misspelt = strings.ToLower(misspelt)
	best, distance := "", min(2, len(misspelt)/3)+1
	for name := range names {
		d := edits(misspelt, strings.ToLower(name), distance)
		if d < distance || d == distance && best != "" && name < best {
			best, distance = name, d
		}
	}
	return best
}

// edits counts how many letters have to be put in, left out or changed, or pairs
// of them swapped, to make b of a. It gives up beyond limit.
func edits(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, last, row = last, row, before
		row[0] = i + 1
		for j := range len(b) {
			change := last[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const tail = " S 41 42 43 0 -1 4194560 100 200 0 0 150 25 7 3 20 0 9 0 1000 123 456"
	for _, command := range []string{"(caddy)", "(a b)", "(x) R 1 2 3)", "())"} {
		got, err := parseStat([]byte("40 " + command + tail))
		want := procStat{parent: 41, cpu: 1750 * time.Millisecond, reaped: 100 * time.Millisecond}
		if err != nil || got != want {
			t.Errorf("%s: got %+v (%v), want %+v", command, got, err, want)
		}
	}
	for _, broken := range []string{"", "40 caddy S 1", "40 (caddy) S 41 42", "40 (caddy) S x" + tail[5:]} {
		if got, err := parseStat([]byte(broken)); err == nil {
			t.Errorf("%q: got %+v", broken, got)
		}
	}
}

func TestParseRollup(t *testing.T) {
	const rollup = "55d0-7ffc ---p 00000000 00:00 0    [rollup]\n" +
		"Rss:               10240 kB\nPss:                2048 kB\nPss_Dirty:           100 kB\nPss_Anon:             90 kB\n"
	rss, pss, err := parseRollup([]byte(rollup))
	if err != nil || rss != 10<<20 || pss != 2<<20 {
		t.Errorf("got %d and %d (%v)", rss, pss, err)
	}
	for _, broken := range []string{"", "Rss: 1 kB\n", "Rss: 1 MB\nPss: 1 kB\n", "Rss: x kB\nPss: 1 kB\n"} {
		if rss, pss, err := parseRollup([]byte(broken)); err == nil {
			t.Errorf("%q: got %d and %d", broken, rss, pss)
		}
	}
}

func TestParseProcessor(t *testing.T) {
	const stat = "cpu  9 9 9 9 9 9 9\ncpu1 100 20 3 4000 5 6 7 8 0 0\ncpu11 1 1 1 1 1 1 1\nintr 5\n"
	if got, err := parseProcessor([]byte(stat), 1); err != nil || got != 1360*time.Millisecond {
		t.Errorf("got %s (%v)", got, err)
	}
	for _, missing := range []int{0, 2} {
		if got, err := parseProcessor([]byte(stat), missing); err == nil {
			t.Errorf("processor %d: got %s", missing, got)
		}
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// metrics are the gateway's counts at one moment, by their series as the text has
// them: name and labels.
type metrics map[string]float64

func parseMetrics(text string) (metrics, error) {
	m := make(metrics)
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		if at < 0 {
			return nil, fmt.Errorf("no value in %q", line)
		}
		value, err := strconv.ParseFloat(line[at+1:], 64)
		if err != nil {
			return nil, fmt.Errorf("reading %q: %w", line, err)
		}
		m[line[:at]] = value
	}
	return m, nil
}

// sum adds up the series of a name.
func (m metrics) sum(name string) (sum float64) {
	for series, value := range m {
		if before, _, _ := strings.Cut(series, "{"); before == name {
			sum += value
		}
	}
	return sum
}

var reasonLabel = regexp.MustCompile(`[{,]reason="([^"]*)"`)

// byReason adds up the series of a name for each reason.
func (m metrics) byReason(name string) map[string]int {
	sums := make(map[string]int)
	for series, value := range m {
		if label := reasonLabel.FindStringSubmatch(series); label != nil && strings.HasPrefix(series, name+"{") {
			sums[label[1]] += int(value)
		}
	}
	return sums
}

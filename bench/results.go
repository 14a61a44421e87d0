// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import "slices"

// sample is what one experiment found out: the value of a row for a proxy.
type sample struct {
	Round  int     `json:"round"`
	Row    string  `json:"row"`
	Proxy  string  `json:"proxy"`
	Value  float64 `json:"value"` // bytes, seconds, or a number
	Note   string  `json:"note,omitempty"`
	Others float64 `json:"others"` // share of the two processors that other programs took
}

// results are all samples, and what is needed to understand them.
type results struct {
	Machine string   `json:"machine"`
	Rounds  int      `json:"rounds"`
	Proxies []string `json:"proxies"` // "name: version"
	Samples []sample `json:"samples"`
	Faults  []string `json:"faults,omitempty"` // experiments that did not work

	rows    []row
	proxies []*proxy
}

// values are those of a row and a proxy, by round.
func (r *results) values(key, proxy string) map[int]float64 {
	values := make(map[int]float64)
	for _, s := range r.Samples {
		if s.Row == key && s.Proxy == proxy {
			values[s.Round] = s.Value
		}
	}
	return values
}

// value is the median over the rounds. NaN if there is none.
func (r *results) value(key, proxy string) float64 {
	var all []float64
	for _, value := range r.values(key, proxy) {
		all = append(all, value)
	}
	return median(all)
}

// ratio is ws_tunnel's value to another proxy's.
func (r *results) ratio(key, proxy string) float64 {
	return medianRatio(r.values(key, ours), r.values(key, proxy))
}

// has tells whether a row has any value.
func (r *results) has(key string) bool {
	return slices.ContainsFunc(r.Samples, func(s sample) bool { return s.Row == key })
}

// reached is what ws_tunnel has of a goal: a value, or a ratio.
func (r *results) reached(key string, g goal) float64 {
	if g.of == "" {
		return r.value(key, ours)
	}
	other := key
	if g.row != "" {
		other = g.row
	}
	return medianRatio(r.values(key, ours), r.values(other, g.of))
}

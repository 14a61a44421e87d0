// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"html"
	"strings"
	"time"
)

// The charts: two in a line, each from the beginning of the soak to its end and from
// zero to its largest value.
const (
	chartWidth  = 433
	chartHeight = 150
	plotLeft    = 12
	plotTop     = 40
	plotWidth   = chartWidth - 2*plotLeft
	plotHeight  = 84
	chartFoot   = 30
)

const chartStyle = `  <style>
    svg { color-scheme: light dark; font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; font-size: 12px; }
    .t { fill: #10263d; font-size: 14px; font-weight: 600; }
    .s { fill: #3d5064; }
    .e { text-anchor: end; }
    .l { fill: none; stroke: #3b6ea5; stroke-width: 1.5; stroke-linejoin: round; }
    .g { stroke: #a9b8c7; stroke-width: 1; }
    .reload { stroke: #c8a24a; stroke-width: 1; opacity: .6; }
    .restart { stroke: #b5544d; stroke-width: 1; opacity: .6; }
    @media (prefers-color-scheme: dark) {
      .t { fill: #e8f0f8; }
      .s { fill: #b4c4d4; }
      .l { stroke: #6ea3dc; }
      .g { stroke: #4d5d6e; }
    }
  </style>
`

// charts draws what the gateway was over time.
func (r *report) charts() string {
	all := []struct {
		title string
		unit  string
		scale float64
		of    func(sample) float64
		rate  bool // of a count, by the second
	}{
		{"Tunnels", "", 1, func(s sample) float64 { return s.tunnels }, false},
		{"Messages", " a second", 1, func(s sample) float64 { return s.messages }, true},
		{"Faults made", " a second", 1, func(s sample) float64 { return s.faults }, true},
		{"Resident memory", " MB", 1 << 20, func(s sample) float64 { return s.resident }, false},
		{"Descriptors", "", 1, func(s sample) float64 { return s.descriptors }, false},
		{"Goroutines", "", 1, func(s sample) float64 { return s.goroutines }, false},
	}
	var body strings.Builder
	for i, c := range all {
		values := make([]float64, len(r.samples))
		for j, s := range r.samples {
			if values[j] = c.of(s) / c.scale; c.rate {
				values[j] = r.rate(j, c.of)
			}
		}
		r.chart(&body, i%2*chartWidth, i/2*chartHeight, c.title, c.unit, values)
	}
	height := (len(all)+1)/2*chartHeight + chartFoot
	fmt.Fprintf(&body, "  <path class=\"reload\" d=\"M%d %dv12\"/><text class=\"s\" x=\"%d\" y=\"%d\">reload</text>\n", plotLeft, height-24, plotLeft+8, height-14)
	fmt.Fprintf(&body, "  <path class=\"restart\" d=\"M%d %dv12\"/><text class=\"s\" x=\"%d\" y=\"%d\">an origin restarts</text>\n", plotLeft+70, height-24, plotLeft+78, height-14)
	return fmt.Sprintf("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"title desc\">\n"+
		"  <title id=\"title\">The gateway during a soak</title>\n  <desc id=\"desc\">%s</desc>\n", 2*chartWidth, height,
		html.EscapeString(fmt.Sprintf("%d tunnels at a time for %s. %s", r.options.tunnels, r.options.length, r.machine))) +
		chartStyle + body.String() + "</svg>\n"
}

// rate is how fast a count grew up to a sample, by the second.
func (r *report) rate(i int, of func(sample) float64) float64 {
	if i == 0 {
		return 0
	}
	before, now := r.samples[i-1], r.samples[i]
	return (of(now) - of(before)) / (now.at - before.at).Seconds()
}

func (r *report) chart(body *strings.Builder, x, y int, title, unit string, values []float64) {
	highest := 0.0
	for _, value := range values {
		highest = max(highest, value)
	}
	fmt.Fprintf(body, "  <g transform=\"translate(%d %d)\">\n", x, y)
	fmt.Fprintf(body, "    <text class=\"t\" x=\"%d\" y=\"20\">%s</text>", plotLeft, html.EscapeString(title))
	fmt.Fprintf(body, "<text class=\"s e\" x=\"%d\" y=\"20\">up to %s%s</text>\n", plotLeft+plotWidth, number(highest), html.EscapeString(unit))
	for _, e := range r.events {
		fmt.Fprintf(body, "    <path class=\"%s\" d=\"M%.1f %dv%d\"/>\n", e.what, r.across(e.at), plotTop, plotHeight)
	}
	fmt.Fprintf(body, "    <path class=\"g\" d=\"M%d %dh%d\"/>\n", plotLeft, plotTop+plotHeight, plotWidth)
	var points []string
	for i, value := range values {
		if highest > 0 {
			value /= highest
		}
		points = append(points, fmt.Sprintf("%.1f,%.1f", r.across(r.samples[i].at), plotTop+plotHeight*(1-value)))
	}
	fmt.Fprintf(body, "    <polyline class=\"l\" points=\"%s\"/>\n", strings.Join(points, " "))
	fmt.Fprintf(body, "    <text class=\"s\" x=\"%d\" y=\"%d\">0:00</text><text class=\"s e\" x=\"%d\" y=\"%d\">%s</text>\n  </g>\n",
		plotLeft, plotTop+plotHeight+15, plotLeft+plotWidth, plotTop+plotHeight+15, clock(r.options.length))
}

// across is where a time is in a chart.
func (r *report) across(at time.Duration) float64 {
	return plotLeft + plotWidth*min(1, at.Seconds()/r.options.length.Seconds())
}

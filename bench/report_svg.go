// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// The chart: one group of bars for each row, all of a group to one scale, two
// groups in a line.
const (
	chartWidth  = 866
	groupWidth  = chartWidth / 2
	labelRight  = 108 // where proxies' names end, in a group
	barLeft     = 116
	barRoom     = 230 // the longest bar
	barHeight   = 14
	barStep     = 19
	groupHead   = 38
	groupFoot   = 10
	chartBottom = 34
)

const chartStyle = `  <style>
    svg { color-scheme: light dark; font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; font-size: 13px; }
    .t { fill: #10263d; font-size: 15px; font-weight: 600; }
    .s { fill: #3d5064; }
    .p { fill: #3d5064; text-anchor: end; }
    .p.us { fill: #10263d; font-weight: 600; }
    .b { fill: #a9b8c7; }
    .b.us { fill: #3b6ea5; }
    .v { fill: #3d5064; }
    .v.us { fill: #10263d; font-weight: 600; }
    @media (prefers-color-scheme: dark) {
      .t, .p.us, .v.us { fill: #e8f0f8; }
      .s, .p, .v { fill: #b4c4d4; }
      .b { fill: #4d5d6e; }
      .b.us { fill: #6ea3dc; }
    }
  </style>
`

// writeSVG draws the medians.
func (r *results) writeSVG(path string) error {
	return writeFile(path, []byte(r.chart()))
}

func (r *results) chart() string {
	var body strings.Builder
	x, y, lowest := 0, 0, 0
	for _, row := range headlines {
		if !r.has(row.key) {
			continue
		}
		lowest = max(lowest, r.group(&body, row, x, y))
		if x += groupWidth; x == chartWidth {
			x, y = 0, lowest
		}
	}
	y = lowest
	fmt.Fprintf(&body, "  <text class=\"s\" x=\"10\" y=\"%d\">%s</text>\n", y+22,
		html.EscapeString(fmt.Sprintf("Less is better. Medians of %d round(s), the proxy on one processor, the load on another.", r.Rounds)))
	const title = "What tunnels cost"
	return fmt.Sprintf("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"title desc\">\n"+
		"  <title id=\"title\">%s</title>\n  <desc id=\"desc\">%s</desc>\n", chartWidth, y+chartBottom, title, html.EscapeString(r.machineAndProxies())) +
		chartStyle + body.String() + "</svg>\n"
}

func (r *results) machineAndProxies() string {
	return r.Machine + ". " + strings.Join(r.Proxies, ". ") + "."
}

// group draws one row, and returns where the next begins.
func (r *results) group(body *strings.Builder, row row, x, y int) int {
	fmt.Fprintf(body, "  <text class=\"t\" x=\"%d\" y=\"%d\">%s</text>\n", x+10, y+26, html.EscapeString(row.label))
	y += groupHead
	longest := 0.0
	for _, p := range r.proxies {
		if value := r.value(row.key, p.name); value > longest { // not NaN
			longest = value
		}
	}
	for _, p := range r.proxies {
		value := r.value(row.key, p.name)
		if math.IsNaN(value) {
			continue
		}
		class := ""
		if p.name == ours {
			class = " us"
		}
		width := 1.0
		if longest > 0 {
			width = max(1, value/longest*barRoom)
		}
		middle := y + barHeight - 3
		fmt.Fprintf(body, "  <text class=\"p%s\" x=\"%d\" y=\"%d\">%s</text>", class, x+labelRight, middle, html.EscapeString(p.label))
		fmt.Fprintf(body, "<rect class=\"b%s\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" rx=\"2\"/>", class, x+barLeft, y, width, barHeight)
		fmt.Fprintf(body, "<text class=\"v%s\" x=\"%.1f\" y=\"%d\">%s</text>\n", class, float64(x+barLeft)+width+8, middle,
			html.EscapeString(strings.TrimSpace(row.unit.format(value)+" "+row.unit.String())))
		y += barStep
	}
	return y + groupFoot
}

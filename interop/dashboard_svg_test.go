// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"crypto/sha256"
	"fmt"
	"html"
	"math"
	"strings"
	"time"
)

// board is as much of Grafana's model of a dashboard as its picture shows.
type board struct {
	Title  string
	Panels []boardPanel
}

type boardPanel struct {
	Type, Title string
	Grid        struct{ X, Y, W, H int } `json:"gridPos"`
	Targets     []struct {
		Expr   string
		Legend string `json:"legendFormat"`
	}
	FieldConfig struct {
		Defaults struct {
			Unit   string
			Custom struct {
				Stacking struct{ Mode string }
				Scale    struct{ Type string } `json:"scaleDistribution"`
			}
		}
	}

	series []boardSeries
}

type boardSeries struct {
	name   string
	points []promPoint
}

// The measures of the picture: a column and a row of Grafana's grid, and what is
// between panels.
const (
	boardColumn = 46
	boardRow    = 18
	boardGap    = 6
	boardTop    = 36
)

const boardStyle = `<style>
svg { background: #f4f6f9 } rect { fill: #fff; stroke: #d5dbe4 } text { fill: #16243a; font-size: 10px }
.title { font-size: 12px; font-weight: 600 } .row { font-size: 14px; font-weight: 700 } .value { font-size: 24px; font-weight: 600; text-anchor: middle } .end { text-anchor: end }
path { fill: none; stroke-width: 1.3; stroke-linejoin: round } .axis { stroke: #c5cdd8; stroke-width: .6 } .up { fill: #4c9a5b; stroke: none } .down { fill: #c4483f; stroke: none }
@media (prefers-color-scheme: dark) { svg { background: #10161f } rect { fill: #1a2330; stroke: #33415a } text { fill: #e6ebf2 } .axis { stroke: #4d5d6e } }
</style>
`

// boardColors tell the lines of a panel apart, on white and on black.
var boardColors = []string{"#3b7dd8", "#d9822b", "#4c9a5b", "#c4483f", "#8a63c9", "#2aa3a3", "#b59b2c", "#c65c9a", "#7a8798"}

// svg draws the panels with what they show. The sum of the dashboard's file in it
// says of which dashboard it is.
func (b *board) svg(file []byte, begin, end time.Time) string {
	var body strings.Builder
	bottom := 0
	for i := range b.Panels {
		p := &b.Panels[i]
		f := boardFrame{
			x: boardGap + p.Grid.X*boardColumn, y: boardTop + p.Grid.Y*boardRow, w: p.Grid.W*boardColumn - boardGap, h: p.Grid.H*boardRow - boardGap,
			begin: float64(begin.UnixMilli()) / 1000, end: float64(end.UnixMilli()) / 1000,
		}
		bottom = max(bottom, f.y+f.h)
		if p.Type == "row" {
			fmt.Fprintf(&body, "<text class=\"row\" x=\"%d\" y=\"%d\">%s</text>\n", f.x, f.y+f.h-2, html.EscapeString(p.Title))
			continue
		}
		fmt.Fprintf(&body, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n<text class=\"title\" x=\"%d\" y=\"%d\">%s</text>\n", f.x, f.y, f.w, f.h, f.x+8, f.y+16, html.EscapeString(p.Title))
		switch p.Type {
		case "stat":
			p.stat(&body, f)
		case "state-timeline":
			p.states(&body, f)
		default:
			p.lines(&body, f)
		}
	}
	return fmt.Sprintf("<!-- dashboard.json %x -->\n<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"system-ui, sans-serif\">\n%s<text class=\"row\" x=\"6\" y=\"24\">%s</text>\n%s</svg>\n",
		sha256.Sum256(file), 24*boardColumn+boardGap, bottom+boardGap, boardStyle, html.EscapeString(b.Title), body.String())
}

// boardFrame is where a panel is, and of what time.
type boardFrame struct {
	x, y, w, h int
	begin, end float64
}

// across is where a time is.
func (f boardFrame) across(at float64) float64 {
	return float64(f.x+8) + (at-f.begin)/(f.end-f.begin)*float64(f.w-16)
}

// stat shows the last value.
func (p *boardPanel) stat(body *strings.Builder, f boardFrame) {
	last := 0.0
	for _, s := range p.series {
		last = s.points[len(s.points)-1].value
	}
	fmt.Fprintf(body, "<text class=\"value\" x=\"%d\" y=\"%d\">%s</text>\n", f.x+f.w/2, f.y+f.h-14, p.short(last))
}

// states shows since when something is up or down.
func (p *boardPanel) states(body *strings.Builder, f boardFrame) {
	for i, s := range p.series {
		y := f.y + 28 + i*24
		fmt.Fprintf(body, "<text x=\"%d\" y=\"%d\">%s</text>\n", f.x+8, y+8, html.EscapeString(s.name))
		for from := 0; from < len(s.points); {
			to := from
			for to < len(s.points)-1 && s.points[to].value == s.points[from].value {
				to++
			}
			class := "up"
			if s.points[from].value == 0 {
				class = "down"
			}
			left, right := f.across(s.points[from].at), f.across(s.points[to].at)
			fmt.Fprintf(body, "<rect class=\"%s\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"9\"/>\n", class, left, y+12, right-left)
			from = max(to, from+1)
		}
	}
}

// lines shows how values went.
func (p *boardPanel) lines(body *strings.Builder, f boardFrame) {
	stacked, log := p.FieldConfig.Defaults.Custom.Stacking.Mode == "normal", p.FieldConfig.Defaults.Custom.Scale.Type == "log"
	if stacked {
		sum := make(map[float64]float64)
		for _, s := range p.series {
			for i, at := range s.points {
				sum[at.at] += at.value
				s.points[i].value = sum[at.at]
			}
		}
	}
	highest, lowest := 0.0, math.Inf(1)
	for _, s := range p.series {
		for _, at := range s.points {
			if !math.IsNaN(at.value) {
				highest = max(highest, at.value)
			}
			if at.value > 0 {
				lowest = min(lowest, at.value)
			}
		}
	}
	top, bottom := float64(f.y+26), float64(f.y+f.h-22)
	height := func(v float64) float64 {
		share := v / highest
		if log && highest > lowest {
			share = math.Log(max(v, lowest)/lowest) / math.Log(highest/lowest)
		}
		return bottom - share*(bottom-top)
	}
	fmt.Fprintf(body, "<path class=\"axis\" d=\"M%d %.0fh%d\"/>\n<text class=\"end\" x=\"%d\" y=\"%d\">%s</text>\n", f.x+8, bottom, f.w-16, f.x+f.w-8, f.y+16, p.short(highest))
	legend := f.x + 8
	for i, s := range p.series {
		color := boardColors[i%len(boardColors)]
		var path strings.Builder
		last := math.Inf(-1)
		for _, at := range s.points {
			if math.IsNaN(at.value) {
				continue
			}
			step := "L"
			if at.at-last > 1 { // there is nothing between
				step = "M"
			}
			last = at.at
			y := bottom
			if highest > 0 {
				y = height(at.value)
			}
			fmt.Fprintf(&path, "%s%.0f %.1f", step, f.across(at.at), y)
		}
		fmt.Fprintf(body, "<path stroke=\"%s\" d=\"%s\"/>\n", color, path.String())
		if width := 14 + 6*len(s.name); legend+width < f.x+f.w {
			fmt.Fprintf(body, "<path stroke=\"%s\" stroke-width=\"3\" d=\"M%d %dh8\"/><text x=\"%d\" y=\"%d\">%s</text>\n", color, legend, f.y+f.h-10, legend+11, f.y+f.h-7, html.EscapeString(s.name))
			legend += width
		}
	}
}

// short is a value in the panel's unit.
func (p *boardPanel) short(v float64) string {
	switch p.FieldConfig.Defaults.Unit {
	case "percentunit":
		return fmt.Sprintf("%.3g%%", 100*v)
	case "s":
		if v < 0.1 {
			return fmt.Sprintf("%.2g ms", 1000*v)
		}
		return fmt.Sprintf("%.3g s", v)
	case "Bps":
		return scaled(v) + "B/s"
	case "ops":
		return scaled(v) + "/s"
	}
	return fmt.Sprintf("%.4g", v)
}

func scaled(v float64) string {
	for _, unit := range []string{"", " k", " M"} {
		if v < 1000 {
			return fmt.Sprintf("%.3g%s", v, unit)
		}
		v /= 1000
	}
	return fmt.Sprintf("%.3g G", v)
}

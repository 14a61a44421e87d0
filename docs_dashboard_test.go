// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"encoding/json"
	"fmt"
	"html"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestDocDashboardPicture holds the picture of the dashboard against its file. With
// WS_TUNNEL_PICTURES=write it draws it anew.
func TestDocDashboardPicture(t *testing.T) {
	const picture = "docs/img/dashboard.svg"
	raw, err := os.ReadFile("docs/grafana/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var board dashboard
	if err := json.Unmarshal(raw, &board); err != nil {
		t.Fatal(err)
	}
	want := board.svg()
	if os.Getenv("WS_TUNNEL_PICTURES") == "write" {
		if err := os.WriteFile(picture, []byte(want), 0o644); err != nil { //nolint:gosec // it is for everyone
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(picture); err != nil || string(got) != want {
		t.Errorf("%s is of another dashboard (%v): WS_TUNNEL_PICTURES=write go test -run DashboardPicture . draws it anew", picture, err)
	}
}

// dashboard is as much of Grafana's model as the picture shows.
type dashboard struct {
	Title  string `json:"title"`
	Panels []struct {
		Type    string                   `json:"type"`
		Title   string                   `json:"title"`
		Grid    struct{ X, Y, W, H int } `json:"gridPos"`
		Targets []struct{ Expr string }  `json:"targets"`
	} `json:"panels"`
}

var dashboardMetric = regexp.MustCompile(`caddy_ws_tunnel_(\w+)`)

// svg draws where the panels are, and what metrics they show.
func (d dashboard) svg() string {
	const column, row, gap = 46, 16, 6
	var body strings.Builder
	bottom := 0
	for _, p := range d.Panels {
		x, y, w, h := gap+p.Grid.X*column, 44+p.Grid.Y*row, p.Grid.W*column-gap, p.Grid.H*row-gap
		bottom = max(bottom, y+h)
		if p.Type == "row" {
			fmt.Fprintf(&body, "<text class=\"row\" x=\"%d\" y=\"%d\">%s</text>\n", x, y+h-2, html.EscapeString(p.Title))
			continue
		}
		fmt.Fprintf(&body, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n", x, y, w, h)
		fmt.Fprintf(&body, "<text class=\"title\" x=\"%d\" y=\"%d\">%s</text>\n", x+10, y+20, html.EscapeString(p.Title))
		shown := make(map[string]bool)
		for _, target := range p.Targets {
			for _, m := range dashboardMetric.FindAllStringSubmatch(target.Expr, -1) {
				if shown[m[1]] {
					continue
				}
				shown[m[1]] = true
				fmt.Fprintf(&body, "<text class=\"metric\" x=\"%d\" y=\"%d\">…_%s</text>\n", x+10, y+20+17*len(shown), m[1])
			}
		}
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="system-ui, sans-serif">
<style>
svg { background: #f4f6f9 } rect { fill: #fff; stroke: #d5dbe4 } text { fill: #16243a }
.title { font-size: 13px; font-weight: 600 } .row { font-size: 14px; font-weight: 700 } .metric { font-size: 11px; fill: #55647a }
@media (prefers-color-scheme: dark) { svg { background: #10161f } rect { fill: #1a2330; stroke: #33415a } text { fill: #e6ebf2 } .metric { fill: #9fb0c8 } }
</style>
<text class="row" x="6" y="28">%s</text>
%s</svg>
`, 24*column+gap, bottom+gap, html.EscapeString(d.Title), body.String())
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"html"
	"os"
	"strings"
	"testing"
)

// TestDocDashboardPicture holds the picture of the dashboard against its file. The
// test TestDashboard in interop draws it, with what Prometheus answered.
func TestDocDashboardPicture(t *testing.T) {
	const picture = "docs/img/dashboard.svg"
	raw, err := os.ReadFile("docs/grafana/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct{ Panels []struct{ Title string } }
	if err := json.Unmarshal(raw, &board); err != nil {
		t.Fatal(err)
	}
	drawn, err := os.ReadFile(picture)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(drawn), fmt.Sprintf("dashboard.json %x", sha256.Sum256(raw))) {
		t.Errorf("%s is of another dashboard: go test -tags interop -run TestDashboard -artifacts ./interop draws it anew", picture)
	}
	for _, p := range board.Panels {
		if !strings.Contains(string(drawn), ">"+html.EscapeString(p.Title)+"</text>") {
			t.Errorf("%s does not show %s", picture, p.Title)
		}
	}
}

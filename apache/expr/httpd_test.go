// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
)

// differs has the conditions whose answer is another than httpd's, and why.
var differs = map[string]string{
	`'10.1.2.300' -ipmatch '10.0.0.0/8'`: "fails", // httpd asks the DNS for it
}

// TestConditions compares with what httpd 2.4.71 has been measured to do.
func TestConditions(t *testing.T) {
	r, dir := httpdRequest(t)
	for _, line := range testdataLines(t, "conditions.txt") {
		want, text, _ := strings.Cut(line, "\t")
		if other, ok := differs[text]; ok {
			want = other
		}
		var got string
		c, err := ParseCondition(strings.ReplaceAll(text, "@DIR@", dir))
		if err != nil {
			got = "error"
			if !strings.HasPrefix(err.Error(), "column ") {
				t.Errorf("%s: %q names no column", text, err)
			}
		} else {
			var holds bool
			holds, err = c.Holds(r)
			if got = strconv.FormatBool(holds); err != nil {
				got = "fails"
			}
		}
		if got != want {
			t.Errorf("%s: got %s (%v), want %s", text, got, err, want)
		}
	}
}

// TestTexts compares with what httpd 2.4.71 has been measured to do.
func TestTexts(t *testing.T) {
	r, dir := httpdRequest(t)
	for _, line := range testdataLines(t, "texts.txt") {
		source, want, _ := strings.Cut(line, "\t")
		var got string
		text, err := ParseText(strings.ReplaceAll(source, "@DIR@", dir))
		if err != nil {
			got = "error"
		} else if got, err = text.Expand(r); err != nil {
			got = "fails"
		} else {
			got = strconv.Quote(got)
		}
		if got != want {
			t.Errorf("%s: got %s (%v), want %s", source, got, err, want)
		}
	}
}

// testdataLines are those of a table, without comments.
func testdataLines(t testing.TB, name string) []string {
	t.Helper()
	table, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(table)) {
		if line = strings.TrimSuffix(line, "\n"); line != "" && !strings.HasPrefix(line, "# ") {
			lines = append(lines, line)
		}
	}
	if len(lines) < 50 {
		t.Fatalf("%s has %d lines only", name, len(lines))
	}
	return lines
}

// httpdRequest is the request that httpd was measured with, and the folder that
// its DocumentRoot was like.
func httpdRequest(t testing.TB) (r *request.Request, dir string) {
	t.Helper()
	t.Setenv("LAB_VARIABLE", "from the system")
	dir = t.TempDir()
	area := filepath.Join(dir, "area")
	for _, err := range []error{
		os.Mkdir(area, 0o755),
		os.WriteFile(filepath.Join(area, "page.html"), []byte("hello\n"), 0o644),
		os.WriteFile(filepath.Join(area, "empty"), nil, 0o644),
		os.WriteFile(filepath.Join(area, "run"), []byte("#!/bin/sh\n"), 0o755),
		os.Symlink("page.html", filepath.Join(area, "link")),
		os.Symlink("nowhere", filepath.Join(area, "dangling")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	r = &request.Request{
		Method:   "GET",
		Line:     "GET /area/page.html?a=1&b=two HTTP/1.1",
		Protocol: "HTTP/1.1",
		Host:     "site.test",
		Header: http.Header{
			"User-Agent":      {"probe/1.0 (test)"},
			"Connection":      {"close"},
			"Upgrade":         {"websocket"},
			"Get-Kind":        {"get it"},
			"X-Twice":         {"one", "two"},
			"X-Empty":         {""},
			"X-Num":           {"42"},
			"X-Forwarded-For": {"192.0.2.7"},
		},
		URI:      "/area/page.html",
		Query:    "a=1&b=two",
		Filename: filepath.Join(area, "page.html"),
		Server:   &request.Server{Name: "site.test", Admin: "admin@site.test", DocumentRoot: dir},
		Remote:   netip.MustParseAddrPort("127.0.0.1:50000"),
		Peer:     netip.MustParseAddrPort("127.0.0.1:50000"),
		Local:    netip.MustParseAddrPort("127.0.0.1:80"),
		Time:     time.Date(2026, 11, 25, 20, 30, 0, 0, time.UTC),
	}
	r.SetEnv("FLAG", "yes")
	return r, dir
}

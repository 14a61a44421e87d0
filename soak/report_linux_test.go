// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// flat are samples of a gateway in which nothing changes.
func flat() (samples []sample) {
	for i := range 40 {
		samples = append(samples, sample{
			at: time.Duration(i) * time.Second, tunnels: 8000, resident: 300 << 20, descriptors: 15000, goroutines: 3000,
			messages: float64(5000 * i), faults: float64(20 * i),
		})
	}
	return samples
}

func TestTrend(t *testing.T) {
	for name, test := range map[string]struct {
		change func(i int, s *sample)
		want   string
	}{
		"nothing":     {func(int, *sample) {}, ""},
		"at opening":  {func(i int, s *sample) { s.resident = min(s.resident, float64(i*60<<20)) }, ""},
		"memory":      {func(i int, s *sample) { s.resident += float64(i * 8 << 20) }, "bytes of resident memory"},
		"as tunnels":  {func(i int, s *sample) { s.descriptors, s.tunnels = float64(2000*i), float64(1000*i) }, ""},
		"descriptors": {func(i int, s *sample) { s.descriptors += float64(i) * 300 }, "descriptors in the second quarter"},
		"goroutines":  {func(i int, s *sample) { s.goroutines += float64(i) * 30 }, "goroutines in the second quarter"},
		"one outlier": {func(i int, s *sample) { s.goroutines += float64(i / 39 * 100000) }, ""},
	} {
		samples := flat()
		for i := range samples {
			test.change(i, &samples[i])
		}
		got := strings.Join(trend(samples, 10*time.Second), "; ")
		if test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	if len(trend(flat()[:5], 0)) == 0 {
		t.Error("five samples are enough to judge by")
	}
}

func TestGrowth(t *testing.T) {
	before := state{heap: 6 << 20, descriptors: 18, goroutines: 22}
	if faults := growth(before, state{heap: 9 << 20, descriptors: 19, goroutines: 21}, 8000); len(faults) > 0 {
		t.Errorf("faults %q", faults)
	}
	if faults := growth(before, state{tunnels: 1, heap: 60 << 20, descriptors: 30, goroutines: 60}, 8000); len(faults) != 4 {
		t.Errorf("faults %q", faults)
	}
}

func TestParseMetrics(t *testing.T) {
	m, err := parseMetrics(`# HELP ended Ended.
ended_total{name="a b",reason="admin"} 3
ended_total{name="b",reason="admin"} 4
ended_total{name="b",reason="reload"} 1e+03
ended_total_other{name="b",reason="reload"} 5
plain 2.5
`)
	if err != nil {
		t.Fatal(err)
	}
	if m.sum("ended_total") != 1007 || m.sum("plain") != 2.5 {
		t.Errorf("sums %v, %v", m.sum("ended_total"), m.sum("plain"))
	}
	if got := m.byReason("ended_total"); len(got) != 2 || got["admin"] != 7 || got["reload"] != 1000 {
		t.Errorf("by reason: %v", got)
	}
	for _, text := range []string{"alone", "a b"} {
		if _, err := parseMetrics(text); err == nil {
			t.Errorf("%q is read", text)
		}
	}
}

func sampleReport() *report {
	return &report{
		options: options{length: 40 * time.Second, tunnels: 8000}, ledger: newLedger(), machine: "a <machine>", samples: flat(),
		events: []event{{10 * time.Second, "reload"}, {20 * time.Second, "restart"}, {30 * time.Second, "reload"}},
	}
}

func TestReport(t *testing.T) {
	r := sampleReport()
	r.ledger.ended["client_gone"] = 12
	var text strings.Builder
	r.writeText(&text)
	for _, want := range []string{"a <machine>\n8000 tunnels at a time for 40s\n", "client_gone", "15000", "\nNothing is wrong.\n"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	for range maxFaults + 2 {
		r.ledger.wrong("tunnel %d fell over", 7)
	}
	text.Reset()
	r.writeText(&text)
	if got := text.String(); strings.Contains(got, "Nothing is wrong") || !strings.Contains(got, "0:00 tunnel 7 fell over\n- and 2 more\n") {
		t.Errorf("after faults:\n%s", got)
	}
}

func TestChartsAreXML(t *testing.T) {
	charts := sampleReport().charts()
	decoder := xml.NewDecoder(strings.NewReader(charts))
	for {
		_, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, charts)
		}
	}
	if n := strings.Count(charts, "<polyline"); n != 6 {
		t.Errorf("%d lines, want 6", n)
	}
	if n := strings.Count(charts, "class=\"reload\""); n != 6*2+1 {
		t.Errorf("%d marks of reloads, want 2 in each chart and one in the legend", n)
	}
	if !strings.Contains(charts, "up to 5000 a second") {
		t.Error("messages are no rate")
	}
}

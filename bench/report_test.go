// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func sampleResults() *results {
	r := &results{Rounds: 3, rows: []row{rowIdle, rowSteady, rowTail}, proxies: allProxies(), Proxies: []string{"HAProxy: <1>"}}
	for round, factor := range []float64{1, 10, 2} { // the machine was slow in the second
		r.Samples = append(r.Samples,
			sample{Round: round, Row: rowSteady.key, Proxy: ours, Value: 19e-6 * factor},
			sample{Round: round, Row: rowSteady.key, Proxy: haproxy, Value: 20e-6 * factor},
			sample{Round: round, Row: rowSteady.key, Proxy: stock, Value: 25e-6 * factor},
			sample{Round: round, Row: rowIdle.key, Proxy: ours, Value: 2048})
	}
	return r
}

func TestTable(t *testing.T) {
	var out strings.Builder
	if err := sampleResults().writeText(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		rowSteady.label, " 38.0 ", " 40.0 ", " 50.0 ", " 0.95 ", " 0.76 ",
		"≤ 0.95 × HAProxy: met; ≤ 0.65 × reverse_proxy: not met",
		" 2.00 ", "≤ 1.50 KB: not met; ≤ 0.33 × HAProxy\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), rowTail.label) {
		t.Errorf("a row without values:\n%s", out.String())
	}
}

func TestChartIsXML(t *testing.T) {
	chart := sampleResults().chart()
	decoder := xml.NewDecoder(strings.NewReader(chart))
	for {
		_, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, chart)
		}
	}
	if n := strings.Count(chart, "<rect"); n != 4 {
		t.Errorf("%d bars, want 4", n)
	}
}

func TestFormat(t *testing.T) {
	for _, test := range []struct {
		unit  unit
		value float64
		want  string
	}{
		{kilobytes, 4.56 * 1024, "4.56"}, {kilobytes, -2048, "-2.00"}, {microseconds, 23.44e-6, "23.4"},
		{microseconds, 9.999e-6, "10.0"}, {microseconds, 99.96e-6, "100"}, {milliseconds, 1.963, "1963"}, {number, 2, "2.00"},
	} {
		if got := test.unit.format(test.value); got != test.want {
			t.Errorf("%v: %q, want %q", test.value, got, test.want)
		}
	}
}

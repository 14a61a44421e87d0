// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
)

// writeText prints the table.
func (r *results) writeText(out io.Writer) error {
	fmt.Fprintf(out, "%s\n", r.Machine)
	for _, p := range r.Proxies {
		fmt.Fprintf(out, "%s\n", p)
	}
	fmt.Fprintf(out, "Other programs took %s of the two processors.\n", r.others())
	fmt.Fprintf(out, "\nMedians of %d round(s); ratios are taken within a round. Less is better everywhere.\n\n", r.Rounds)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := []string{"", "unit"}
	for _, p := range r.proxies {
		line = append(line, p.label)
	}
	line = append(line, "/HAProxy", "/reverse_proxy", "goal")
	fmt.Fprintln(table, strings.Join(line, "\t"))
	for _, row := range r.rows {
		if !r.has(row.key) {
			continue
		}
		line = []string{row.label, row.unit.String()}
		for _, p := range r.proxies {
			line = append(line, row.unit.format(r.value(row.key, p.name)))
		}
		line = append(line, formatRatio(r.ratio(row.key, haproxy)), formatRatio(r.ratio(row.key, stock)), r.judge(row))
		fmt.Fprintln(table, strings.Join(line, "\t"))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("writing the table: %w", err)
	}
	for _, fault := range r.Faults {
		fmt.Fprintf(out, "\nDid not work: %s\n", fault)
	}
	return nil
}

// others is how much else the machine did. With more than a few percent, times
// say little.
func (r *results) others() string {
	var all []float64
	for _, s := range r.Samples {
		all = append(all, 100*s.Others)
	}
	if len(all) == 0 {
		return "an unknown part"
	}
	return fmt.Sprintf("%.0f to %.0f %% (median %.0f %%)", slices.Min(all), slices.Max(all), median(all))
}

// judge says which goals there are, and whether they were met.
func (r *results) judge(row row) string {
	var verdicts []string
	for _, g := range row.goals {
		text := "≤ " + row.unit.format(g.most) + " " + row.unit.String()
		if g.of != "" {
			text = fmt.Sprintf("≤ %s × %s", trimNumber(g.most), labelOf(g.of))
		}
		if g.row != "" {
			text = fmt.Sprintf("≤ %s × without", trimNumber(g.most))
		}
		switch reached := r.reached(row.key, g); {
		case math.IsNaN(reached):
		case row.met(g, reached):
			text += ": met"
		default:
			text += ": not met"
		}
		verdicts = append(verdicts, strings.ReplaceAll(text, "  ", " "))
	}
	return strings.Join(verdicts, "; ")
}

// met compares what the table shows: a goal of 2 is met by 2.00.
func (row row) met(g goal, reached float64) bool {
	if g.of == "" && row.unit == number {
		reached = math.Round(reached*100) / 100
	}
	return reached <= g.most
}

func labelOf(name string) string {
	for _, p := range allProxies() {
		if p.name == name {
			return p.label
		}
	}
	return name
}

func (u unit) String() string { return [...]string{"KB", "µs", "ms", ""}[u] }

// format shows a value with three digits that mean something, or so.
func (u unit) format(value float64) string {
	if math.IsNaN(value) {
		return "–"
	}
	return trimNumber(value * [...]float64{1. / 1024, 1e6, 1e3, 1}[u])
}

func trimNumber(value float64) string {
	digits := 2
	switch {
	case math.Abs(value) >= 99.95:
		digits = 0
	case math.Abs(value) >= 9.995:
		digits = 1
	}
	return fmt.Sprintf("%.*f", digits, value)
}

func formatRatio(ratio float64) string {
	if math.IsNaN(ratio) {
		return "–"
	}
	return fmt.Sprintf("%.2f", ratio)
}

// writeFile writes a report, with the permissions that the user gives to files.
func writeFile(path string, content []byte) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	return errors.Join(err, file.Close())
}

// writeJSON writes everything that was measured.
func (r *results) writeJSON(path string) error {
	raw, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return fmt.Errorf("encoding the results: %w", err)
	}
	return writeFile(path, append(raw, '\n'))
}

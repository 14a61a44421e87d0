// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// report is what a soak comes to.
type report struct {
	options       options
	plan          plan
	ledger        *ledger
	machine       string
	before, after state

	mu      sync.Mutex // guards what follows, while the soak runs
	samples []sample
	events  []event
}

func (r *report) add(s sample) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.samples = append(r.samples, s)
}

func (r *report) mark(e event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// write reports. What is wrong is an error.
func (r *report) write(o options) error {
	var text strings.Builder
	r.writeText(&text)
	_, err := io.WriteString(os.Stdout, text.String())
	if o.report != "" {
		err = errors.Join(err, writeFile(o.report, text.String()))
	}
	if o.svg != "" {
		err = errors.Join(err, writeFile(o.svg, r.charts()))
	}
	if n := r.ledger.faultCount; n > 0 {
		err = errors.Join(err, fmt.Errorf("%d things are wrong", n))
	}
	return err
}

// writeFile writes with the permissions that the user gives to files.
func writeFile(path, content string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.WriteString(file, content)
	return errors.Join(err, file.Close())
}

func (r *report) writeText(out io.Writer) {
	l := r.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(out, "%s\n%d tunnels at a time for %s\n\n", r.machine, r.options.tunnels, r.options.length)
	count := func(name string, n int) { fmt.Fprintf(out, "%-40s %9d\n", name, n) }
	count("handshakes", l.asked)
	count("tunnels opened", l.opened)
	count("MB carried", int(l.bytes>>20))
	if n := len(r.samples); n > 0 {
		count("messages, at the last sample", int(r.samples[n-1].messages))
	}
	section := func(title string, counts map[string]int) {
		fmt.Fprintf(out, "\n%s\n", title)
		for _, name := range slices.Sorted(maps.Keys(counts)) {
			count(name, counts[name])
		}
	}
	section("WHAT THE SOAK DID", l.done)
	section("TUNNELS ENDED", l.ended)
	section("HANDSHAKES REFUSED", l.refused)
	if len(l.warnings) > 0 {
		section("WARNINGS LOGGED", l.warnings)
	}
	fmt.Fprintln(out)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "THE GATEWAY\tat rest, before\tat rest, after\tmedian, 2nd quarter\tmedian, last quarter\t\n")
	early, late := quarters(r.samples, r.plan.opening)
	line := func(name string, before, after float64, of func(sample) float64, scale float64) {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t\n", name, number(before/scale), number(after/scale), number(median(early, of)/scale), number(median(late, of)/scale))
	}
	const mb = 1 << 20
	line("tunnels", r.before.tunnels, r.after.tunnels, func(s sample) float64 { return s.tunnels }, 1)
	line("goroutines", r.before.goroutines, r.after.goroutines, func(s sample) float64 { return s.goroutines }, 1)
	line("descriptors", r.before.descriptors, r.after.descriptors, func(s sample) float64 { return s.descriptors }, 1)
	line("live heap, or in use, MB", r.before.heap, r.after.heap, func(s sample) float64 { return s.heap }, mb)
	line("resident, MB", -1, -1, func(s sample) float64 { return s.resident }, mb)
	table.Flush()

	if l.faultCount == 0 {
		fmt.Fprintln(out, "\nNothing is wrong.")
		return
	}
	fmt.Fprintf(out, "\n%d THINGS ARE WRONG:\n", l.faultCount)
	for _, fault := range l.faults {
		fmt.Fprintf(out, "- %s\n", fault)
	}
	if more := l.faultCount - len(l.faults); more > 0 {
		fmt.Fprintf(out, "- and %d more\n", more)
	}
}

// number is a value for a table, or a dash if there is none.
func number(value float64) string {
	switch {
	case value < 0:
		return "–"
	case value < 100:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", value), ".0")
	}
	return fmt.Sprintf("%.0f", value)
}

// clock is a time of the soak, as the charts have it.
func clock(d time.Duration) string {
	return fmt.Sprintf("%d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}

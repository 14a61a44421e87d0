// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"strconv"
	"time"
)

// ticksPerSecond is USER_HZ, which is 100 on every Linux that Go runs on.
const ticksPerSecond = 100

// procStat is what /proc/PID/stat tells of a process.
type procStat struct {
	parent int
	cpu    time.Duration // user and system time of all its threads, also those that ended
	reaped time.Duration // the same of its children that ended and were waited for
}

// parseStat reads /proc/PID/stat. The second field, the command, may contain
// blanks and parentheses itself, so fields are counted from its last one.
func parseStat(stat []byte) (procStat, error) {
	_, rest, ok := bytes.Cut(stat, []byte("("))
	end := bytes.LastIndexByte(rest, ')')
	if !ok || end < 0 {
		return procStat{}, fmt.Errorf("stat without a command: %q", stat)
	}
	fields := bytes.Fields(rest[end+1:]) // from field 3, the state
	var s procStat
	for _, field := range []struct {
		number int // as in proc(5)
		add    func(int64)
	}{
		{4, func(n int64) { s.parent = int(n) }},
		{14, func(n int64) { s.cpu += ticks(n) }},
		{15, func(n int64) { s.cpu += ticks(n) }},
		{16, func(n int64) { s.reaped += ticks(n) }},
		{17, func(n int64) { s.reaped += ticks(n) }},
	} {
		i := field.number - 3
		if i >= len(fields) {
			return procStat{}, fmt.Errorf("stat without field %d: %q", field.number, stat)
		}
		n, err := strconv.ParseInt(string(fields[i]), 10, 64)
		if err != nil {
			return procStat{}, fmt.Errorf("field %d of stat: %w", field.number, err)
		}
		field.add(n)
	}
	return s, nil
}

// parseProcessor reads from /proc/stat how long a processor was busy since the
// system started. Interrupts count, since the times of the programs that they
// interrupt contain them, too.
func parseProcessor(stat []byte, cpu int) (time.Duration, error) {
	name := "cpu" + strconv.Itoa(cpu)
	for line := range bytes.Lines(stat) {
		fields := bytes.Fields(line)
		if len(fields) < 8 || string(fields[0]) != name {
			continue
		}
		var total int64
		for _, i := range []int{1, 2, 3, 6, 7} { // user, nice, system, irq, softirq
			n, err := strconv.ParseInt(string(fields[i]), 10, 64)
			if err != nil {
				return 0, fmt.Errorf("%s in stat: %w", name, err)
			}
			total += n
		}
		return ticks(total), nil
	}
	return 0, fmt.Errorf("no %s in stat", name)
}

func ticks(n int64) time.Duration { return time.Duration(n) * time.Second / ticksPerSecond }

// parseRollup reads the resident size and the proportional one, in bytes, from
// /proc/PID/smaps_rollup.
func parseRollup(rollup []byte) (rss, pss int64, err error) {
	if rss, err = rollupField(rollup, "Rss:"); err != nil {
		return 0, 0, err
	}
	pss, err = rollupField(rollup, "Pss:")
	return rss, pss, err
}

func rollupField(rollup []byte, name string) (int64, error) {
	for line := range bytes.Lines(rollup) {
		fields := bytes.Fields(line)
		if len(fields) != 3 || string(fields[0]) != name {
			continue
		}
		if string(fields[2]) != "kB" {
			return 0, fmt.Errorf("%s in %s, not in kB", name, fields[2])
		}
		n, err := strconv.ParseInt(string(fields[1]), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s %w", name, err)
		}
		return n << 10, nil
	}
	return 0, fmt.Errorf("no %s in smaps_rollup", name)
}

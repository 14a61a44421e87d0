// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// family is a process and its descendants: a proxy with its workers.
type family map[int]procStat

// familyOf finds the descendants of a process by asking every process for its
// parent. One that ends meanwhile is left out.
func familyOf(root int) (family, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	all := make(family)
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		raw, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "stat"))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading a process's times: %w", err)
		}
		if all[pid], err = parseStat(raw); err != nil {
			return nil, err
		}
	}
	if _, ok := all[root]; !ok {
		return nil, fmt.Errorf("process %d is gone", root)
	}
	found := family{root: all[root]}
	for grown := true; grown; {
		grown = false
		for pid, stat := range all {
			_, known := found[pid]
			_, child := found[stat.parent]
			if !known && child {
				found[pid], grown = stat, true
			}
		}
	}
	return found, nil
}

// cpuTime is the processor time that a process and its descendants used so
// far, those that have ended included.
func cpuTime(root int) (time.Duration, error) {
	members, err := familyOf(root)
	if err != nil {
		return 0, err
	}
	var total time.Duration
	for _, stat := range members {
		total += stat.cpu + stat.reaped
	}
	return total, nil
}

// residentSize is the memory of a process and its descendants, in bytes: the
// resident size of one process, or the proportional sizes of several, since
// they share pages.
func residentSize(root int) (int64, error) {
	members, err := familyOf(root)
	if err != nil {
		return 0, err
	}
	var total int64
	for pid := range members {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			if pid != root && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH)) {
				continue
			}
			return 0, fmt.Errorf("reading memory: %w", err)
		}
		rss, pss, err := parseRollup(raw)
		if err != nil {
			return 0, err
		}
		if len(members) == 1 {
			return rss, nil
		}
		total += pss
	}
	return total, nil
}

// descriptors counts what a process and its descendants have open.
func descriptors(root int) (int, error) {
	members, err := familyOf(root)
	if err != nil {
		return 0, err
	}
	total := 0
	for pid := range members {
		open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
		if err != nil {
			return 0, fmt.Errorf("counting descriptors: %w", err)
		}
		total += len(open)
	}
	return total, nil
}

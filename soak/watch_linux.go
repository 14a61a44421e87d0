// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// look takes a sample.
func (s *soak) look(ctx context.Context) (sample, error) {
	m, err := s.metrics(ctx)
	if err != nil {
		return sample{}, err
	}
	resident, descriptors, err := procfs(s.gateway.cmd.Process.Pid)
	if err != nil {
		return sample{}, err
	}
	return sample{
		at:       time.Since(s.began),
		tunnels:  m.sum("caddy_ws_tunnel_active"),
		resident: resident, descriptors: descriptors,
		heap:       m.sum("go_memstats_heap_inuse_bytes"),
		goroutines: m.sum("go_goroutines"),
		messages:   m.sum("caddy_ws_tunnel_messages_total"),
		faults:     float64(s.ledger.faultsMade()),
	}, nil
}

func (s *soak) metrics(ctx context.Context) (metrics, error) {
	text, err := s.gateway.ask(ctx, http.MethodGet, "/metrics", "")
	if err != nil {
		return nil, fmt.Errorf("asking for metrics: %w", err)
	}
	return parseMetrics(text)
}

// rest waits until the gateway has nothing to do, and returns what it is then: as
// it was before, if that comes to be in time.
func (s *soak) rest(ctx context.Context, before *state) (state, error) {
	limit, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for last := (state{}); ; {
		// Twice, since what was in a pool is garbage the second time.
		for range 2 {
			if _, err := s.gateway.ask(ctx, http.MethodGet, "/debug/pprof/heap?gc=1", ""); err != nil {
				return state{}, fmt.Errorf("collecting garbage: %w", err)
			}
		}
		m, err := s.metrics(ctx)
		if err != nil {
			return state{}, err
		}
		_, descriptors, err := procfs(s.gateway.cmd.Process.Pid)
		if err != nil {
			return state{}, err
		}
		now := state{m.sum("caddy_ws_tunnel_active"), m.sum("go_memstats_heap_alloc_bytes"), descriptors, m.sum("go_goroutines")}
		if now.tunnels == 0 {
			settled := now.goroutines == last.goroutines && now.descriptors == last.descriptors
			if before == nil && settled || before != nil && len(growth(*before, now, s.options.tunnels)) == 0 {
				return now, nil
			}
		}
		last = now
		wait(limit, time.Second)
		if limit.Err() != nil {
			return now, ctx.Err()
		}
	}
}

// procfs reads a process's resident size in bytes, and how many descriptors it has.
func procfs(pid int) (resident, descriptors float64, err error) {
	statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, 0, fmt.Errorf("reading memory: %w", err)
	}
	fields := bytes.Fields(statm)
	if len(fields) < 2 {
		return 0, 0, errors.New("statm has no resident size")
	}
	pages, err := strconv.Atoi(string(fields[1]))
	if err != nil {
		return 0, 0, fmt.Errorf("reading memory: %w", err)
	}
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return 0, 0, fmt.Errorf("counting descriptors: %w", err)
	}
	return float64(pages * os.Getpagesize()), float64(len(open)), nil
}

// listeners counts the sockets that listen for TCP at an address. For each config Caddy
// has sockets of its own, and those of the one before close soon after a reload.
func listeners(address string) (n int, err error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return 0, err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return 0, err
	}
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return 0, fmt.Errorf("looking for listeners: %w", err)
	}
	for line := range strings.Lines(string(table)) {
		// Local address, remote address and state, as proc_net_tcp.txt of the kernel has it.
		fields := strings.Fields(line)
		if len(fields) > 3 && strings.HasSuffix(fields[1], fmt.Sprintf(":%04X", number)) && fields[3] == "0A" {
			n++
		}
	}
	return n, nil
}

// machine describes where the soak ran.
func machine() string {
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	info, _ := os.ReadFile("/proc/cpuinfo")
	model := runtime.GOARCH
	if _, rest, ok := strings.Cut(string(info), "model name\t: "); ok {
		model, _, _ = strings.Cut(rest, "\n")
	}
	return fmt.Sprintf("%s, %d processors for gateway and load, Linux %s, %s", model, runtime.NumCPU(), strings.TrimSpace(string(kernel)), runtime.Version())
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// cores says who runs where.
type cores struct{ load, proxy int }

// chooseCores takes the first and the last processor that this process may
// use.
func chooseCores() (c cores, err error) {
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return c, fmt.Errorf("asking for processors: %w", err)
	}
	c = cores{-1, -1}
	for cpu := range len(allowed) * 64 {
		if !allowed.IsSet(cpu) {
			continue
		}
		if c.load < 0 {
			c.load = cpu
		}
		c.proxy = cpu
	}
	return c, nil
}

// pinThread binds the calling thread, and what it starts, to a processor.
func pinThread(cpu int) error {
	var set unix.CPUSet
	set.Set(cpu)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("binding to processor %d: %w", cpu, err)
	}
	return nil
}

// pinProcess binds all threads of this process, and so those to come.
func pinProcess(cpu int) error {
	var set unix.CPUSet
	set.Set(cpu)
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("listing threads: %w", err)
	}
	for _, task := range tasks {
		var tid int
		if _, err := fmt.Sscan(task.Name(), &tid); err != nil {
			return fmt.Errorf("thread %q: %w", task.Name(), err)
		}
		if err := unix.SchedSetaffinity(tid, &set); err != nil {
			return fmt.Errorf("binding to processor %d: %w", cpu, err)
		}
	}
	return nil
}

// raiseDescriptors allows as many descriptors as the system lets, also for the
// proxies, which inherit the limit.
func raiseDescriptors() (int, error) {
	const wanted = 1 << 16
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("asking for the limit of descriptors: %w", err)
	}
	higher := syscall.Rlimit{Cur: wanted, Max: max(wanted, limit.Max)}
	if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &higher) == nil {
		return wanted, nil
	}
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("raising the limit of descriptors: %w", err)
	}
	return int(limit.Cur), nil
}

// machine describes where the numbers come from.
func machine(c cores) string {
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	info, _ := os.ReadFile("/proc/cpuinfo")
	model := runtime.GOARCH
	if _, rest, ok := strings.Cut(string(info), "model name\t: "); ok {
		model, _, _ = strings.Cut(rest, "\n")
	}
	return fmt.Sprintf("%s, Linux %s, %s; proxy on processor %d, load on %d",
		model, strings.TrimSpace(string(kernel)), runtime.Version(), c.proxy, c.load)
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Command soak runs Caddy with this plugin under many tunnels of all kinds for a long
// time, while clients, origins, connections and configs break and change. It knows
// what it did to each tunnel, and compares that with what came of it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	err := run(os.Args[1:])
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	o, err := parseOptions(arguments)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, err := os.MkdirTemp("", "ws-soak-")
	if err != nil {
		return fmt.Errorf("making a directory: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := raiseDescriptors(2*o.tunnels + 1000); err != nil {
		return err
	}
	s, err := newSoak(ctx, o, dir)
	if err != nil {
		return err
	}
	defer s.gateway.kill()
	if err := s.run(ctx); err != nil {
		s.ledger.wrong("the soak broke off: %w", err)
	}
	return s.report.write(o)
}

// raiseDescriptors sees to it that there can be as many, also in the gateway, which
// inherits the limit.
func raiseDescriptors(wanted int) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("asking for the limit of descriptors: %w", err)
	}
	limit.Cur, limit.Max = max(limit.Cur, uint64(wanted)), max(limit.Max, uint64(wanted))
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("allowing %d descriptors: %w", wanted, err)
	}
	return nil
}

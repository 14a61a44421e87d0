// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Command bench measures this plugin beside Caddy's reverse_proxy, HAProxy,
// nginx and Apache: each is given the same tunnels and the same messages, and
// the operating system is asked what it used for them.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/testbed"
)

func main() {
	var err error
	if len(os.Args) == 4 && os.Args[1] == bareCommand {
		err = runBare(os.Args[2], os.Args[3])
	} else {
		err = run(os.Args[1:])
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	o, err := parseOptions(arguments)
	if err != nil {
		return err
	}
	all, err := choose(measures(o.short), measure.name, o.only)
	if err != nil {
		return err
	}
	if o.list {
		for _, m := range all {
			for _, row := range m.rows {
				fmt.Printf("%-15s %s\n", m.name(), row.label)
			}
		}
		return nil
	}
	proxies, err := choose(allProxies(), func(p *proxy) string { return p.name }, o.proxies)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, err := os.MkdirTemp("", "ws-bench-")
	if err != nil {
		return fmt.Errorf("making a directory: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // for workers of another user
		return err
	}
	r := &results{Rounds: o.rounds}
	if r.proxies, r.Proxies, err = findPrograms(ctx, proxies, dir); err != nil {
		return err
	}
	b, err := newBench(ctx, dir)
	if err != nil {
		return err
	}
	b.settling = settling{o.quiet, o.limit}
	r.Machine = machine(b.cores)
	for _, m := range all {
		r.rows = append(r.rows, m.rows...)
	}
	// What was measured until Ctrl-C is worth printing.
	err = b.compare(all, r.proxies, o.rounds, o.verbose, r)
	return errors.Join(err, r.write(o))
}

func newBench(ctx context.Context, dir string) (b *bench, err error) {
	b = &bench{ctx: ctx, dir: dir, talks: allTalks(), certificate: filepath.Join(dir, "site.pem")}
	if b.cores, err = chooseCores(); err != nil {
		return nil, err
	}
	if b.cores.load == b.cores.proxy {
		fmt.Fprintln(os.Stderr, "there is only one processor: the proxies must share it with the load, and times will be poor")
	}
	if b.descriptors, err = raiseDescriptors(); err != nil {
		return nil, err
	}
	trust, err := testbed.Certificate(b.certificate)
	if err != nil {
		return nil, err
	}
	b.trust = &tls.Config{RootCAs: trust, ServerName: "localhost", MinVersion: tls.VersionTLS13}
	// The load has one processor and is mostly one thread.
	runtime.LockOSThread()
	return b, pinProcess(b.cores.load)
}

// write reports. What did not work is an error; what was slow is not.
func (r *results) write(o options) error {
	if len(r.Samples)+len(r.Faults) == 0 {
		return nil
	}
	err := r.writeText(os.Stdout)
	if o.json != "" {
		err = errors.Join(err, r.writeJSON(o.json))
	}
	if o.svg != "" {
		err = errors.Join(err, r.writeSVG(o.svg))
	}
	if len(r.Faults) > 0 {
		err = errors.Join(err, fmt.Errorf("%d experiments did not work", len(r.Faults)))
	}
	return err
}

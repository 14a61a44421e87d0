// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
	"strings"
	"time"
)

// options are the command line.
type options struct {
	rounds        int
	only, proxies []string
	svg, json     string
	short         bool
	verbose       bool
	list          bool
	quiet, limit  time.Duration
}

func parseOptions(arguments []string) (options, error) {
	var o options
	var only, proxies string
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&o.rounds, "rounds", 3, "how often everything is measured")
	flags.StringVar(&only, "only", "", "measures to take, separated by commas (default all; -list names them)")
	flags.StringVar(&proxies, "proxies", usualProxies, "proxies to compare, those that are installed; one more is bare, which only moves bytes")
	flags.StringVar(&o.svg, "svg", "", "write a chart to this `file`")
	flags.StringVar(&o.json, "json", "", "write everything that was measured to this `file`")
	flags.BoolVar(&o.short, "short", false, "only see whether everything works, in one short round; its times mean nothing")
	flags.BoolVar(&o.verbose, "v", false, "tell more about each experiment")
	flags.BoolVar(&o.list, "list", false, "name the measures")
	flags.DurationVar(&o.quiet, "quiet", 3*time.Second, "how long memory must rest to count as settled")
	flags.DurationVar(&o.limit, "settle", 30*time.Second, "the longest to wait for that")
	if err := flags.Parse(arguments); err != nil {
		return o, err
	}
	if flags.NArg() > 0 || o.rounds < 1 {
		flags.Usage()
		return o, fmt.Errorf("unexpected arguments %q, or no rounds", flags.Args())
	}
	o.only, o.proxies = list(only), list(proxies)
	if o.short {
		o.rounds, o.quiet, o.limit = 1, 250*time.Millisecond, 2*time.Second
	}
	return o, nil
}

func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
	"time"
)

// options are the command line.
type options struct {
	length  time.Duration
	tunnels int
	caddy   string
	svg     string
	report  string
	keepLog string
}

func parseOptions(arguments []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	flags.DurationVar(&o.length, "for", time.Hour, "how long the load lasts")
	flags.IntVar(&o.tunnels, "tunnels", 8000, "how many tunnels there are at a time")
	flags.StringVar(&o.caddy, "caddy", "", "a Caddy with this plugin (default: build it)")
	flags.StringVar(&o.svg, "svg", "", "write charts to this `file`")
	flags.StringVar(&o.report, "report", "", "write the report to this `file`, too")
	flags.StringVar(&o.keepLog, "log", "", "keep what Caddy logs in this `file`")
	if err := flags.Parse(arguments); err != nil {
		return o, err
	}
	if flags.NArg() > 0 || o.length < 10*time.Second || o.tunnels < 100 {
		flags.Usage()
		return o, fmt.Errorf("unexpected arguments %q, or less than 10s or 100 tunnels", flags.Args())
	}
	return o, nil
}

// plan is when things happen. A short soak has to see as much as a long one.
type plan struct {
	opening time.Duration // until all tunnels are there
	life    time.Duration // until a tunnel meets its fate, at most
	stall   time.Duration // how long a peer that stalls reads nothing
	reload  time.Duration // between two
	restart time.Duration // of an origin
	down    time.Duration // how long an origin is
	cut     time.Duration // between two connections of HTTP/2 or HTTP/3 that break
	sample  time.Duration

	// Of the gateway's options.
	heartbeat, pong, idle, lifetime, drain, linger time.Duration
}

func newPlan(o options) plan {
	part := func(parts int, least, most time.Duration) time.Duration {
		return min(max(o.length/time.Duration(parts), least), most)
	}
	return plan{
		opening: min(time.Duration(o.tunnels)*time.Second/handshakesPerSecond, o.length/4),
		life:    part(3, 5*time.Second, 4*time.Minute),
		stall:   part(30, time.Second, 10*time.Second),
		reload:  part(16, 3*time.Second, time.Minute),
		restart: part(12, 4*time.Second, 75*time.Second),
		down:    part(100, 500*time.Millisecond, 3*time.Second),
		cut:     part(40, 2*time.Second, 20*time.Second),
		sample:  part(300, 250*time.Millisecond, 10*time.Second),

		heartbeat: part(60, time.Second, 10*time.Second),
		pong:      part(4, 5*time.Second, 15*time.Second), // a busy machine must not pass for a vanished peer
		idle:      part(20, 2*time.Second, 30*time.Second),
		lifetime:  part(10, 3*time.Second, time.Minute),
		drain:     part(60, time.Second, 10*time.Second),
		linger:    part(4, 5*time.Second, 10*time.Second),
	}
}

// handshakesPerSecond is how fast tunnels are opened at the beginning.
const handshakesPerSecond = 250

// patience is when something that has to happen counts as not happening.
const patience = 90 * time.Second

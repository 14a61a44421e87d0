// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/testbed"
)

// soak is one run.
type soak struct {
	options    options
	plan       plan
	fates      []fate
	ledger     *ledger
	gateway    *gateway
	origins    []*origin
	trust      *tls.Config
	fleets     map[kind]*fleet
	handshakes chan struct{} // bounds how many are under way
	began      time.Time
	report     *report
}

// originCount is how many origins there are.
const originCount = 4

// newSoak starts the gateway and the origins.
func newSoak(ctx context.Context, o options, dir string) (*soak, error) {
	s := &soak{
		options: o, plan: newPlan(o), fates: allFates(), ledger: newLedger(), handshakes: make(chan struct{}, 64),
		fleets: map[kind]*fleet{
			overHTTP2: {dial: newHTTP2, all: make(map[*carrier]struct{})},
			overHTTP3: {dial: newHTTP3, all: make(map[*carrier]struct{})},
		},
	}
	s.report = &report{options: o, plan: s.plan, ledger: s.ledger, machine: machine()}
	s.gateway = &gateway{plan: s.plan, site: site{certificate: filepath.Join(dir, "site.pem"), storage: dir}}
	trust, err := testbed.Certificate(s.gateway.certificate)
	if err != nil {
		return nil, err
	}
	s.trust = &tls.Config{RootCAs: trust, ServerName: "localhost", MinVersion: tls.VersionTLS13}
	for i := range originCount {
		o, err := startOrigin(s.ledger, i)
		if err != nil {
			return nil, err
		}
		s.origins = append(s.origins, o)
		s.gateway.origins = append(s.gateway.origins, o.address)
	}
	program := o.caddy
	if program == "" {
		fmt.Fprintln(os.Stderr, "building Caddy with this plugin")
		if program, err = testbed.BuildCaddy(ctx, dir); err != nil {
			return nil, err
		}
	}
	keep := io.Discard
	if o.keepLog != "" {
		if keep, err = os.Create(o.keepLog); err != nil {
			return nil, err
		}
	}
	return s, s.gateway.start(ctx, program, dir, keep, s.ledger)
}

// run loads the gateway, and judges what it left.
func (s *soak) run(ctx context.Context) error {
	s.began = time.Now()
	// A first round makes what the gateway makes once.
	if err := s.load(ctx, 50, 3*time.Second, nil); err != nil {
		return err
	}
	before, err := s.rest(ctx, nil)
	if err != nil {
		return err
	}
	s.began = time.Now()
	if err := s.load(ctx, s.options.tunnels, s.options.length, s.disturb); err != nil {
		return err
	}
	after, err := s.rest(ctx, &before)
	if err != nil {
		return err
	}
	s.report.before, s.report.after = before, after
	for _, fault := range append(growth(before, after, s.options.tunnels), trend(s.report.samples, s.plan.opening)...) {
		s.ledger.wrong("%s", fault)
	}
	if err := s.compareMetrics(ctx); err != nil {
		return err
	}
	return s.shutDown(ctx)
}

// load has so many tunnels for a time, and returns when all have ended.
func (s *soak) load(ctx context.Context, tunnels int, length time.Duration, also func(context.Context) error) error {
	over, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	var clients, others sync.WaitGroup
	var broken error
	if also != nil {
		others.Go(func() {
			if broken = also(over); broken != nil {
				cancel()
			}
		})
	}
	for range tunnels {
		clients.Go(func() { s.keepOne(over) })
		if wait(over, time.Second/handshakesPerSecond); over.Err() != nil {
			break
		}
	}
	others.Wait()
	clients.Wait()
	s.retire()
	if broken != nil {
		return broken
	}
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	limit, cancelLimit := context.WithTimeout(ctx, 2*patience)
	defer cancelLimit()
	if err := s.ledger.await(limit); err != nil {
		s.ledger.wrong("after the load, %w", err)
	}
	return nil
}

// compareMetrics holds the gateway's counts against its records.
func (s *soak) compareMetrics(ctx context.Context) error {
	m, err := s.metrics(ctx)
	if err != nil {
		return err
	}
	ended, refused, _ := s.ledger.counts()
	total := 0
	for _, n := range ended {
		total += n
	}
	if opened := int(m.sum("caddy_ws_tunnel_opened_total")); opened != total {
		s.ledger.wrong("the metrics have %d tunnels opened, and the records %d ended", opened, total)
	}
	if got := m.byReason("caddy_ws_tunnel_ended_total"); !maps.Equal(got, ended) {
		s.ledger.wrong("the metrics have ended tunnels %v, and the records %v", got, ended)
	}
	if got := m.byReason("caddy_ws_tunnel_refused_total"); !maps.Equal(got, refused) {
		s.ledger.wrong("the metrics have refused handshakes %v, and the records %v", got, refused)
	}
	return nil
}

// shutDown stops the gateway while it has tunnels.
func (s *soak) shutDown(ctx context.Context) error {
	calm := []fate{{name: "shutdown", weight: 1, after: func(plan) time.Duration { return time.Hour }}}
	s.fates = calm
	var clients sync.WaitGroup
	for range 50 {
		t := s.newTunnel()
		p, left := s.open(t)
		if p == nil {
			left()
			continue
		}
		s.ledger.must(t, "shutdown")
		clients.Go(func() {
			defer left()
			s.live(ctx, t, p)
		})
	}
	if err := s.gateway.stop(); err != nil {
		return err
	}
	clients.Wait()
	limit, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return s.ledger.await(limit)
}

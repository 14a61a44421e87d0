// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import "time"

// measure is one experiment with one fresh process of a proxy.
type measure struct {
	rows      []row
	tls       bool          // the proxy speaks TLS with clients
	caddies   bool          // only for those that are Caddy
	bare      bool          // a bareRelay tells how much of it is the kernel's
	heartbeat time.Duration // that the proxy has, which is only ws_tunnel; 0: none
	tunnels   int           // the most that are open
	run       func(l *lab) ([]float64, error)
}

// name is what -only calls a measure.
func (m measure) name() string { return m.rows[0].key }

// carries tells whether a proxy can do what is measured.
func (m measure) carries(p *proxy) bool {
	return (!m.caddies || p.goProgram) && (m.heartbeat == 0 || p.name == ours) && (m.bare || p.name != bare)
}

// measures are all of them. quick makes them smaller, to see whether they work.
func measures(quick bool) []measure {
	size := func(full, small int) int {
		if quick {
			return small
		}
		return full
	}
	span := func(full time.Duration) time.Duration {
		if quick {
			return full / 20
		}
		return full
	}
	var (
		few, many       = size(2000, 100), size(8000, 300)
		fewTLS, manyTLS = size(500, 20), size(2000, 60)
		fewH2, manyH2   = size(200, 20), size(1000, 60)
		beat            = span(5 * time.Second)
	)
	return []measure{
		{rows: []row{rowIdle}, tunnels: many, run: func(l *lab) ([]float64, error) {
			return l.idle(few, many, l.openPlain)
		}},
		{rows: []row{rowIdleTLS}, tls: true, tunnels: manyTLS, run: func(l *lab) ([]float64, error) {
			return l.idle(fewTLS, manyTLS, l.openTLS)
		}},
		{rows: []row{rowIdleH2}, tls: true, caddies: true, tunnels: manyH2, run: func(l *lab) ([]float64, error) {
			return l.idle(fewH2, manyH2, l.openStreams(newHTTP2))
		}},
		{rows: []row{rowIdleH3}, tls: true, caddies: true, tunnels: manyH2, run: func(l *lab) ([]float64, error) {
			return l.idle(fewH2, manyH2, l.openStreams(newHTTP3))
		}},
		{rows: []row{rowEcho}, bare: true, tunnels: 200, run: func(l *lab) ([]float64, error) {
			return l.echo(200, smallMessage, span(3*time.Second))
		}},
		{rows: []row{rowSteady}, bare: true, tunnels: 200, run: func(l *lab) ([]float64, error) {
			return l.steady(200, 20000, span(4*time.Second))
		}},
		{rows: []row{rowEchoTLS}, tls: true, tunnels: 50, run: func(l *lab) ([]float64, error) {
			return l.echo(50, smallMessage, span(3*time.Second))
		}},
		{rows: []row{rowEchoLarge}, bare: true, tunnels: 20, run: func(l *lab) ([]float64, error) {
			return l.echo(20, largeMessage, span(3*time.Second))
		}},
		{rows: []row{rowStream}, bare: true, tunnels: 4, run: func(l *lab) ([]float64, error) {
			return l.stream(4, span(3*time.Second))
		}},
		{rows: []row{rowOpen}, bare: true, tunnels: churning, run: func(l *lab) ([]float64, error) {
			return l.churn(size(6000, 200))
		}},
		{rows: []row{rowMiddle, rowTail, rowCalm}, bare: true, tunnels: 200, run: func(l *lab) ([]float64, error) {
			return l.latency(200, 5000, span(6*time.Second))
		}},
		{rows: []row{rowGrowth}, tunnels: many, run: func(l *lab) ([]float64, error) {
			return l.growth(100, many, span(3*time.Second))
		}},
		{rows: []row{rowFiles}, tunnels: 300, run: func(l *lab) ([]float64, error) {
			return l.files(100, 300)
		}},
		{rows: []row{rowQuiet, rowNoisy}, tunnels: 101, run: func(l *lab) ([]float64, error) {
			return l.neighbours(100, 2000, span(4*time.Second))
		}},
		{rows: []row{rowStalled, rowPatient}, tunnels: 70, run: func(l *lab) ([]float64, error) {
			return l.stalled(50, 20, span(4*time.Second))
		}},
		{rows: []row{rowBeatIdle, rowBeatCost}, heartbeat: beat, tunnels: many, run: func(l *lab) ([]float64, error) {
			return l.beating(few, many, 3*beat)
		}},
		{rows: []row{rowBeatEcho}, heartbeat: beat, tunnels: 200, run: func(l *lab) ([]float64, error) {
			return l.steady(200, 20000, span(4*time.Second))
		}},
	}
}

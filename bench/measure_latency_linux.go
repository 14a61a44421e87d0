// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"time"
)

// timetable sends messages at fixed times, whether answers have come or not.
// Message k goes in tunnel k modulo their number, k intervals after the start,
// and its latency counts from that time: a message that could not be sent
// because an earlier one was slow has waited, too.
type timetable struct {
	tunnels   []*tunnel
	interval  time.Duration
	start     time.Time
	sent      int
	wanted    int
	latencies []time.Duration
}

func newTimetable(tunnels []*tunnel, perSecond int, d time.Duration) *timetable {
	s := &timetable{tunnels: tunnels, interval: time.Second / time.Duration(perSecond)}
	s.wanted = max(int(d/s.interval), len(tunnels))
	s.latencies = make([]time.Duration, 0, s.wanted)
	for i, t := range tunnels {
		t.driver, t.number, t.count = s, i, 0
	}
	return s
}

func (s *timetable) opened(*tunnel) error { return nil }
func (s *timetable) ended(*tunnel) error  { return nil }

func (s *timetable) answered(t *tunnel, n int) error {
	now := time.Since(s.start)
	for range n {
		due := time.Duration(t.count*len(s.tunnels)+t.number) * s.interval
		t.count++
		s.latencies = append(s.latencies, now-due)
	}
	return nil
}

// send sends what is due.
func (s *timetable) send() error {
	for now := time.Since(s.start); s.sent < s.wanted && time.Duration(s.sent)*s.interval <= now; s.sent++ {
		if err := s.tunnels[s.sent%len(s.tunnels)].ask(1); err != nil {
			return err
		}
	}
	return nil
}

// keep keeps to a timetable for a while, in a number of pieces, and returns the middle
// and the tail of all latencies, in seconds.
func (l *lab) keep(pieces int, tunnels []*tunnel, perSecond int, d time.Duration) (p50, p99 float64, err error) {
	l.loop.spin = true
	defer func() { l.loop.spin = false }()
	var latencies []time.Duration
	for i := range pieces {
		if i > 0 {
			err = l.pass()
		}
		s := newTimetable(tunnels, perSecond, d/time.Duration(pieces))
		s.start = time.Now()
		var failed error
		err = errors.Join(err, l.loop.run(func() bool {
			failed = s.send()
			return failed != nil || len(s.latencies) == s.wanted
		}))
		if err := errors.Join(err, failed); err != nil {
			return 0, 0, err
		}
		latencies = append(latencies, s.latencies...)
	}
	return percentile(latencies, 50).Seconds(), percentile(latencies, 99).Seconds(), nil
}

// latency is how long an echo takes when messages come at a steady rate, and
// what it costs the proxy, which has to wake up for almost every one.
func (l *lab) latency(n, perSecond int, d time.Duration) ([]float64, error) {
	tunnels, err := l.open(n, smallMessage)
	if err != nil {
		return nil, err
	}
	if _, _, err := l.keep(1, tunnels, perSecond, d/5); err != nil { // to get going
		return nil, err
	}
	before, err := l.process.cpu()
	if err != nil {
		return nil, err
	}
	p50, p99, err := l.keep(pieces, tunnels, perSecond, d)
	if err != nil {
		return nil, err
	}
	after, err := l.process.cpu()
	messages := float64(perSecond) * d.Seconds()
	l.note("%.0f%% of a processor", 100*(after-before).Seconds()/d.Seconds())
	return []float64{p50, p99, (after - before).Seconds() / messages}, err
}

// steady is what an echo costs at a rate that every proxy can keep, between
// full speed, where one wake-up serves many messages, and calm.
func (l *lab) steady(n, perSecond int, d time.Duration) ([]float64, error) {
	values, err := l.latency(n, perSecond, d)
	if err != nil {
		return nil, err
	}
	return values[2:], nil
}

// neighbours is what one tunnel at full speed does to the tail of the others.
func (l *lab) neighbours(n, perSecond int, d time.Duration) ([]float64, error) {
	tunnels, err := l.open(n, smallMessage)
	if err != nil {
		return nil, err
	}
	if _, _, err := l.keep(1, tunnels, perSecond, d/5); err != nil { // to get going
		return nil, err
	}
	_, alone, err := l.keep(pieces, tunnels, perSecond, d)
	if err != nil {
		return nil, err
	}
	loud, err := l.clients.open(1, pathFlood, streamMessage)
	if err != nil {
		return nil, err
	}
	ears := new(listening)
	loud[0].driver = ears
	_, beside, err := l.keep(pieces, tunnels, perSecond, d)
	l.note("%.0f MB/s beside", float64(ears.messages)*streamMessage/1e6/d.Seconds())
	return []float64{alone, beside}, err
}

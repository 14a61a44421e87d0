// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import "time"

// pingPong keeps one message in flight in each tunnel.
type pingPong struct{ messages int }

func (p *pingPong) opened(*tunnel) error { return nil }
func (p *pingPong) ended(*tunnel) error  { return nil }

func (p *pingPong) answered(t *tunnel, n int) error {
	p.messages += n
	return t.ask(n)
}

// play gives tunnels to a driver and sends the first message in each.
func play(tunnels []*tunnel, d driver) error {
	for _, t := range tunnels {
		t.driver = d
		if err := t.ask(1); err != nil {
			return err
		}
	}
	return nil
}

// echo is the processor time of a message and its answer, with one in flight
// in each tunnel.
func (l *lab) echo(n, size int, d time.Duration) ([]float64, error) {
	tunnels, err := l.open(n, size)
	if err != nil {
		return nil, err
	}
	game := new(pingPong)
	if err := play(tunnels, game); err != nil {
		return nil, err
	}
	seconds, err := l.cost(pieces, d, func() float64 { return float64(game.messages) })
	return []float64{seconds}, err
}

// growth is how much dearer a message becomes when most tunnels are idle and
// there are many.
func (l *lab) growth(active, all int, d time.Duration) ([]float64, error) {
	tunnels, err := l.open(active, smallMessage)
	if err != nil {
		return nil, err
	}
	game := new(pingPong)
	if err := play(tunnels, game); err != nil {
		return nil, err
	}
	count := func() float64 { return float64(game.messages) }
	alone, err := l.cost(1, d, count)
	if err != nil {
		return nil, err
	}
	if err := l.openPlain(all - active); err != nil {
		return nil, err
	}
	beside, err := l.cost(1, d, count)
	if err != nil {
		return nil, err
	}
	return []float64{beside / alone}, nil
}

// listening counts what floods bring.
type listening struct{ messages int }

func (s *listening) opened(*tunnel) error { return nil }
func (s *listening) ended(*tunnel) error  { return nil }

func (s *listening) answered(_ *tunnel, n int) error {
	s.messages += n
	return nil
}

// stream is the processor time of a gigabyte from origin to client.
func (l *lab) stream(n int, d time.Duration) ([]float64, error) {
	tunnels, err := l.clients.open(n, pathFlood, streamMessage)
	if err != nil {
		return nil, err
	}
	ears := new(listening)
	for _, t := range tunnels {
		t.driver = ears
	}
	seconds, err := l.cost(pieces, d, func() float64 { return float64(ears.messages) })
	return []float64{seconds * 1e9 / streamMessage}, err
}

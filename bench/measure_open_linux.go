// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import "errors"

// churning is how many tunnels are on their way at a time.
const churning = 32

// visits opens tunnels that say one thing and close again, one after another.
type visits struct {
	clients       *clients
	begun, wanted int
	done          int
}

func (v *visits) next() error {
	if v.begun == v.wanted {
		return nil
	}
	v.begun++
	return v.clients.newTunnel(0, pathEcho, smallMessage, v).start()
}

func (v *visits) opened(t *tunnel) error          { return t.ask(1) }
func (v *visits) answered(t *tunnel, _ int) error { return t.goodbye() }

func (v *visits) ended(*tunnel) error {
	v.done++
	return v.next()
}

func (l *lab) visit(n int) error {
	v := &visits{clients: l.clients, wanted: n}
	for range min(churning, n) {
		if err := v.next(); err != nil {
			return err
		}
	}
	return l.loop.run(func() bool { return v.done == n })
}

// churn is the processor time of a whole short life: connection, handshake, a
// message each way, the closing handshake.
func (l *lab) churn(n int) ([]float64, error) {
	if err := l.visit(n / 10); err != nil { // to get going
		return nil, err
	}
	before, err := l.process.cpu()
	if err != nil {
		return nil, err
	}
	for i := range pieces {
		if i > 0 {
			err = l.pass()
		}
		if err = errors.Join(err, l.visit(n/pieces)); err != nil {
			return nil, err
		}
	}
	after, err := l.process.cpu()
	if err != nil {
		return nil, err
	}
	if l.origin.open > churning {
		return nil, errors.New("tunnels stay open at the origin")
	}
	return []float64{(after - before).Seconds() / float64(n/pieces*pieces)}, nil
}

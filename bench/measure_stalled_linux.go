// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import "time"

// stalled is what tunnels cost whose client stops reading while the origin
// sends all it can, and how long others wait meanwhile. At last the clients
// read on, and nothing may be missing.
func (l *lab) stalled(n, others int, d time.Duration) ([]float64, error) {
	tunnels, err := l.open(others, smallMessage)
	if err != nil {
		return nil, err
	}
	before, err := l.settle()
	if err != nil {
		return nil, err
	}
	lazy, err := l.clients.openPaused(n, streamMessage)
	if err != nil {
		return nil, err
	}
	after, err := l.settle()
	if err != nil {
		return nil, err
	}
	const perSecond = 1000
	_, p99, err := l.keep(1, tunnels, perSecond, d)
	if err != nil {
		return nil, err
	}
	ears := new(listening)
	for _, t := range lazy {
		t.driver, t.paused = ears, false
		l.loop.later(&t.end)
	}
	const each = 8 << 20 / streamMessage // more than all buffers on the way hold
	if err := l.loop.run(func() bool { return ears.messages >= each*n }); err != nil {
		return nil, err
	}
	return []float64{float64(after-before) / float64(n), p99}, nil
}

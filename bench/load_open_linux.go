// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

// Tunnels of plain TCP that are opened at a time.
const opening = 64

// opener opens many tunnels. It drives them until all are open.
type opener struct {
	clients      *clients
	path         string
	size         int
	paused       bool
	wanted       int
	tunnels      []*tunnel
	dialled, got int
}

// open opens n tunnels.
func (c *clients) open(n int, path string, size int) ([]*tunnel, error) {
	return (&opener{clients: c, path: path, size: size, wanted: n}).open()
}

// openPaused opens n tunnels whose origin sends as much as it can, and whose
// client reads nothing after the handshake.
func (c *clients) openPaused(n int, size int) ([]*tunnel, error) {
	return (&opener{clients: c, path: pathFlood, size: size, paused: true, wanted: n}).open()
}

func (o *opener) open() ([]*tunnel, error) {
	for range min(opening, o.wanted) {
		if err := o.next(); err != nil {
			return nil, err
		}
	}
	if err := o.clients.loop.run(func() bool { return o.got == o.wanted }); err != nil {
		return nil, err
	}
	return o.tunnels, nil
}

func (o *opener) next() error {
	t := o.clients.newTunnel(o.dialled, o.path, o.size, o)
	o.dialled++
	o.tunnels = append(o.tunnels, t)
	return t.start()
}

func (o *opener) opened(t *tunnel) error {
	o.got++
	t.paused = o.paused
	if o.dialled < o.wanted {
		return o.next()
	}
	return nil
}

// answered lets a flood come.
func (o *opener) answered(*tunnel, int) error { return nil }
func (o *opener) ended(*tunnel) error         { return nil }

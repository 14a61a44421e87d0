// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/handshake"
)

// origin is one of those that the gateway has to choose from. Each has an address of
// loopback for itself, so that nobody takes its port while it is down.
type origin struct {
	ledger  *ledger
	address string

	mu    sync.Mutex
	ln    net.Listener // nil while it is down
	peers map[*peer]struct{}

	serving sync.WaitGroup
}

// startOrigin starts the one with this number.
func startOrigin(l *ledger, number int) (*origin, error) {
	o := &origin{ledger: l, address: fmt.Sprintf("127.0.0.%d:0", 2+number), peers: make(map[*peer]struct{})}
	if err := o.listen(); err != nil {
		return nil, err
	}
	o.address = o.ln.Addr().String()
	return o, nil
}

func (o *origin) listen() error {
	ln, err := net.Listen("tcp", o.address)
	if err != nil {
		return fmt.Errorf("listening as origin: %w", err)
	}
	o.mu.Lock()
	o.ln = ln
	o.mu.Unlock()
	o.serving.Go(func() {
		for {
			conn, err := ln.Accept()
			switch {
			case errors.Is(err, net.ErrClosed):
				return
			case err != nil:
				o.ledger.wrong("accepting as origin: %w", err)
				return
			}
			o.serving.Go(func() { o.serve(conn.(*net.TCPConn), ln) })
		}
	})
	return nil
}

// serve answers a handshake, and then is the tunnel's other end.
func (o *origin) serve(conn *net.TCPConn, ln net.Listener) {
	in := bufio.NewReaderSize(conn, 1<<10)
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	r, err := http.ReadRequest(in)
	if err != nil {
		conn.Close() // the gateway has given up
		return
	}
	_ = conn.SetReadDeadline(time.Time{})
	number, err := numberOf(r.URL.Path)
	if err != nil {
		o.ledger.wrong("an origin was asked for %s: %w", r.URL.Path, err)
		conn.Close()
		return
	}
	p := newPeer(connLink{conn, conn}, in, false)
	t := o.ledger.reached(number, o, p)
	if t == nil {
		conn.Close()
		return
	}
	defer o.ledger.finish(t, p)
	if !o.enter(p, ln) {
		conn.Close()
		return
	}
	defer o.leave(p)
	answer := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
		handshake.Accept(r.Header.Get("Sec-WebSocket-Key")) + "\r\n\r\n"
	if _, err := io.WriteString(conn, answer); err != nil {
		conn.Close()
		return
	}
	if t.habit.slow() {
		o.serving.Go(func() { t.stream(p) })
	}
	err = p.read(number, func(size int) {
		if !t.habit.slow() {
			p.send(number, size)
		}
	})
	if err != nil {
		o.ledger.wrongOf(t, "at the origin", err)
	}
}

// enter adds a peer, unless the origin has gone down since it was accepted.
func (o *origin) enter(p *peer, ln net.Listener) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ln != ln {
		return false
	}
	o.peers[p] = struct{}{}
	return true
}

func (o *origin) leave(p *peer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.peers, p)
}

// down stops the origin: in good order, with a Close frame in each tunnel, or as a
// program that is killed.
func (o *origin) down(orderly bool) {
	o.mu.Lock()
	o.ln.Close()
	o.ln = nil
	peers := slices.Collect(maps.Keys(o.peers))
	o.mu.Unlock()
	for _, p := range peers {
		p.gate.open()
		if !orderly {
			p.link.Reset()
			continue
		}
		go p.close(1012) // one whose client reads nothing waits
	}
}

// restart stops the origin for a while.
func (o *origin) restart(ctx context.Context, orderly bool, away time.Duration) error {
	o.ledger.restart(o)
	defer o.ledger.restarted()
	o.down(orderly)
	select {
	case <-time.After(away):
	case <-ctx.Done():
	}
	return o.listen()
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"net"
	"sync"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// wire is a way to somewhere that breaks at a byte.
type wire struct {
	address string // to connect to
	to      string // where that leads

	mu     sync.Mutex // guards all below
	cut    cut
	armed  bool
	broken chan struct{} // closed when it has broken
	conns  []*net.TCPConn
}

// cut is where a wire breaks, and how.
type cut struct {
	direction direction
	after     int // bytes in that direction: the next one does not arrive
	how       breakage
}

type direction int

const (
	onward direction = iota // from who connected
	back
)

type breakage string

const (
	blackHole breakage = "black hole" // neither bytes nor ends arrive any more, either way
	reset     breakage = "reset"
	closed    breakage = "closed"
	halfClose breakage = "half-close" // nothing more in this direction, and the other one is whole
)

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	ln := wstest.Listen(t)
	w := &wire{address: ln.Addr().String(), to: to, broken: make(chan struct{})}
	var running sync.WaitGroup
	t.Cleanup(func() {
		ln.Close()
		w.mu.Lock()
		for _, conn := range w.conns {
			conn.Close()
		}
		w.conns = nil
		w.mu.Unlock()
		running.Wait()
	})
	running.Go(func() {
		for {
			from, err := ln.Accept()
			if err != nil {
				return
			}
			onto, err := net.Dial("tcp", to)
			if err != nil {
				t.Error(err)
				return
			}
			near, far := from.(*net.TCPConn), onto.(*net.TCPConn)
			w.mu.Lock()
			w.conns = append(w.conns, near, far)
			w.mu.Unlock()
			running.Go(func() { w.carry(onward, near, far) })
			running.Go(func() { w.carry(back, far, near) })
		}
	})
	return w
}

// cutAt arms the wire. Bytes are counted from now.
func (w *wire) cutAt(c cut) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut, w.armed = c, true
}

// carry takes bytes, and then an end, from one connection to another.
func (w *wire) carry(d direction, from, to *net.TCPConn) {
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		arrives, breaks := w.pass(d, n)
		if arrives > 0 {
			if _, err := to.Write(buf[:arrives]); err != nil {
				from.CloseRead() //nolint:errcheck // it may be closed
				return
			}
		}
		switch {
		case breaks:
			w.breaks(from, to)
			return
		case w.is(blackHole):
			return
		case err != nil:
			_ = to.CloseWrite()
			return
		}
	}
}

// pass tells how many of n bytes arrive, and whether the wire breaks behind them.
func (w *wire) pass(d direction, n int) (arrives int, breaks bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case !w.armed || w.cut.direction != d:
	case n > w.cut.after:
		w.armed = false
		close(w.broken)
		return w.cut.after, true
	default:
		w.cut.after -= n
	}
	if w.cut.how == blackHole && isClosed(w.broken) {
		return 0, false
	}
	return n, false
}

// is tells whether the wire has broken so.
func (w *wire) is(how breakage) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cut.how == how && isClosed(w.broken)
}

func (w *wire) breaks(from, to *net.TCPConn) {
	switch w.cut.how {
	case blackHole: // they stay open until the test is over
	case reset:
		for _, conn := range []*net.TCPConn{from, to} {
			_ = conn.SetLinger(0)
			conn.Close()
		}
	case closed:
		from.Close()
		to.Close()
	case halfClose:
		_ = to.CloseWrite()
		for buf := make([]byte, 16<<10); ; { // what still comes is lost
			if _, err := from.Read(buf); err != nil {
				return
			}
		}
	}
}

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// loop plays both peers of all tunnels, in one thread: it shares a processor
// with nothing, so a second thread would only take it away from the first.
type loop struct {
	ctx    context.Context
	epoll  int
	events []unix.EpollEvent
	ends   []*end // by descriptor
	births int32
	again  []*end // that had more to do in their turn
	buffer []byte
	spin   bool  // never sleep: for exact times
	failed error // what went wrong in some end
	pings  int   // that ends answered
	moved  int64 // bytes that ends received, to see a standstill
}

// A turn of an end is bounded, so that one which is always busy does not hold
// up the others.
const (
	readSize    = 128 << 10
	writeBudget = 256 << 10
)

// standstill is how long nothing may move while something is waited for.
const standstill = 10 * time.Second

func newLoop(ctx context.Context) (*loop, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("making an epoll: %w", err)
	}
	return &loop{ctx: ctx, epoll: epoll, events: make([]unix.EpollEvent, 512), buffer: make([]byte, readSize)}, nil
}

// watch lets an end take part. Readiness is reported once for each change, so
// that a message costs no more than a read and a write.
func (l *loop) watch(e *end) error {
	for e.fd >= len(l.ends) {
		l.ends = append(l.ends, make([]*end, 4096)...)
	}
	l.births++
	e.loop, e.birth = l, l.births
	l.ends[e.fd] = e
	const edges = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET
	event := unix.EpollEvent{Events: edges, Fd: int32(e.fd), Pad: e.birth}
	if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, e.fd, &event); err != nil {
		return fmt.Errorf("watching a socket: %w", err)
	}
	return nil
}

// run serves all ends until done. What stands still, fails.
func (l *loop) run(done func() bool) error {
	last, moved := time.Now(), l.moved
	for round := 0; !done(); round++ {
		if err := l.turn(); err != nil {
			return err
		}
		if round%64 != 0 && len(l.again) == 0 {
			continue
		}
		if now := time.Now(); moved != l.moved {
			last, moved = now, l.moved
		} else if now.Sub(last) > standstill {
			return fmt.Errorf("nothing moved for %s", standstill)
		}
	}
	return l.failed
}

// runFor serves all ends for a while, during which nothing needs to happen.
func (l *loop) runFor(d time.Duration) error {
	end := time.Now().Add(d)
	return l.run(func() bool { l.moved++; return !time.Now().Before(end) })
}

func (l *loop) turn() error {
	timeout := 1 // millisecond: done may be waiting for a time
	if l.spin || len(l.again) > 0 {
		timeout = 0
	}
	n, err := unix.EpollWait(l.epoll, l.events, timeout)
	if err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("waiting for sockets: %w", err)
	}
	later := l.again
	l.again = nil
	for i := range max(n, 0) {
		event := &l.events[i]
		if e := l.ends[event.Fd]; e != nil && e.birth == event.Pad {
			e.serve(event.Events)
		}
	}
	for _, e := range later {
		if e.queued = false; l.ends[e.fd] == e {
			e.serve(unix.EPOLLIN | unix.EPOLLOUT)
		}
	}
	if l.failed != nil {
		return l.failed
	}
	return l.ctx.Err()
}

// later gives an end another turn.
func (l *loop) later(e *end) {
	if !e.queued {
		e.queued = true
		l.again = append(l.again, e)
	}
}

// reset drops all sockets without the usual goodbye, which would keep their
// ports busy for a minute.
func (l *loop) reset() {
	for _, e := range l.ends {
		if e != nil {
			_ = unix.SetsockoptLinger(e.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
			e.close()
		}
	}
	unix.Close(l.epoll)
}

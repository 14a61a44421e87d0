// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

// loop is the poll engine: a goroutine that waits for many sockets at once and
// moves what comes through a buffer that they share. Everything about its
// tunnels happens in that goroutine, one thing after the other.
type loop struct {
	*epoll
	wakeup int // an eventfd

	mu     sync.Mutex
	posted []func()

	// What follows belongs to the goroutine.
	sides  []*side // by descriptor
	buffer []byte
	later  []*side // that had more to read than fits in one turn
	spare  []*side // the memory for the next such list
}

// bufferSize is how much one turn moves: a message of 64 KB goes with its header, and
// not in two turns.
const bufferSize = 80 << 10

func newLoop() (*loop, error) {
	e, err := newEpoll()
	if err != nil {
		return nil, err
	}
	l := &loop{epoll: e, buffer: make([]byte, bufferSize)}
	if l.wakeup, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		e.close()
		return nil, fmt.Errorf("making an eventfd: %w", err)
	}
	if err := l.control(unix.EPOLL_CTL_ADD, l.wakeup, unix.EPOLLIN, 0); err != nil {
		e.close()
		unix.Close(l.wakeup)
		return nil, fmt.Errorf("watching an eventfd: %w", err)
	}
	return l, nil
}

func (l *loop) name() string { return "poll" }

func (l *loop) start(t *Tunnel, c *Config) {
	fromClient, fromOrigin := c.FromClient, c.FromOrigin
	l.post(func() { l.open(t, fromClient, fromOrigin) })
}

func (l *loop) do(_ *Tunnel, f func()) { l.post(f) }

func (l *loop) abort(t *Tunnel) {
	l.post(func() {
		t.closeEnds()
		client := t.toOrigin.src.(*side)
		client.end(false)
		client.peer.end(false)
	})
}

// post has f run by the loop.
func (l *loop) post(f func()) {
	l.mu.Lock()
	first := len(l.posted) == 0
	l.posted = append(l.posted, f)
	l.mu.Unlock()
	if first {
		one := [8]byte{1} // in either byte order it is not zero
		_, _ = unix.Write(l.wakeup, one[:])
	}
}

func (l *loop) run() { l.epoll.run(l.serve) }

func (l *loop) serve(events []unix.EpollEvent) (more bool) {
	turns := l.later
	l.later, l.spare = l.spare, nil
	woken := false
	for i := range events {
		if fd := events[i].Fd; int(fd) == l.wakeup {
			woken = true
		} else if s := l.side(fd); s != nil {
			s.ready(events[i].Events)
		}
	}
	for _, s := range turns {
		s.queued = false
		s.receive()
	}
	clear(turns)
	l.spare = turns[:0]
	// Only now, so that no descriptor of this batch can be a new one.
	if woken {
		l.runPosted()
	}
	return len(l.later) > 0
}

func (l *loop) runPosted() {
	var count [8]byte
	_, _ = unix.Read(l.wakeup, count[:])
	l.mu.Lock()
	posted := l.posted
	l.posted = nil
	l.mu.Unlock()
	for _, f := range posted {
		f()
	}
}

// open begins to move the bytes of a tunnel. Events that came before are lost,
// so both sides are read to see what there is.
func (l *loop) open(t *Tunnel, fromClient, fromOrigin []byte) {
	client := t.toOrigin.src.(*side)
	origin := client.peer
	l.add(client)
	l.add(origin)
	client.moved(fromClient)
	origin.moved(fromOrigin)
	client.ready(anyEvent)
	origin.ready(anyEvent)
}

func (l *loop) add(s *side) {
	for int(s.fd) >= len(l.sides) {
		l.sides = append(l.sides, nil)
	}
	l.sides[s.fd] = s
}

// side returns whose descriptor fd is, if it is any more.
func (l *loop) side(fd int32) *side {
	if int(fd) < len(l.sides) {
		return l.sides[fd]
	}
	return nil
}

// Interface guards
var _ engine = (*loop)(nil)

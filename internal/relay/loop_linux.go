// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// loop is the poll engine: a goroutine that waits for many sockets at once and
// moves what comes through a buffer that they share. Everything about its
// tunnels happens in that goroutine, one thing after the other.
//
// It waits for its epoll by the Go runtime's own, as for any descriptor, and
// asks it only what is ready. Were it to wait in the system call instead, the
// runtime would take it for stuck and wake another thread each time, which
// doubles what a message costs when few come at once.
type loop struct {
	epoll  int
	ready  syscall.RawConn // tells when epoll has something
	wakeup int             // an eventfd

	mu     sync.Mutex
	posted []func()

	// What follows belongs to the goroutine.
	sides  []*side // by descriptor
	buffer []byte
	events []unix.EpollEvent
	found  int // how many events there are
	turns  int // since it last had to wait
}

const (
	// bufferSize is how much one turn moves: 16 KB frames go four at a time.
	bufferSize = 64 << 10

	// batchSize is how many sockets one wait tells of.
	batchSize = 256

	// busyTurns is how often a loop goes on without having had to wait before
	// it lets other goroutines run.
	busyTurns = 8
)

func newLoop() (*loop, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("making an epoll: %w", err)
	}
	l := &loop{epoll: epoll, buffer: make([]byte, bufferSize), events: make([]unix.EpollEvent, batchSize)}
	file, err := l.setUp()
	if err != nil {
		unix.Close(epoll)
		return nil, err
	}
	if l.ready, err = file.SyscallConn(); err != nil {
		file.Close()
		return nil, fmt.Errorf("waiting for an epoll: %w", err)
	}
	return l, nil
}

// setUp makes the eventfd, and a file of the epoll that the runtime can wait
// for.
func (l *loop) setUp() (*os.File, error) {
	var err error
	if l.wakeup, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return nil, fmt.Errorf("making an eventfd: %w", err)
	}
	if err = l.watch(unix.EPOLL_CTL_ADD, l.wakeup, unix.EPOLLIN); err == nil {
		err = unix.SetNonblock(l.epoll, true) // or os.NewFile would not poll it
	}
	if err != nil {
		unix.Close(l.wakeup)
		return nil, fmt.Errorf("setting up an epoll: %w", err)
	}
	return os.NewFile(uintptr(l.epoll), "epoll"), nil
}

func (l *loop) name() string { return "poll" }

func (l *loop) start(t *Tunnel, fromClient, fromOrigin []byte) {
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

func (l *loop) run() {
	find := l.find
	for {
		if err := l.ready.Read(find); err != nil {
			panic(fmt.Sprintf("waiting for an epoll: %v", err)) // it is never closed
		}
		woken := false
		for _, ev := range l.events[:l.found] {
			if int(ev.Fd) == l.wakeup {
				woken = true
			} else if s := l.side(ev.Fd); s != nil {
				s.ready(ev.Events)
			}
		}
		// Only now, so that no descriptor of this batch can be a new one.
		if woken {
			l.runPosted()
		}
		if l.turns++; l.turns%busyTurns == 0 {
			runtime.Gosched()
		}
	}
}

// find asks the epoll what is ready. If that is nothing, it is called again
// when there is something.
func (l *loop) find(uintptr) bool {
	if l.found = readyEvents(l.epoll, l.events); l.found == 0 {
		l.turns = 0
	}
	return l.found > 0
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

// open begins to move the bytes of a tunnel.
func (l *loop) open(t *Tunnel, fromClient, fromOrigin []byte) {
	client := t.toOrigin.src.(*side)
	l.add(client)
	l.add(client.peer)
	client.moved(fromClient)
	client.peer.moved(fromOrigin)
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

func (l *loop) watch(op, fd int, events uint32) error {
	return unix.EpollCtl(l.epoll, op, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
}

// Interface guards
var _ engine = (*loop)(nil)

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// epoll waits for many descriptors in one goroutine.
//
// It waits by the Go runtime's own epoll, as for any descriptor, and asks the
// kernel only what is ready. Were it to wait in the system call instead, the
// runtime would take it for stuck and wake another thread each time, which
// doubles what a message costs when few come at once.
type epoll struct {
	fd     int
	file   *os.File        // of fd
	ready  syscall.RawConn // tells when there is something
	events []unix.EpollEvent
}

const (
	// batchSize is how many descriptors one look tells of.
	batchSize = 256

	// busyBatch is how many show that there is so much to do that more has come
	// meanwhile: then it pays to look again before waiting.
	busyBatch = 8

	// busyTurns is how often it goes on without having waited before it lets
	// other goroutines run.
	busyTurns = 8
)

func newEpoll() (*epoll, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("making an epoll: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // or os.NewFile would not poll it
		unix.Close(fd)
		return nil, fmt.Errorf("setting up an epoll: %w", err)
	}
	file := os.NewFile(uintptr(fd), "epoll")
	ready, err := file.SyscallConn()
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("waiting for an epoll: %w", err)
	}
	return &epoll{fd: fd, file: file, ready: ready, events: make([]unix.EpollEvent, batchSize)}, nil
}

// close is for an epoll that does not run.
func (e *epoll) close() { e.file.Close() }

// control adds, changes or removes what is waited for at a descriptor. token
// tells its later uses apart.
func (e *epoll) control(op, fd int, events uint32, token int32) error {
	return unix.EpollCtl(e.fd, op, fd, &unix.EpollEvent{Events: events, Fd: int32(fd), Pad: token})
}

// run gives what is ready to serve, for ever. serve tells whether it has left
// something to do.
//
// The runtime is told of every event that is new after the look that it missed,
// so there is no need to look until nothing is found.
func (e *epoll) run(serve func([]unix.EpollEvent) (more bool)) {
	err := e.ready.Read(func(uintptr) bool {
		for turns := 1; ; turns++ {
			n := readyEvents(e.fd, e.events)
			if more := serve(e.events[:n]); !more && n < busyBatch {
				return false // and be called again
			}
			if turns%busyTurns == 0 {
				runtime.Gosched()
			}
		}
	})
	panic(fmt.Sprintf("waiting for an epoll: %v", err)) // it is never closed
}

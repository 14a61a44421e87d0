// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// chooseEngine takes poll if both ends are sockets that nothing is wrapped
// around. Their descriptors are taken out of the Go runtime's poller: it can
// only wake a goroutine, and a goroutine is what an idle tunnel must not cost.
// If that fails, because descriptors or the kernel's memory for watching them
// have run out, the tunnel is carried by pump.
func chooseEngine(t *Tunnel) engineNumber {
	client, origin := bareSocket(t.toOrigin.src), bareSocket(t.toClient.src)
	if client == nil || origin == nil || t.paces() != nil {
		return byPump
	}
	number, l := nextLoop()
	if l == nil {
		return byPump
	}
	clientFD, err := l.adopt(client)
	if err != nil {
		return byPump
	}
	originFD, err := l.adopt(origin)
	if err != nil {
		unix.Close(clientFD)
		return byPump
	}
	client.Close() // the sockets stay open by their second descriptors
	origin.Close()

	var pair [2]side
	a, b := &pair[0], &pair[1]
	*a = side{fd: int32(clientFD), out: &t.toOrigin, peer: b}
	*b = side{fd: int32(originFD), out: &t.toClient, peer: a}
	t.toOrigin.src, t.toClient.src = a, b
	return number
}

// bareSocket returns the socket that an end is, or nil.
func bareSocket(e End) socket {
	if conn, ok := e.(connEnd); ok && conn.bare() {
		return conn.socket
	}
	return nil
}

// adopt makes a second descriptor of a socket and has l watch it. Events are
// dropped until open says whose it is.
func (l *loop) adopt(s socket) (fd int, err error) {
	raw, err := s.SyscallConn()
	if err != nil {
		return 0, err
	}
	fd, dupErr := -1, error(nil)
	err = raw.Control(func(original uintptr) {
		fd, dupErr = unix.FcntlInt(original, unix.F_DUPFD_CLOEXEC, 0)
	})
	if err == nil {
		err = dupErr
	}
	if err != nil {
		return 0, err
	}
	if err := l.control(unix.EPOLL_CTL_ADD, fd, watched, 0); err != nil {
		unix.Close(fd)
		return 0, err
	}
	return fd, nil
}

var (
	loopsMu sync.Mutex
	loops   int // engines from one on
	turns   int
)

// maxLoops bounds how many threads wait for sockets. One moves gigabytes a
// second; more than these would only move the queue.
const maxLoops = 4

// nextLoop returns the loops of the process in turn, or nil if there can be none
// now: descriptors may have run out.
func nextLoop() (engineNumber, *loop) {
	loopsMu.Lock()
	defer loopsMu.Unlock()
	if loops == 0 {
		runLoops()
	}
	if loops == 0 {
		return byPump, nil
	}
	turns++
	number := 1 + turns%loops
	return engineNumber(number), engineBy[number].(*loop)
}

// runLoops starts the loops, which live as long as the process does.
func runLoops() {
	for range min(runtime.GOMAXPROCS(0), maxLoops) {
		l, err := newLoop()
		if err != nil {
			return // fewer, or none
		}
		loops++
		engineBy[loops] = l
		go l.run()
	}
}

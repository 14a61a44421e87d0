// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"errors"
	"io"
	"net"

	"golang.org/x/sys/unix"
)

// side is an end of a tunnel that a loop carries: a socket. Nothing of it
// waits. What the kernel does not take is queued, and as long as there is
// a queue nothing more is read for it: it holds no more than one turn's
// buffer, and a Close frame.
//
// A side belongs to its loop's goroutine.
type side struct {
	loop *loop
	peer *side
	out  *flow // from here to the peer

	queue  []byte
	fd     int32
	events uint32 // what the loop watches for
	over   bool   // out has ended
	closed bool
}

// ready is called when something can be done.
func (s *side) ready(events uint32) {
	if events&unix.EPOLLOUT != 0 {
		s.flush()
	}
	if events&^unix.EPOLLOUT != 0 {
		s.receive()
	}
}

// receive takes one turn's bytes to the peer. If there are more, the loop says
// so again, after the others had their turn.
func (s *side) receive() {
	if s.over || s.closed || len(s.peer.queue) > 0 {
		s.watch()
		return
	}
	n, err := s.Read(s.loop.buffer)
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
	case err != nil:
		s.end(s.out.srcEnded(err))
	case n == 0:
		s.end(s.out.srcEnded(io.EOF))
	default:
		s.moved(s.loop.buffer[:n])
	}
}

// moved takes bytes that came from s to the peer.
func (s *side) moved(p []byte) {
	if !s.out.forward(p) {
		s.end(false)
	}
	s.watch()
	s.peer.watch()
}

// end ends the flow out of s.
func (s *side) end(useless bool) {
	if s.over {
		return
	}
	s.over = true
	s.watch()
	s.out.tunnel.flowEnded(useless)
}

// flush sends what is queued.
func (s *side) flush() {
	if s.closed || len(s.queue) == 0 {
		return
	}
	n, err := write(s.fd, s.queue)
	s.queue = s.queue[n:]
	if len(s.queue) == 0 {
		s.queue = nil
	}
	if err != nil {
		s.queue = nil
		s.peer.out.dstFailed()
	}
	s.watch()
	s.peer.watch()
}

// watch has the loop wait for what can be used.
func (s *side) watch() {
	if s.closed {
		return
	}
	var want uint32
	if !s.over && len(s.peer.queue) == 0 {
		want = unix.EPOLLIN
	}
	if len(s.queue) > 0 {
		want |= unix.EPOLLOUT
	}
	if want == s.events {
		return
	}
	s.events = want
	if want == 0 {
		// Errors are reported whether one waits for them or not, and this one
		// cannot be looked at yet: once.
		want = unix.EPOLLONESHOT
	}
	_ = s.loop.watch(unix.EPOLL_CTL_MOD, int(s.fd), want)
}

func (s *side) Read(p []byte) (int, error) { return read(s.fd, p) }

// Write sends p, or queues what the kernel does not take.
func (s *side) Write(p []byte) (int, error) {
	if s.closed {
		return 0, net.ErrClosed
	}
	n := 0
	if len(s.queue) == 0 {
		var err error
		if n, err = write(s.fd, p); err != nil {
			return n, err
		}
	}
	if n < len(p) {
		s.queue = append(s.queue, p[n:]...)
		s.watch()
	}
	return len(p), nil
}

// CloseWrite is only called when nothing is queued: the end of the peer's
// bytes is not read before.
func (s *side) CloseWrite() error {
	if s.closed {
		return net.ErrClosed
	}
	err := unix.Shutdown(int(s.fd), unix.SHUT_WR)
	if errors.Is(err, unix.ENOTCONN) {
		return nil // it is gone, and reading it will tell
	}
	return err
}

// Close closes the socket. Closing its only descriptor ends the watching, too.
func (s *side) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	s.queue = nil
	s.loop.sides[s.fd] = nil
	return unix.Close(int(s.fd))
}

// Interface guards
var _ End = (*side)(nil)

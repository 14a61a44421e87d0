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
// The kernel tells once of each change, so what it said is remembered until a
// read or a write finds otherwise.
//
// A side belongs to its loop's goroutine.
type side struct {
	peer  *side
	out   *flow   // from here to the peer
	queue *[]byte // nil: empty, as it is as a rule; a slice would take three words
	fd    int32

	readable bool // there may be something to read
	wary     bool // there may be even behind a read that did not fill its buffer
	queued   bool // for a later turn
	spent    bool // out takes no more, and ends when the peer's queue is sent
	over     bool // out has ended
	closed   bool
}

const (
	// watched is what a socket is watched for: all that can happen to it.
	watched = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLPRI | unix.EPOLLRDHUP | unix.EPOLLET

	// anyEvent makes a side look for itself.
	anyEvent = ^uint32(0)
)

// ready is called when something has changed.
func (s *side) ready(events uint32) {
	if events&unix.EPOLLOUT != 0 {
		s.flush()
	}
	if events&^unix.EPOLLOUT == 0 {
		return
	}
	s.readable = true
	if events&^(unix.EPOLLIN|unix.EPOLLOUT) != 0 {
		// The end of the stream, an error or urgent data, at which a read stops
		// short, will not be told of again.
		s.wary = true
	}
	s.receive()
}

// receive takes one turn's bytes to the peer. If there are more, they come in a
// later turn, after the others had theirs.
func (s *side) receive() {
	if !s.readable || s.queued || s.spent || s.over || s.closed || s.peer.queue != nil {
		return
	}
	l := s.loop()
	n, err := s.Read(l.buffer)
	switch {
	case err == unix.EAGAIN:
		s.readable, s.wary = false, false
		return
	case err == unix.EINTR:
	case err != nil:
		s.end(s.out.srcEnded(err))
		return
	case n == 0:
		s.end(s.out.srcEnded(io.EOF))
		return
	default:
		s.readable = n == len(l.buffer) || s.wary
		s.moved(l.buffer[:n])
	}
	if s.readable && !s.spent && !s.over && s.peer.queue == nil {
		s.queued = true
		l.later = append(l.later, s)
	}
}

// moved takes bytes that came from s to the peer.
func (s *side) moved(p []byte) {
	if s.out.forward(p) {
		return
	}
	// When both flows have ended the sockets are closed, and what is queued is lost:
	// the gateway's Close frame, and what came before.
	if s.spent = s.peer.queue != nil; !s.spent {
		s.end(false)
	}
}

// end ends the flow out of s.
func (s *side) end(useless bool) {
	if s.over {
		return
	}
	s.over = true
	s.out.tunnel.flowEnded(useless)
}

// flush sends what is queued. Then there may be more from the peer.
func (s *side) flush() {
	if s.closed || s.queue == nil {
		return
	}
	n, err := write(s.fd, *s.queue)
	if err != nil {
		s.queue = nil
		s.peer.out.dstFailed()
	} else if *s.queue = (*s.queue)[n:]; len(*s.queue) == 0 {
		s.queue = nil
	}
	if flow := s.peer.out; n > 0 && flow.tunnel.watchful() {
		at := now() - flow.tunnel.opened
		flow.heard(at) // the peer was not read meanwhile
		flow.tunnel.active(at)
		flow.taken.Store(0) // with what is sent now it would be another number
	}
	switch {
	case s.queue != nil:
	case s.peer.spent:
		s.peer.end(false)
	default:
		s.peer.receive()
	}
}

func (s *side) Read(p []byte) (int, error) { return read(s.fd, p) }

// Write sends p, or queues what the kernel does not take.
func (s *side) Write(p []byte) (int, error) {
	if s.closed {
		return 0, net.ErrClosed
	}
	n := 0
	if s.queue == nil {
		var err error
		if n, err = write(s.fd, p); err != nil || n == len(p) {
			return n, err
		}
		s.queue = new([]byte)
	}
	*s.queue = append(*s.queue, p[n:]...)
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
	s.loop().sides[s.fd] = nil
	return unix.Close(int(s.fd))
}

func (s *side) loop() *loop { return s.out.tunnel.engine().(*loop) }

// Interface guards
var _ End = (*side)(nil)

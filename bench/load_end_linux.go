// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// end is one socket of the load: a client's, an origin's, or the one that
// origins are accepted from.
type end struct {
	loop   *loop
	fd     int
	birth  int32 // tells it from an earlier end with the same descriptor
	queued bool
	tls    *tls.Conn
	hungUp bool // the peer has ended its direction: read until that shows
	role   role

	// What comes is one frame over and over, and so is what goes.
	expect  []byte
	got     int // of the frame that is coming
	sending []byte
	sent    int    // of the frame that is going
	owed    int    // frames to send, the one that is going included
	ping    []byte // as far as it has come
	pongs   []byte // to send before more frames
}

// role is what an end has to do when its socket has something to read, or room
// to write.
type role interface {
	readable() error
	writable() error
}

// serve gives an end its turn.
func (e *end) serve(events uint32) {
	var err error
	if events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		e.hungUp = true
	}
	if events&unix.EPOLLOUT != 0 {
		err = e.role.writable()
	}
	if events&^unix.EPOLLOUT != 0 && err == nil && e.fd >= 0 {
		err = e.role.readable()
	}
	if err != nil && e.loop.failed == nil {
		e.loop.failed = err
	}
}

// errAgain says that a socket has nothing to read, or no room.
var errAgain = unix.EAGAIN

// read reads once. At the end of the stream n is 0 and err nil.
func (e *end) read(p []byte) (n int, err error) {
	if e.tls != nil {
		return e.readTLS(p)
	}
	for {
		n, err = unix.Read(e.fd, p)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		return 0, err
	}
	e.loop.moved += int64(n)
	return n, nil
}

// accept checks bytes that came against those that had to, and returns how
// many frames they completed.
func (e *end) accept(p []byte) (frames int, err error) {
	for len(p) > 0 {
		if e.got == 0 && (len(e.ping) > 0 || p[0] == opPing) {
			if p, err = e.pinged(p); err != nil {
				return frames, err
			}
			continue
		}
		want := e.expect[e.got:]
		n := min(len(want), len(p))
		if !bytes.Equal(p[:n], want[:n]) {
			return frames, fmt.Errorf("got other bytes than were sent, at byte %d of a frame: %.20x instead of %.20x", e.got, p[:n], want[:n])
		}
		p = p[n:]
		if e.got += n; e.got == len(e.expect) {
			e.got = 0
			frames++
		}
	}
	return frames, nil
}

// pinged takes bytes of a Ping and answers it when it is complete.
func (e *end) pinged(p []byte) (rest []byte, err error) {
	masked := e.expect[1]&maskBit != 0
	size := 2 + pingPayload
	if masked {
		size += len(maskKey)
	}
	n := min(size-len(e.ping), len(p))
	e.ping = append(e.ping, p[:n]...)
	if len(e.ping) < size {
		return nil, nil
	}
	payload := e.ping[size-pingPayload:]
	if masked {
		for i, key := range [pingPayload]byte(append(e.ping[2:6:6], e.ping[2:6]...)) {
			payload[i] ^= key
		}
	}
	e.pongs = append(e.pongs, frame(opPong, payload, !masked)...)
	e.ping = e.ping[:0]
	e.loop.pings++
	return p[n:], e.flush()
}

// flush sends what is owed, as far as the socket takes it.
func (e *end) flush() error {
	budget := writeBudget
	for e.owed > 0 || len(e.pongs) > 0 {
		if e.sent == 0 && len(e.pongs) > 0 {
			n, err := e.write(e.pongs)
			if e.pongs = e.pongs[n:]; errors.Is(err, errAgain) {
				return nil
			}
			if err != nil {
				return err
			}
			continue
		}
		n, err := e.write(e.sending[e.sent:])
		if errors.Is(err, errAgain) {
			return nil
		}
		if err != nil {
			return err
		}
		if e.sent += n; e.sent == len(e.sending) {
			e.sent = 0
			e.owed--
		}
		if budget -= n; budget <= 0 {
			e.loop.later(e)
			return nil
		}
	}
	return nil
}

func (e *end) write(p []byte) (n int, err error) {
	if e.tls != nil {
		return e.tls.Write(p)
	}
	for {
		n, err = unix.Write(e.fd, p)
		if !errors.Is(err, unix.EINTR) {
			return max(n, 0), err
		}
	}
}

func (e *end) close() {
	if e.fd < 0 {
		return
	}
	if e.loop != nil && e.loop.ends[e.fd] == e {
		e.loop.ends[e.fd] = nil
	}
	unix.Close(e.fd)
	e.fd = -1
}

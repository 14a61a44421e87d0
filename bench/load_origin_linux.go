// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/handshake"
)

// What a path asks of the origin; the size of messages follows.
const (
	pathEcho  = "/echo/"  // answers each message
	pathFlood = "/flood/" // sends messages as fast as they go
)

// origin accepts tunnels.
type origin struct {
	end
	address string
	talks   map[int]*talk
	open    int // tunnels
}

func newOrigin(l *loop, talks map[int]*talk) (*origin, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("making the origin's socket: %w", err)
	}
	o := &origin{talks: talks}
	o.end = end{fd: fd, role: o}
	err = errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), unix.Listen(fd, 4096), l.watch(&o.end))
	if err != nil {
		return nil, fmt.Errorf("listening as origin: %w", err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return nil, fmt.Errorf("asking for the origin's address: %w", err)
	}
	o.address = net.JoinHostPort("127.0.0.1", strconv.Itoa(name.(*unix.SockaddrInet4).Port))
	return o, nil
}

func (o *origin) writable() error { return nil }

func (o *origin) readable() error {
	for {
		fd, _, err := unix.Accept4(o.fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		switch {
		case errors.Is(err, errAgain):
			return nil
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.ECONNABORTED):
			continue
		case err != nil:
			return fmt.Errorf("accepting as origin: %w", err)
		}
		t := &served{origin: o}
		t.end = end{fd: fd, role: t}
		if err := errors.Join(unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1), o.loop.watch(&t.end)); err != nil {
			return fmt.Errorf("accepting as origin: %w", err)
		}
	}
}

// served is a tunnel at the origin.
type served struct {
	end
	origin  *origin
	head    []byte
	talk    *talk // nil until the request is complete
	flood   bool
	closing bool
}

func (t *served) writable() error {
	if t.flood {
		t.owed = 2 + writeBudget/len(t.sending) // never done
	}
	return t.lost(t.flush())
}

func (t *served) readable() error {
	n, err := t.read(t.loop.buffer)
	if errors.Is(err, errAgain) {
		return nil
	}
	if err != nil || n == 0 {
		return t.lost(errGone)
	}
	if n == len(t.loop.buffer) || t.hungUp {
		t.loop.later(&t.end) // otherwise what comes later is another event
	}
	p := t.loop.buffer[:n]
	if t.talk == nil {
		if p, err = t.request(p); err != nil || t.talk == nil {
			return err
		}
	}
	return t.frames(p)
}

// frames answers what came of a running tunnel.
func (t *served) frames(p []byte) error {
	if len(p) > 0 && t.got == 0 && p[0] == opClose {
		t.expect, t.closing, t.flood = t.talk.closing, true, false
	}
	n, err := t.accept(p)
	if err != nil {
		return fmt.Errorf("origin: %w", err)
	}
	if t.closing {
		if n == 0 {
			return nil
		}
		t.sending = t.talk.closed
		t.owed, t.sent = 1, 0
		if err := t.flush(); err != nil {
			return t.lost(err)
		}
		t.gone()
		return nil
	}
	if n == 0 {
		return nil
	}
	t.owed += n
	return t.lost(t.flush())
}

var errGone = errors.New("the connection has ended")

// lost ends a tunnel whose connection has. Whether it should have is for the
// client's side to judge.
func (t *served) lost(err error) error {
	if err != nil {
		t.gone()
	}
	return nil
}

func (t *served) gone() {
	if t.talk != nil && t.fd >= 0 {
		t.origin.open--
	}
	t.close()
}

// request collects the handshake, answers it, and returns what came behind it.
func (t *served) request(p []byte) ([]byte, error) {
	t.head = append(t.head, p...)
	end := bytes.Index(t.head, []byte("\r\n\r\n"))
	if end < 0 {
		return nil, nil
	}
	head, rest := string(t.head[:end]), t.head[end+4:]
	t.head = nil
	path, _, _ := strings.Cut(strings.TrimPrefix(head, "GET "), " ")
	number, flood := strings.CutPrefix(path, pathFlood)
	size, err := strconv.Atoi(strings.TrimPrefix(number, pathEcho))
	key := field(head, "Sec-WebSocket-Key")
	if err != nil || t.origin.talks[size] == nil || key == "" {
		return nil, fmt.Errorf("the origin does not understand %q", head)
	}
	answer := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + handshake.Accept(key) + "\r\n\r\n"
	if _, err := unix.Write(t.fd, []byte(answer)); err != nil {
		t.gone()
		return nil, nil
	}
	t.talk, t.flood = t.origin.talks[size], flood
	t.expect, t.sending = t.talk.question, t.talk.answer
	t.origin.open++
	return rest, t.writable()
}

// field is the value of a header field.
func field(head, name string) string {
	for line := range strings.SplitSeq(head, "\r\n") {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(key, name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

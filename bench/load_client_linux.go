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
)

// clients opens tunnels through a proxy.
type clients struct {
	loop    *loop
	address unix.SockaddrInet4
	host    string
	talks   map[int]*talk
	sources byte // counts source addresses
}

// driver is what a measure does with tunnels, called by the loop.
type driver interface {
	opened(t *tunnel) error
	answered(t *tunnel, messages int) error
	ended(t *tunnel) error // after the closing handshake, in good order
}

// tunnel is the client's end of one.
type tunnel struct {
	end
	clients *clients
	driver  driver
	number  int
	talk    *talk
	asked   []byte // the handshake, until it is sent
	head    []byte // its answer, until it is complete
	state   state
	paused  bool // reads nothing
	count   int  // for the driver
}

type state int

const (
	connecting state = iota
	shaking
	open
	closing
)

// The example of RFC 6455 section 1.3.
const (
	handshakeKey    = "dGhlIHNhbXBsZSBub25jZQ=="
	handshakeAnswer = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
)

func newClients(l *loop, address string, talks map[int]*talk) (*clients, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	return &clients{loop: l, host: address, talks: talks, address: unix.SockaddrInet4{Port: number, Addr: [4]byte{127, 0, 0, 1}}}, nil
}

func (c *clients) newTunnel(number int, path string, size int, d driver) *tunnel {
	t := &tunnel{clients: c, driver: d, number: number, talk: c.talks[size]}
	t.role = t
	t.expect, t.sending = t.talk.answer, t.talk.question
	t.asked = []byte("GET " + path + strconv.Itoa(size) + " HTTP/1.1\r\nHost: " + c.host + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + handshakeKey + "\r\n\r\n")
	return t
}

// dial begins to open a tunnel. Clients have several addresses, since each has
// only so many ports.
func (t *tunnel) dial() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("making a client's socket: %w", err)
	}
	t.fd = fd
	t.clients.sources++
	source := unix.SockaddrInet4{Addr: [4]byte{127, 0, 1, 1 + t.clients.sources%8}}
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1),
		unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1),
		unix.Bind(fd, &source),
	)
	if err == nil {
		err = unix.Connect(fd, &t.clients.address)
	}
	if err != nil && !errors.Is(err, unix.EINPROGRESS) {
		t.close()
		return fmt.Errorf("connecting to the proxy: %w", err)
	}
	return nil
}

// start dials, and leaves the rest to the loop.
func (t *tunnel) start() error {
	if err := t.dial(); err != nil {
		return err
	}
	return t.clients.loop.watch(&t.end)
}

func (t *tunnel) writable() error {
	if t.state != connecting {
		return t.flush()
	}
	code, err := unix.GetsockoptInt(t.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && code != 0 {
		err = unix.Errno(code)
	}
	if err != nil {
		return fmt.Errorf("connecting to the proxy: %w", err)
	}
	n, err := unix.Write(t.fd, t.asked)
	if errors.Is(err, errAgain) || errors.Is(err, unix.ENOTCONN) {
		return nil
	}
	if err != nil || n < len(t.asked) {
		return fmt.Errorf("asking the proxy: %w", err)
	}
	t.state, t.asked = shaking, nil
	return nil
}

func (t *tunnel) readable() error {
	if t.paused || t.state == connecting {
		return nil
	}
	for {
		n, err := t.read(t.loop.buffer)
		if errors.Is(err, errAgain) {
			return nil
		}
		if n == 0 || err != nil {
			return t.over(err)
		}
		p := t.loop.buffer[:n]
		if t.state == shaking {
			if p, err = t.response(p); err != nil {
				return err
			}
		}
		if err := t.frames(p); err != nil || t.fd < 0 {
			return err
		}
		switch {
		case n == len(t.loop.buffer):
			t.loop.later(&t.end)
			return nil
		case t.tls == nil && !t.hungUp:
			return nil // what comes later is another event
		}
	}
}

func (t *tunnel) frames(p []byte) error {
	n, err := t.accept(p)
	if err != nil {
		return fmt.Errorf("client: %w", err)
	}
	if n > 0 && t.state == open {
		return t.driver.answered(t, n)
	}
	return nil
}

// over judges the end of a connection: there must have been a closing
// handshake, and nothing may follow it.
func (t *tunnel) over(err error) error {
	if t.state != closing || t.got != 0 || err != nil {
		return fmt.Errorf("a tunnel ended that should not (%d bytes into a frame): %w", t.got, errors.Join(err, errGone))
	}
	t.close()
	return t.driver.ended(t)
}

// response collects the answer to the handshake and returns what came behind
// it.
func (t *tunnel) response(p []byte) ([]byte, error) {
	t.head = append(t.head, p...)
	end := bytes.Index(t.head, []byte("\r\n\r\n"))
	if end < 0 {
		return nil, nil
	}
	head, rest := string(t.head[:end]), t.head[end+4:]
	t.head = nil
	if !strings.HasPrefix(head, "HTTP/1.1 101 ") || field(head, "Sec-WebSocket-Accept") != handshakeAnswer {
		return nil, fmt.Errorf("the proxy opened no tunnel: %q", head)
	}
	t.state = open
	return rest, t.driver.opened(t)
}

// ask sends messages.
func (t *tunnel) ask(messages int) error {
	t.owed += messages
	return t.flush()
}

// goodbye begins the closing handshake.
func (t *tunnel) goodbye() error {
	t.state = closing
	t.expect, t.sending, t.sent, t.owed = t.talk.closed, t.talk.closing, 0, 1
	return t.flush()
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// socket is a descriptor as TLS wants its connection. While it is patient, a
// Read waits; otherwise it fails with an error that TLS takes for a temporary
// one, so that one thread can serve many.
type socket struct {
	net.Conn // for what is not used
	fd       int
	patient  bool
}

// notNowError is errAgain for TLS, which goes on after a temporary error.
type notNowError struct{ error }

func (notNowError) Timeout() bool   { return true }
func (notNowError) Temporary() bool { return true }
func (notNowError) Unwrap() error   { return errAgain }

var errNotNow net.Error = notNowError{errAgain}

func (s *socket) Read(p []byte) (int, error) {
	for {
		n, err := unix.Read(s.fd, p)
		switch {
		case n > 0:
			return n, nil
		case err == nil:
			return 0, io.EOF
		case errors.Is(err, unix.EINTR):
		case !errors.Is(err, errAgain):
			return 0, err
		case !s.patient:
			return 0, errNotNow
		default:
			if err := await(s.fd, unix.POLLIN); err != nil {
				return 0, err
			}
		}
	}
}

// Write always waits: TLS does not go on after half a write. What is sent over
// TLS are small messages, which a socket takes at once.
func (s *socket) Write(p []byte) (written int, err error) {
	for written < len(p) {
		n, err := unix.Write(s.fd, p[written:])
		switch {
		case n > 0:
			written += n
		case errors.Is(err, unix.EINTR):
		case !errors.Is(err, errAgain):
			return written, err
		default:
			if err := await(s.fd, unix.POLLOUT); err != nil {
				return written, err
			}
		}
	}
	return written, nil
}

func await(fd int, events int16) error {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: events}}, int(startPatience/time.Millisecond))
	if err == nil && n == 0 {
		return errors.New("a TLS handshake stands still")
	}
	if errors.Is(err, unix.EINTR) {
		return nil
	}
	return err
}

// readTLS is read for a client's end of a wss:// tunnel.
func (e *end) readTLS(p []byte) (int, error) {
	n, err := e.tls.Read(p)
	if n > 0 {
		e.loop.moved += int64(n)
		return n, nil
	}
	if errors.Is(err, io.EOF) {
		return 0, nil
	}
	return 0, err
}

// Tunnels over TLS that are opened at a time: each has a thread meanwhile.
const openingTLS = 8

// openTLS opens n tunnels over TLS. The handshakes wait in goroutines, while
// the loop plays the origin.
func (c *clients) openTLS(n int, size int, config *tls.Config) ([]*tunnel, error) {
	tunnels := make([]*tunnel, n)
	next, done := make(chan *tunnel, n), make(chan error, n)
	o := &opener{clients: c} // drives nothing
	for i := range tunnels {
		tunnels[i] = c.newTunnel(i, pathEcho, size, o)
		next <- tunnels[i]
	}
	close(next)
	for range openingTLS {
		go func() {
			for t := range next {
				done <- t.shakeTLS(config)
			}
		}()
	}
	opened := 0
	err := c.loop.run(func() bool {
		for {
			select {
			case err := <-done:
				if err != nil && c.loop.failed == nil {
					c.loop.failed = err
				}
				opened++
				c.loop.moved++
			default:
				return opened == n || c.loop.failed != nil
			}
		}
	})
	if err != nil {
		return nil, err
	}
	for _, t := range tunnels {
		t.tls.NetConn().(*socket).patient = false
		t.state = open
		if err := c.loop.watch(&t.end); err != nil {
			return nil, err
		}
	}
	return tunnels, nil
}

// shakeTLS opens one tunnel. Source addresses are left to the system: there are
// ports enough for these.
func (t *tunnel) shakeTLS(config *tls.Config) (err error) {
	if t.fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return fmt.Errorf("making a client's socket: %w", err)
	}
	defer func() {
		if err != nil {
			t.close() // the loop does not know it yet
		}
	}()
	address := t.clients.address // Connect writes to it, in several goroutines
	err = errors.Join(unix.Connect(t.fd, &address), unix.SetNonblock(t.fd, true), unix.SetsockoptInt(t.fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1))
	if err != nil {
		return fmt.Errorf("connecting to the proxy: %w", err)
	}
	conn := tls.Client(&socket{fd: t.fd, patient: true}, config)
	if _, err := conn.Write(t.asked); err != nil {
		return fmt.Errorf("asking the proxy over TLS: %w", err)
	}
	t.asked = nil
	var head []byte
	buffer := make([]byte, 1024)
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) { // the origin says nothing more unless asked
		n, err := conn.Read(buffer)
		if err != nil {
			return fmt.Errorf("awaiting the proxy's answer over TLS: %w", err)
		}
		head = append(head, buffer[:n]...)
	}
	if !bytes.HasPrefix(head, []byte("HTTP/1.1 101 ")) || field(string(head), "Sec-WebSocket-Accept") != handshakeAnswer {
		return fmt.Errorf("the proxy opened no tunnel: %q", head)
	}
	t.tls = conn
	return nil
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package proxylisten

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/proxyheader"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/unwrap"
)

// Conn is a connection that begins, or may begin, with a PROXY header. The
// header is read before the first byte passes in either direction; methods that
// need it wait for it, for as long as the listener's timeout and the caller's
// own read deadline both allow.
//
// A rejected connection is closed. Reading from it and writing to it fails with
// a *net.OpError that wraps the *proxyheader.Error; the peer is told nothing,
// because net/http answers no other kind of error with silence.
//
// All methods may be called from several goroutines at once.
type Conn struct {
	inner    net.Conn
	listener *Listener // nil once settled
	rule     *Rule
	expires  time.Time

	settling sync.Mutex  // held by the one who reads the header
	settled  atomic.Bool // set when the fields below are final

	header *proxyheader.Header
	lead   []byte // data that had to be read to see that there is no header
	err    *proxyheader.Error

	deadlines    sync.Mutex // guards readDeadline, and settled's becoming true
	readDeadline time.Time  // the caller's, in force once settled
}

// FromConn returns the Conn that c is or has below it, nil if there is none. It
// does not wait for the header.
func FromConn(c net.Conn) *Conn {
	for range maxLayers {
		if p, ok := c.(interface{ proxyConn() *Conn }); ok {
			return p.proxyConn()
		}
		if c = unwrap.Next(c); c == nil {
			return nil
		}
	}
	return nil
}

// maxLayers is more than anyone wraps, and fewer than a wrapper that gives
// itself as what is below would make it.
const maxLayers = 32

func (c *Conn) proxyConn() *Conn { return c }

// Header returns the header that came and counts, nil if there is none. It
// waits.
func (c *Conn) Header() *proxyheader.Header {
	_ = c.settle()
	return c.header
}

// RealRemoteAddr returns the address of the socket's other end. It does not
// wait.
func (c *Conn) RealRemoteAddr() net.Addr { return c.inner.RemoteAddr() }

// RealLocalAddr returns the address of the socket's own end. It does not wait.
func (c *Conn) RealLocalAddr() net.Addr { return c.inner.LocalAddr() }

// NetConn returns the connection below, nil if it must not be used: there was
// no good header, or bytes that belong to the connection are still to be read
// here. It waits.
func (c *Conn) NetConn() net.Conn {
	if c.settle() != nil || len(c.unread()) > 0 {
		return nil
	}
	return c.inner
}

// RemoteAddr returns the header's source, or else the socket's other end. It
// waits.
func (c *Conn) RemoteAddr() net.Addr {
	if h := c.Header(); h != nil && h.HasAddresses() {
		return net.TCPAddrFromAddrPort(h.Source)
	}
	return c.inner.RemoteAddr()
}

// LocalAddr returns the header's destination, or else the socket's own end. It
// waits.
func (c *Conn) LocalAddr() net.Addr {
	if h := c.Header(); h != nil && h.HasAddresses() {
		return net.TCPAddrFromAddrPort(h.Destination)
	}
	return c.inner.LocalAddr()
}

// Read implements net.Conn.
func (c *Conn) Read(p []byte) (int, error) {
	if err := c.settleFor("read"); err != nil {
		return 0, err
	}
	if n := c.takeLead(p); n > 0 || len(p) == 0 {
		return n, nil
	}
	return c.inner.Read(p)
}

// Write implements net.Conn.
func (c *Conn) Write(p []byte) (int, error) {
	if err := c.settleFor("write"); err != nil {
		return 0, err
	}
	return c.inner.Write(p)
}

// Close implements net.Conn. It does not wait, and ends the wait of others.
func (c *Conn) Close() error { return c.inner.Close() }

// SetDeadline implements net.Conn. It does not wait.
func (c *Conn) SetDeadline(t time.Time) error {
	if c.settled.Load() {
		return c.inner.SetDeadline(t)
	}
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline implements net.Conn. It does not wait. Until the header came
// it can shorten the time for that, never extend it.
func (c *Conn) SetReadDeadline(t time.Time) error {
	if c.settled.Load() {
		return c.inner.SetReadDeadline(t)
	}
	c.deadlines.Lock()
	defer c.deadlines.Unlock()
	c.readDeadline = t
	if !c.settled.Load() && (t.IsZero() || t.After(c.expires)) {
		t = c.expires
	}
	return c.inner.SetReadDeadline(t)
}

// SetWriteDeadline implements net.Conn. It does not wait.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.inner.SetWriteDeadline(t) }

// settleFor returns the error that an operation fails with if the connection
// was rejected.
func (c *Conn) settleFor(op string) error {
	if err := c.settle(); err != nil {
		addr := c.inner.RemoteAddr()
		network := "tcp"
		if addr != nil {
			network = addr.Network()
		}
		return &net.OpError{Op: op, Net: network, Addr: addr, Err: err}
	}
	return nil
}

// settle waits until it is known what the connection begins with.
func (c *Conn) settle() *proxyheader.Error {
	if !c.settled.Load() {
		c.settling.Lock()
		defer c.settling.Unlock()
		if !c.settled.Load() {
			c.readHeader()
		}
	}
	return c.err
}

func (c *Conn) readHeader() {
	c.deadlines.Lock()
	wait := c.expires
	if !c.readDeadline.IsZero() && c.readDeadline.Before(wait) {
		wait = c.readDeadline
	}
	err := c.inner.SetReadDeadline(wait)
	c.deadlines.Unlock()

	var h *proxyheader.Header
	var lead []byte
	if err == nil {
		h, lead, err = c.listener.Options.Read(c.inner)
	}
	outcome := c.judge(h, lead, err)

	c.deadlines.Lock()
	c.settled.Store(true)
	_ = c.inner.SetReadDeadline(c.readDeadline)
	c.deadlines.Unlock()

	// That our own side gave up says nothing about the peer.
	if c.err == nil || c.err.Reason != proxyheader.Closed {
		c.listener.observe(outcome)
	}
	c.listener = nil // a tunnel may outlive the config that it came by
	if c.err != nil {
		_ = c.inner.Close()
	}
}

// judge applies the policy to what was read.
func (c *Conn) judge(h *proxyheader.Header, lead []byte, err error) Outcome {
	outcome := Outcome{Rule: c.rule, Peer: c.inner.RemoteAddr(), Header: h}
	var rejection *proxyheader.Error
	switch {
	case err == nil && c.rule.Policy == Ignore:
		outcome.Result = Ignored
	case err == nil && h.HasAddresses():
		outcome.Result = Used
		c.header = h
	case err == nil:
		outcome.Result = Local
		c.header = h
	case !errors.As(err, &rejection): // the deadline could not be set
		rejection = &proxyheader.Error{Reason: proxyheader.ReadFailed, Err: err}
		if errors.Is(err, net.ErrClosed) {
			rejection.Reason = proxyheader.Closed
		}
		fallthrough
	case c.rule.Policy == Require || !isData(rejection, lead):
		outcome.Result = Rejected
		c.err, outcome.Err = rejection, rejection
	default:
		outcome.Result = Headerless
		c.lead = lead
	}
	return outcome
}

// isData says whether a connection that has no header is one that was not
// going to have any. A timeout never says so (2.1: it must abort).
func isData(rejection *proxyheader.Error, lead []byte) bool {
	return rejection.Reason == proxyheader.NoSignature ||
		rejection.Reason == proxyheader.EOFIncomplete && !proxyheader.HasSignature(lead)
}

// unread returns what Read will return before anything from the socket.
func (c *Conn) unread() []byte {
	c.deadlines.Lock()
	defer c.deadlines.Unlock()
	return c.lead
}

// takeLead moves up to len(p) bytes of the lead to p.
func (c *Conn) takeLead(p []byte) int {
	if c.rule.Policy == Require {
		return 0 // there never is any: spare the lock
	}
	c.deadlines.Lock()
	defer c.deadlines.Unlock()
	n := copy(p, c.lead)
	if c.lead = c.lead[n:]; len(c.lead) == 0 {
		c.lead = nil
	}
	return n
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package proxylisten

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// newConn returns the connection that Accept returns for c: one that offers
// what c offers beyond net.Conn, as far as c is known. Whatever could pass
// bytes, or let others do so, waits for the header.
func newConn(c net.Conn, l *Listener, rule *Rule) net.Conn {
	switch socket := c.(type) {
	case *net.TCPConn:
		t := &tcpConn{tcpSocket: tcpSocket{socket}}
		t.Conn.begin(c, l, rule)
		return t
	case *net.UnixConn:
		u := new(unixConn)
		u.Conn.begin(c, l, rule)
		return u
	}
	g := new(Conn)
	g.begin(c, l, rule)
	return g
}

func (c *Conn) begin(inner net.Conn, l *Listener, rule *Rule) {
	c.inner, c.listener, c.rule = inner, l, rule
	c.expires = time.Now().Add(l.timeout())
}

// tcpConn is a Conn on a TCP socket. The socket is embedded one level deeper
// than Conn, so that Conn's methods hide its own; what is left of them
// (CloseWrite, SetKeepAlive and the like) is for everyone to use.
type tcpConn struct {
	Conn
	tcpSocket
}

type tcpSocket struct{ *net.TCPConn }

// ReadFrom keeps splice and sendfile.
func (t *tcpConn) ReadFrom(r io.Reader) (int64, error) {
	if err := t.settleFor("write"); err != nil {
		return 0, err
	}
	return t.TCPConn.ReadFrom(bare(r))
}

// WriteTo keeps splice.
func (t *tcpConn) WriteTo(w io.Writer) (int64, error) {
	if err := t.settleFor("read"); err != nil {
		return 0, err
	}
	n, err := t.writeLead(w)
	if err != nil {
		return n, err
	}
	m, err := t.TCPConn.WriteTo(w)
	return n + m, err
}

// SyscallConn implements syscall.Conn.
func (t *tcpConn) SyscallConn() (syscall.RawConn, error) { return raw(&t.Conn, t.TCPConn.SyscallConn) }

// File returns a copy of the socket.
func (t *tcpConn) File() (*os.File, error) { return raw(&t.Conn, t.TCPConn.File) }

// unixConn is a Conn on a Unix socket. The socket is not embedded: it has
// methods for datagrams, which would read past the header.
type unixConn struct{ Conn }

func (u *unixConn) socket() *net.UnixConn { return u.inner.(*net.UnixConn) }

// CloseRead ends the reading side. It does not wait.
func (u *unixConn) CloseRead() error { return u.socket().CloseRead() }

// CloseWrite ends the writing side. It does not wait.
func (u *unixConn) CloseWrite() error { return u.socket().CloseWrite() }

// WriteTo keeps splice.
func (u *unixConn) WriteTo(w io.Writer) (int64, error) {
	if err := u.settleFor("read"); err != nil {
		return 0, err
	}
	n, err := u.writeLead(w)
	if err != nil {
		return n, err
	}
	m, err := io.Copy(w, u.inner)
	return n + m, err
}

// SyscallConn implements syscall.Conn.
func (u *unixConn) SyscallConn() (syscall.RawConn, error) {
	return raw(&u.Conn, u.socket().SyscallConn)
}

// File returns a copy of the socket.
func (u *unixConn) File() (*os.File, error) { return raw(&u.Conn, u.socket().File) }

// raw gives out access to the socket once nothing is to be read before what
// comes from it.
func raw[T any](c *Conn, access func() (T, error)) (T, error) {
	var none T
	if err := c.settleFor("raw"); err != nil {
		return none, err
	}
	if len(c.unread()) > 0 {
		return none, errLead
	}
	return access()
}

// bare returns what splice knows to handle, for the connections of this
// package.
func bare(r io.Reader) io.Reader {
	if c, ok := r.(interface{ proxyConn() *Conn }); ok {
		if inner := c.proxyConn().NetConn(); inner != nil {
			return inner
		}
	}
	return r
}

// writeLead writes to w what was read before it was clear that there is no
// header.
func (c *Conn) writeLead(w io.Writer) (int64, error) {
	lead := make([]byte, len(c.unread()))
	n := c.takeLead(lead)
	if n == 0 {
		return 0, nil
	}
	n, err := w.Write(lead[:n])
	return int64(n), err
}

var errLead = errors.New("bytes read while looking for a PROXY header are still to be taken")

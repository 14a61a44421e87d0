// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"errors"
	"net"
	"syscall"
)

// Conn makes an end of a connection. One that has no CloseWrite cannot be
// half-closed.
func Conn(c net.Conn) End {
	switch c := c.(type) {
	case *net.TCPConn:
		return connEnd{c, c}
	case *net.UnixConn:
		return connEnd{c, c}
	}
	return connEnd{c, nil}
}

// Layered makes an end of a connection that is a layer, TLS for one, over a
// socket. A read that ran into its deadline must have left all that came from
// the socket unread, but for the beginning of something, and can be made again.
// If it has a method Rest, that is called before a time without reads.
func Layered(c net.Conn, over net.Conn) End {
	s, _ := over.(socket)
	return connEnd{c, s}
}

// connEnd is an end that is a connection, and the socket that it is or is made
// of; nil if that is not known.
type connEnd struct {
	net.Conn
	socket socket
}

type socket interface {
	net.Conn
	syscall.Conn
}

// bare tells whether the end is a socket and nothing more.
func (e connEnd) bare() bool { return e.socket != nil && e.Conn == net.Conn(e.socket) }

// resetAtClose has Close reset the connection.
func (e connEnd) resetAtClose() {
	if c, ok := e.socket.(*net.TCPConn); ok {
		_ = c.SetLinger(0)
	}
}

func (e connEnd) CloseWrite() error {
	if c, ok := e.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return errors.ErrUnsupported
}

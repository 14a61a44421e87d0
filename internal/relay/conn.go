// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"errors"
	"net"
)

// Conn makes an end of a connection. One that has no CloseWrite cannot be
// half-closed.
func Conn(c net.Conn) End { return connEnd{c} }

type connEnd struct{ net.Conn }

func (e connEnd) CloseWrite() error {
	if c, ok := e.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return errors.ErrUnsupported
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync/atomic"
	"syscall"
)

// sources are the addresses that connections to origins are made from. Each has
// one port for each connection to an origin's address, which are what more than
// 28,000 tunnels to one run out of.
type sources struct {
	addresses []netip.Addr
	turn      atomic.Uint32
}

func (h *Handler) validateSources() error {
	for i, text := range h.LocalAddresses {
		if _, err := netip.ParseAddr(text); err != nil {
			return fmt.Errorf("local_address %q is not an IP address", text)
		}
		if slices.Contains(h.LocalAddresses[:i], text) {
			return fmt.Errorf("local_address %s is given twice", text)
		}
	}
	return nil
}

func (h *Handler) provisionSources() {
	if len(h.LocalAddresses) == 0 {
		return
	}
	h.sources = new(sources)
	for _, text := range h.LocalAddresses {
		if address, err := netip.ParseAddr(text); err == nil { // or Validate says so
			h.sources.addresses = append(h.sources.addresses, address)
		}
	}
}

// errNoLocalPort says what to do about it.
var errNoLocalPort = errors.New("all local ports for connections to this address are in use: add addresses to local_address, or widen net.ipv4.ip_local_port_range")

// dial connects from the next address that has a port left and is of the right
// kind.
func (s *sources) dial(ctx context.Context, dialer net.Dialer, network, address string) (conn net.Conn, err error) {
	if s == nil || network == "unix" {
		conn, err = dialer.DialContext(ctx, network, address)
		return conn, portsOut(err)
	}
	check := dialer.Control
	dialer.Control = func(network, address string, raw syscall.RawConn) error {
		return errors.Join(check(network, address, raw), bindLate(network, address, raw))
	}
	first := s.turn.Add(1)
	var failed error
	for i := range s.addresses {
		source := s.addresses[(int(first%uint32(len(s.addresses)))+i)%len(s.addresses)]
		dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(source, 0))
		conn, err = dialer.DialContext(ctx, network, address)
		var otherKind *net.AddrError
		switch err = portsOut(err); {
		case err == nil:
			return conn, nil
		case errors.Is(err, errNoLocalPort):
			failed = err
		case errors.As(err, &otherKind):
			if failed == nil {
				failed = err
			}
		default:
			return nil, err
		}
	}
	return nil, failed
}

// portsOut names the error by what it means.
func portsOut(err error) error {
	var call *os.SyscallError
	if errors.As(err, &call) && call.Syscall == "bind" {
		return fmt.Errorf("local_address is no address of this machine: %w", err)
	}
	if errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EADDRINUSE) {
		return &dialError{"no_local_port", fmt.Errorf("%w: %w", errNoLocalPort, err)}
	}
	return err
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package proxyheader

import (
	"io"
	"syscall"
)

// peekFrom returns a function that peeks at c.
//
// The runtime's poller reports changes, not states: having peeked, the caller
// takes what it saw before it peeks again. An end of file then shows as a peek
// of nothing, instead of as the same bytes for ever.
func peekFrom(c syscall.Conn) func(p []byte) (int, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	return func(p []byte) (n int, err error) {
		waitErr := raw.Read(func(fd uintptr) bool {
			for {
				n, _, err = syscall.Recvfrom(int(fd), p, syscall.MSG_PEEK)
				if err != syscall.EINTR {
					return err != syscall.EAGAIN
				}
			}
		})
		switch {
		case waitErr != nil:
			return 0, waitErr
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		}
		return n, nil
	}
}

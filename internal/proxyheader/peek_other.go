// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package proxyheader

import "syscall"

// peekFrom returns nil: overlapped reads, as Windows has them, cannot peek.
func peekFrom(syscall.Conn) func(p []byte) (int, error) { return nil }

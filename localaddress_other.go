// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package wstunnel

import "syscall"

// bindLate does nothing: only Linux can put off the choice of a port.
func bindLate(string, string, syscall.RawConn) error { return nil }

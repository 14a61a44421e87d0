// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package wstunnel

import (
	"net"
	"time"
)

// setUserTimeout does nothing: the kernel's own patience holds.
func setUserTimeout(*net.TCPConn, time.Duration) {}

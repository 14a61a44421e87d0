// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package wstest

import "testing"

// CaddyPort is a port for Caddy to listen on. Others might be given it before.
func CaddyPort(t *testing.T) string {
	t.Helper()
	return FreePort(t)
}

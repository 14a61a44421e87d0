// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package interop tests the gateway against the programs that stand around it in
// practice: load balancers that send PROXY headers, origins that accept them,
// WebSocket clients and servers, a browser, and what it replaces; and against bad
// networks and bad machines. The programs have to be installed; the tests need the
// build tag interop, `npm ci --prefix interop` before them, and root for what they
// do to the machine: network namespaces and a disk that is full.
package interop

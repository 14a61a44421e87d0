// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package relay

func backlog(End) (unsent bool, taken uint64) { return false, 0 }

func queued(End) bool { return false }

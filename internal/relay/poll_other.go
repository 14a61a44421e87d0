// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package relay

// chooseEngine has no choice where there is no epoll.
func chooseEngine(*Tunnel) engineNumber { return byPump }

const maxLoops = 0

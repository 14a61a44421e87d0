// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package relay

func (f *flow) park(socket) bool { return false }

func (f *flow) unpark() {}

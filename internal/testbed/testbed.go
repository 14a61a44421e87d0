// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package testbed has what programs need that run Caddy on loopback and play its
// clients and origins: bench and soak.
package testbed

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
)

// BuildCaddy builds what the module's own command is into dir. It has both ws_tunnel
// and stock reverse_proxy.
func BuildCaddy(ctx context.Context, dir string) (string, error) {
	path := filepath.Join(dir, "caddy")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", path, "github.com/caddy-wstunnel/caddy-wstunnel/cmd/caddy") //nolint:gosec // no shell is asked
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("building Caddy: %w", err)
	}
	return path, nil
}

// FreeAddress is one of loopback whose port nobody uses now, for TCP and UDP.
func FreeAddress() (string, error) {
	for range 20 {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", fmt.Errorf("finding a port: %w", err)
		}
		address := ln.Addr().String()
		packets, err := net.ListenPacket("udp", address)
		ln.Close()
		if err == nil {
			packets.Close()
			return address, nil
		}
	}
	return "", errors.New("found no port that is free for TCP and UDP")
}

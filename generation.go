// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"go.uber.org/zap"
)

// generation stands for one provisioned handler where the handler itself must
// not be held on to: its tunnels outlive it, and would keep its whole config in
// memory.
type generation struct {
	name     string
	config   [sha256.Size]byte // of the handler, to know the same one by after a reload
	onReload string
	drain    time.Duration

	// Guarded by the registry's mu.
	logger  *zap.Logger // nil once the handler's config is gone
	started bool        // its config runs, or did
	ended   bool        // its config is stopping
}

// newGeneration is called before h is changed in any way.
func newGeneration(h *Handler) (*generation, error) {
	config, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("encoding the handler's config: %w", err)
	}
	return &generation{config: sha256.Sum256(config)}, nil
}

// same tells whether two generations are of the same handler, unchanged.
func (g *generation) same(other *generation) bool {
	return g.name == other.name && g.config == other.config
}

// The values of Handler.OnReload.
const (
	reloadKeep  = "keep"
	reloadDrain = "drain"
	reloadClose = "close"
)

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"crypto/tls"
	"encoding/json"
	"sync"

	"github.com/caddyserver/caddy/v2"
)

// Caddy starts its apps in any order, and the TLS app writes to itself when it
// starts. If the HTTP app was first, its HTTP/3 server reads that without
// anything that orders the two, since a UDP packet is none: the race detector
// objects (Caddy v2.11.9, caddytls.TLS.Start). Tests order them: every TLS
// handshake passes a matcher that takes a lock which is held during the start.

// starting is held while a config is loaded.
var starting sync.Mutex

func init() { caddy.RegisterModule(afterStart{}) }

type afterStart struct{}

func (afterStart) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "tls.handshake_match.wstunnel_test", New: func() caddy.Module { return new(afterStart) }}
}

func (afterStart) Match(*tls.ClientHelloInfo) bool {
	starting.Lock()
	defer starting.Unlock()
	return true
}

// loadOrdered is caddy.Load with the matcher in every TLS policy.
func loadOrdered(config []byte) error {
	var c struct {
		Apps struct {
			HTTP struct {
				Servers map[string]map[string]any `json:"servers"`
			} `json:"http"`
		} `json:"apps"`
	}
	var whole map[string]any
	if err := json.Unmarshal(config, &c); err != nil {
		return err
	}
	if err := json.Unmarshal(config, &whole); err != nil {
		return err
	}
	for _, server := range c.Apps.HTTP.Servers {
		policies, _ := server["tls_connection_policies"].([]any)
		for _, policy := range policies {
			match, _ := policy.(map[string]any)["match"].(map[string]any)
			if match == nil {
				match = make(map[string]any)
				policy.(map[string]any)["match"] = match
			}
			match["wstunnel_test"] = struct{}{}
		}
	}
	whole["apps"].(map[string]any)["http"].(map[string]any)["servers"] = c.Apps.HTTP.Servers
	ordered, err := json.Marshal(whole)
	if err != nil {
		return err
	}
	starting.Lock()
	defer starting.Unlock()
	return caddy.Load(ordered, true)
}

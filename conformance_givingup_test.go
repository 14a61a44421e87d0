// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"context"
	"io"
	"testing"
)

// beginHandshake begins a handshake of a client that gives it up when leave is
// called.
func (g *gateway) beginHandshake(version string) (leave func()) {
	g.t.Helper()
	if version == "HTTP/1.1" {
		c := g.dial()
		c.send(handshakeOf("/ws", ""))
		return func() { c.Close() }
	}
	ctx, cancel := context.WithCancel(g.t.Context())
	over := make(chan struct{})
	go func() {
		defer close(over)
		in, out := io.Pipe()
		defer out.Close()
		if resp, err := g.ask(ctx, version, in); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body) // to the end, which does not come
			resp.Body.Close()
		}
	}()
	return func() {
		cancel()
		<-over
	}
}

// Whenever a client gives up, the origin's connection is closed, and nothing is
// left. Before that there is only the choice of an origin, for which see
// TestClientLeavesTheQueue; after that there is a tunnel.
func TestClientGivesUp(t *testing.T) {
	said := func(answer string) func(p *peer) {
		return func(p *peer) {
			p.readHead()
			p.send(answer)
		}
	}
	steps := []struct {
		name, scheme, reason string
		serve                func(p *peer)
	}{
		{"during TLS", "wss://", "client_left", func(p *peer) { _, _ = p.r.ReadByte() }},
		{"before the answer", "ws://", "client_left", said("")},
		{"within the answer's head", "ws://", "client_left", said("HTTP/1.1 101 Switching Pro")},
		{"after an interim answer", "ws://", "client_left", said("HTTP/1.1 103 Early Hints\r\n\r\n")},
		{"within a refusal's body", "ws://", "origin_refused", said("HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\nbecause")},
	}
	for _, step := range steps {
		for _, version := range allVersions {
			t.Run(step.name+" "+version, func(t *testing.T) {
				reached, gone := make(chan struct{}), make(chan struct{})
				g := startGateway(t, true, "", "ws_tunnel "+step.scheme+startOrigin(t, nil, func(p *peer) {
					step.serve(p)
					close(reached)
					_, _ = io.Copy(io.Discard, p.r)
					close(gone)
				})+" {\nhandshake_timeout 1h\n}")
				leave := g.beginHandshake(version)
				<-reached
				if step.reason == "origin_refused" {
					g.expectRefusal(step.reason)
				}
				leave()
				<-gone
				if step.reason == "client_left" {
					if r := g.expectRefusal(step.reason); r["status"] != 499.0 {
						t.Errorf("record %v", r)
					}
				}
				nothingLeft(t)
			})
		}
	}
}

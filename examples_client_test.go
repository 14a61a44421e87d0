// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"crypto/tls"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// exAsk is a request to an example.
type exAsk struct {
	port   string // as the example has it
	tls    bool
	proxy  string // sent ahead of all
	host   string
	path   string
	fields string // after Host, each with its line break
}

// ask sends a request to the port that stands for the example's.
func (s *exSite) ask(t *testing.T, ask exAsk) wstest.Answer {
	t.Helper()
	r := wstest.Request{Address: s.ports[ask.port], Proxy: ask.proxy, Host: ask.host + ":" + ask.port, Path: ask.path, Fields: ask.fields}
	if ask.tls {
		r.TLS = &tls.Config{RootCAs: s.trust, ServerName: ask.host, NextProtos: []string{"http/1.1"}}
	}
	return wstest.Ask(t, r)
}

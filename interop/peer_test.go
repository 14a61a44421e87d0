// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"crypto/tls"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// ask sends a request to a port of loopback, over TLS if config is not nil.
// fields have their line breaks.
func ask(t *testing.T, port string, config *tls.Config, host, path, fields string) wstest.Answer {
	t.Helper()
	return wstest.Ask(t, wstest.Request{Address: "127.0.0.1:" + port, TLS: config, Host: host, Path: path, Fields: fields})
}

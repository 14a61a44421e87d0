// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// runConfig runs Caddy until the test is over.
func runConfig(t *testing.T, config []byte) {
	t.Helper()
	if err := caddy.Load(config, true); err != nil {
		t.Fatal(err)
	}
	stopAfterwards(t)
}

// stopAfterwards stops Caddy when the test is over.
func stopAfterwards(t *testing.T) {
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
}

// serverAddress is where the server of the running config listens; there is
// only one.
func serverAddress() (address string, err error) {
	app, err := caddy.ActiveContext().AppIfConfigured("http")
	if err != nil {
		return "", err
	}
	for _, srv := range app.(*caddyhttp.App).Servers {
		address = srv.Listeners()[0].Addr().String()
	}
	return address, nil
}

// logFile is the name of a file that Caddy logs to.
type logFile string

// lines returns the records that hold text.
func (l logFile) lines(t *testing.T, text string) (found []record) {
	t.Helper()
	raw, err := os.ReadFile(string(l))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if !strings.Contains(line, text) {
			continue
		}
		var r record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		found = append(found, r)
	}
	return found
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"encoding/json"
	"io"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// record is a line of the log.
type record map[string]any

// await waits for a record with a message and returns it. Others that come
// before it are there for whoever awaits them: what happens at the same time is
// recorded in any order.
func (g *gateway) await(message string) record {
	g.t.Helper()
	for i, r := range g.passed {
		if r["msg"] == message {
			g.passed = slices.Delete(g.passed, i, i+1)
			return r
		}
	}
	timeout := time.After(patience)
	for {
		select {
		case r := <-g.records:
			if r["msg"] == message {
				return r
			}
			g.passed = append(g.passed, r)
		case <-timeout:
			g.t.Fatalf("no record %q", message)
		}
	}
}

// expectEnd waits for a tunnel's record and checks how it ended.
func (g *gateway) expectEnd(reason, side string) record {
	g.t.Helper()
	r := g.await("tunnel ended")
	if r["reason"] != reason || r["side"] != side {
		g.t.Errorf("ended as %v by %v, want %s by %s", r["reason"], r["side"], reason, side)
	}
	return r
}

// expectRefusal waits for the record of a handshake that failed.
func (g *gateway) expectRefusal(reason string) record {
	g.t.Helper()
	r := g.await("handshake refused")
	if r["reason"] != reason {
		g.t.Errorf("refused as %v (%v), want %s", r["reason"], r["error"], reason)
	}
	return r
}

// testRecords receives every line that the log writer below is given.
var testRecords = make(chan record, 4096)

func init() { caddy.RegisterModule(recordWriter{}) }

// recordWriter is a log output for tests.
type recordWriter struct{}

func (recordWriter) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddy.logging.writers.wstunnel_test", New: func() caddy.Module { return new(recordWriter) }}
}
func (recordWriter) String() string                                { return "records" }
func (recordWriter) WriterKey() string                             { return "records" }
func (recordWriter) OpenWriter() (io.WriteCloser, error)           { return recordWriter{}, nil }
func (recordWriter) UnmarshalCaddyfile(*caddyfile.Dispenser) error { return nil }
func (recordWriter) Close() error                                  { return nil }
func (recordWriter) Write(line []byte) (int, error) {
	var r record
	if err := json.Unmarshal(line, &r); err != nil {
		return 0, err
	}
	select {
	case testRecords <- r:
	default: // nobody waits for so many
	}
	return len(line), nil
}

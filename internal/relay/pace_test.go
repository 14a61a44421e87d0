// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"
)

// A sender that is too fast waits: its messages arrive as the rate allows, all of
// them, and nobody takes it for gone meanwhile. The other direction goes its own
// pace.
func TestPace(t *testing.T) {
	size := uint64(len(clientMessage("x")))
	for name, pace := range map[string]Pace{
		"messages": {Messages: Rate{2, time.Second}},
		"bytes":    {Bytes: Rate{2 * size, time.Second}},
		"both":     {Bytes: Rate{2 * size, time.Second}, Messages: Rate{200, time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, Config{Limits: &Limits{ToOrigin: pace, Heartbeat: 2 * time.Second, HeartbeatTimeout: time.Second}})
				began := time.Now()
				r.send(r.client, bytes.Repeat(clientMessage("x"), 9))
				r.send(r.origin, bytes.Repeat(message("y"), 100))
				r.expect(r.client, bytes.Repeat(message("y"), 100))
				if took := time.Since(began); took != 0 {
					t.Errorf("the other direction took %v", took)
				}
				for i := range 9 {
					r.expect(r.origin, clientMessage("x"))
					// Two at once, then one each half second.
					if took, want := time.Since(began), max(0, time.Duration(i-1)*time.Second/2); took != want {
						t.Errorf("message %d after %v, want %v", i, took, want)
					}
					if i%2 == 1 {
						r.send(r.origin, message("alive"))
						r.expect(r.client, message("alive"))
					}
				}
				r.client.Close()
				r.expectEOF(r.origin)
				r.origin.Close()
				r.expectEnd(ClientGone, Client)
			})
		})
	}
}

// A tunnel that waits for its pace ends when it is told to.
func TestPacedTunnelEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Limits: &Limits{ToOrigin: Pace{Messages: Rate{1, time.Hour}}}})
		r.send(r.client, bytes.Repeat(clientMessage("x"), 3))
		r.expect(r.origin, clientMessage("x"))
		r.tunnel.Close(Shutdown)
		r.expectClose(r.client, 1001)
		r.expectClose(r.origin, 1001)
		if s := r.expectEnd(Shutdown, Gateway); s.Duration != 5*time.Second {
			t.Errorf("took %v, want the linger time", s.Duration)
		}
	})
}

// Wherever there is a pace, goroutines carry the tunnel.
func TestPacedTunnelIsPumped(t *testing.T) {
	w := newWired(t, "tcp", Conn, Config{Limits: &Limits{Linger: time.Minute, ToClient: Pace{Bytes: Rate{1 << 30, time.Second}}}})
	turn(t, w.origin, w.client, message("hello"), make([]byte, len(message("hello"))))
	w.client.Close()
	w.origin.Close()
	if s := <-w.summary; s.Engine != "pump" {
		t.Errorf("engine %s", s.Engine)
	}
}

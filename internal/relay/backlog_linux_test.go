// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// stirred is what a close look found at a time.
type stirred struct {
	stuck, refused                 bool
	fromHeard, toHeard, lastActive time.Duration
}

// stirAt looks closely at what goes to the client, where the engine does.
func (w *wired) stirAt(at time.Duration) stirred {
	result := make(chan stirred)
	f := &w.tunnel.toClient
	w.tunnel.engine().do(w.tunnel, func() {
		f.stir(at)
		result <- stirred{
			stuck: f.stuck(), refused: f.refused,
			fromHeard:  time.Duration(w.tunnel.pulse(Origin).heard.Load()),
			toHeard:    time.Duration(w.tunnel.pulse(Client).heard.Load()),
			lastActive: time.Duration(w.tunnel.lastActive.Load()),
		}
	})
	return <-result
}

// taken is how much the client took of what was sent to it.
func (w *wired) taken() uint64 {
	result := make(chan uint64)
	w.tunnel.engine().do(w.tunnel, func() {
		_, taken := backlog(w.tunnel.toClient.dst())
		result <- taken
	})
	return <-result
}

// What the kernel says of a client that reads nothing, and of one that reads little:
// that one is there, and so is the tunnel's traffic.
func TestSlowSockets(t *testing.T) {
	for _, e := range engines {
		if e.name == "opaque" {
			continue // of these nothing is known
		}
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := newWired(t, e.network, e.end, Config{Limits: &Limits{IdleTimeout: time.Hour, Heartbeat: time.Hour, HeartbeatTimeout: time.Hour}})
			setReadBuffer(w.client, 4096)
			look := 100 * time.Hour
			next := func() stirred { look += time.Hour; return w.stirAt(look) }
			var s stirred
			for full := false; !full || !s.refused; s = next() {
				_ = w.origin.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
				n, err := w.origin.Write(long)
				if full = n == 0; err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Fatal(err)
				}
			}
			if !s.stuck || s.fromHeard != look {
				t.Errorf("a client that reads nothing, at %s: %+v", look, s)
			}
			refusedAt := look
			s = next()
			if !s.refused || s.toHeard >= refusedAt || s.lastActive >= refusedAt || s.fromHeard != look {
				t.Errorf("the second look at %s: %+v", look, s)
			}
			for before := w.taken(); w.taken() <= before; {
				if _, err := io.CopyN(io.Discard, w.client, 1000); err != nil {
					t.Fatal(err)
				}
			}
			s = next()
			if s.refused || s.toHeard != look || s.stuck && (s.lastActive != look || s.fromHeard != look) {
				t.Errorf("a client that read, at %s: %+v", look, s)
			}
			w.client.Close()
			w.origin.Close()
			<-w.summary
		})
	}
}

func setReadBuffer(c net.Conn, bytes int) {
	if c, ok := c.(interface{ SetReadBuffer(int) error }); ok {
		_ = c.SetReadBuffer(bytes)
	}
}

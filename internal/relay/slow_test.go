// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"io"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/frame"
)

// long is a message that is more than a tunnel holds.
var long = frame.Frame{Fin: true, Opcode: frame.Binary, Payload: make([]byte, 1<<20)}.Append(nil)

// A client that reads slowly, and is there, has its origin wait. That is not gone,
// though its Pongs are not read.
func TestSlowIsNotGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, beating())
		go func() {
			_, _ = r.origin.Write(long)
			_ = r.origin.CloseWrite()
		}()
		go func() {
			for r.tunnel.running.Load() == 2 {
				_, _ = r.client.Write(clientMessage("I am here"))
				time.Sleep(10 * time.Second)
			}
		}()
		got := 0
		for p := make([]byte, 500); ; time.Sleep(time.Second) {
			n, err := r.client.Read(p)
			if got += n; err != nil {
				break
			}
		}
		r.client.Close()
		r.origin.Close()
		r.expectEnd(OriginGone, Origin)
		if got != len(long) {
			t.Errorf("%d bytes of %d arrived", got, len(long))
		}
	})
}

// A client that reads nothing, and sends nothing, is gone, though it cannot be asked;
// and not who waits for it.
func TestRefusingIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, beating())
		go func() { _, _ = r.origin.Write(long) }()
		go func() { _, _ = io.Copy(io.Discard, r.origin) }()
		if s := r.expectEnd(HeartbeatTimeout, Client); s.Duration != 45*time.Second {
			t.Errorf("gone after %s, want 40s and the linger time", s.Duration)
		}
	})
}

// A sender that waits for its pace is not idle, and nothing of it is lost.
func TestPacedIsNotIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Limits: &Limits{IdleTimeout: 30 * time.Second, ToOrigin: Pace{Messages: Rate{1, time.Minute}}}})
		r.send(r.client, clientMessage("one"))
		r.send(r.client, clientMessage("two"))
		r.expect(r.origin, clientMessage("one"))
		r.expect(r.origin, clientMessage("two"))
		opened := time.Now()
		r.expectClose(r.client, 1001)
		if after := time.Since(opened); after != 90*time.Second {
			t.Errorf("idle %s after the second, want a minute of its pace and 30s", after)
		}
		r.client.Close()
		r.origin.Close()
		r.expectEnd(IdleTimeout, Gateway)
	})
}

// A rate that would have a message wait for longer than there are times has it wait
// for long.
func TestPaceOfAges(t *testing.T) {
	var until time.Duration
	r := Rate{1, 30 * 24 * time.Hour}
	for range 2 {
		if wait := r.spend(&until, time.Hour, 1<<20); wait < Longest/2 {
			t.Errorf("waits %s", wait)
		}
		until = 0
	}
}

// A tunnel may live for ever, and keeps the clock from no other.
func TestLongestLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, lifetime := range []time.Duration{Longest - 1, Longest, math.MaxInt64} { // the last is what Time.Sub has at most
			forever := newRig(t, Config{MaxLifetime: lifetime})
			idle := newRig(t, Config{Limits: &Limits{IdleTimeout: Longest, Heartbeat: time.Minute, HeartbeatTimeout: time.Second, Linger: Longest}})
			idle.expectPing(idle.client)
			idle.expectPing(idle.origin)
			idle.expectClose(idle.origin, 1001) // for the client that does not answer
			for _, r := range []*rig{idle, forever} {
				r.client.Close()
				r.origin.Close()
				<-r.summary
			}
		}
	})
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"net"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// Flows of tests are parked at every opportunity.
func TestMain(m *testing.M) {
	mostPatience = time.Millisecond
	os.Exit(m.Run())
}

func layered(c net.Conn) End { return Layered(opaque{c}, c) }

// awaitParked waits until f is parked.
func awaitParked(t *testing.T, f *flow) {
	t.Helper()
	p := thePark()
	for deadline := time.Now().Add(wstest.Patience); ; runtime.Gosched() {
		p.mu.Lock()
		parked := f.berth != 0 && p.berths[f.berth-1].flow == f
		p.mu.Unlock()
		switch {
		case parked:
			return
		case time.Now().After(deadline):
			t.Fatal("not parked")
		}
	}
}

// resting counts how often it was told that it is not read for a while.
type resting struct {
	opaque
	rests *atomic.Int32
}

func (r resting) Rest() { r.rests.Add(1) }

// TestRest sees that an end hears of each time in the parking.
func TestRest(t *testing.T) {
	var rests atomic.Int32
	w := newWired(t, "tcp", func(c net.Conn) End { return Layered(resting{opaque{c}, &rests}, c) }, Config{})
	message := []byte("\x81\x02hi")
	for before := int32(0); before < 6; before = rests.Load() {
		awaitParked(t, &w.tunnel.toOrigin)
		awaitParked(t, &w.tunnel.toClient)
		if now := rests.Load(); now < before+2 {
			t.Fatalf("%d rests of two ends, %d before", now, before)
		}
		turn(t, w.client, w.origin, message, make([]byte, len(message)))
		turn(t, w.origin, w.client, message, make([]byte, len(message)))
	}
}

// An idle tunnel has no goroutine, whatever its engine, and goes on when there
// is something to carry, again and again.
func TestParking(t *testing.T) {
	w := newWired(t, "tcp", layered, Config{})
	message := []byte("\x81\x02hi")
	for range 3 {
		awaitParked(t, &w.tunnel.toOrigin)
		awaitParked(t, &w.tunnel.toClient)
		for noGoroutine := false; !noGoroutine; {
			stacks := make([]byte, 1<<20)
			stacks = stacks[:runtime.Stack(stacks, true)]
			noGoroutine = !strings.Contains(string(stacks), "(*flow).carry(")
		}
		turn(t, w.client, w.origin, message, make([]byte, len(message)))
		awaitParked(t, &w.tunnel.toOrigin)
		turn(t, w.origin, w.client, message, make([]byte, len(message)))
	}
	w.client.Close()
	w.origin.Close()
	if s := <-w.summary; s.ToOrigin.Messages != 3 || s.ToClient.Messages != 3 {
		t.Errorf("summary %+v", s)
	}
}

// A parked tunnel ends like any other: by the gateway's Close, and where no
// peer answers that, by being cut.
func TestParkedTunnelEnds(t *testing.T) {
	w := newWired(t, "tcp", layered, Config{Limits: &Limits{Linger: 10 * time.Millisecond}})
	awaitParked(t, &w.tunnel.toOrigin)
	awaitParked(t, &w.tunnel.toClient)
	w.tunnel.Close(Shutdown)
	if s := <-w.summary; s.Reason != Shutdown || s.Side != Gateway {
		t.Errorf("summary %+v", s)
	}
}

// A descriptor that is used again does not make its last user be forgotten.
func TestBerthTaken(t *testing.T) {
	old := newWired(t, "tcp", layered, Config{})
	awaitParked(t, &old.tunnel.toOrigin)
	awaitParked(t, &old.tunnel.toClient)
	p := thePark()
	p.mu.Lock()
	fd := old.tunnel.toOrigin.berth - 1
	p.mu.Unlock()
	old.tunnel.closeEnds() // its flows should be told next
	descriptorAt(t, fd)
	next := &Tunnel{limits: new(Limits), by: byPump}
	next.running.Store(3) // so that it does not end
	_, client := newMemory(1)
	_, origin := newMemory(1)
	next.toOrigin, next.toClient = flow{tunnel: next, src: client}, flow{tunnel: next, src: origin}
	next.closeEnds()
	if !p.enter(&next.toOrigin, fd) {
		t.Fatal("the berth is not given")
	}
	p.mu.Lock()
	p.berths[fd] = berth{}
	p.mu.Unlock()
	old.tunnel.toClient.unpark()
	if s := <-old.summary; s.Side == Gateway {
		t.Errorf("summary %+v", s)
	}
}

// descriptorAt makes a socket that has a certain descriptor, which is free.
func descriptorAt(t *testing.T, fd int32) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if pair[0] != int(fd) {
		if err := unix.Dup3(pair[0], int(fd), unix.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		unix.Close(pair[0])
	}
	t.Cleanup(func() { unix.Close(int(fd)); unix.Close(pair[1]) })
}

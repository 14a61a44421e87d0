// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"slices"
	"testing"
	"time"
)

// A stream of frames is checked whatever pieces it comes in.
func TestAccept(t *testing.T) {
	f := newTalk(smallMessage).answer
	stream := bytes.Repeat(f, 5)
	for size := 1; size <= len(stream); size++ {
		e := end{expect: f}
		total := 0
		for piece := range slices.Chunk(stream, size) {
			n, err := e.accept(piece)
			if err != nil {
				t.Fatalf("pieces of %d: %v", size, err)
			}
			total += n
		}
		if total != 5 || e.got != 0 {
			t.Errorf("pieces of %d: %d frames and %d bytes", size, total, e.got)
		}
	}
	for i := range f {
		e := end{expect: f}
		wrong := bytes.Clone(stream)
		wrong[len(f)+i] ^= 1
		if _, err := e.accept(wrong); err == nil {
			t.Errorf("byte %d is wrong, and nothing said", i)
		}
		e = end{expect: f}
		if _, err := e.accept(slices.Delete(bytes.Clone(stream), i, i+1)); err == nil {
			t.Errorf("byte %d is missing, and nothing said", i)
		}
	}
}

// A message is late by how long after its time its answer came, whenever it
// was sent.
func TestTimetableCountsFromTheTimetable(t *testing.T) {
	tunnels := []*tunnel{new(tunnel), new(tunnel)}
	s := newTimetable(tunnels, 1000, 10*time.Millisecond)
	if s.interval != time.Millisecond || s.wanted != 10 {
		t.Fatalf("%d messages, one in %s", s.wanted, s.interval)
	}
	s.start = time.Now().Add(-time.Hour)
	if err := s.answered(tunnels[1], 3); err != nil { // due at 1, 3 and 5 ms
		t.Fatal(err)
	}
	for i, due := range []time.Duration{1, 3, 5} {
		late := s.latencies[i] - (time.Hour - due*time.Millisecond)
		if late < 0 || late > time.Minute || i > 0 && s.latencies[i-1]-s.latencies[i] != 2*time.Millisecond {
			t.Errorf("latencies %v", s.latencies)
		}
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"testing"

	framing "github.com/caddy-wstunnel/caddy-wstunnel/internal/frame"
)

// The plugin's own scanner, which is tested elsewhere, must find in the frames
// what they are meant to be.
func TestFrames(t *testing.T) {
	for _, test := range []struct {
		size           int
		masked, header int
	}{
		{0, 4, 2}, {64, 4, 2}, {125, 4, 2}, {126, 4, 4}, {65535, 4, 4}, {65536, 4, 10},
	} {
		p := payload(test.size)
		plain, masked := frame(opBinary, p, false), frame(opBinary, p, true)
		if len(plain) != test.header+test.size || !bytes.Equal(plain[test.header:], p) {
			t.Errorf("%d bytes: a frame of %d", test.size, len(plain))
		}
		if len(masked) != len(plain)+test.masked || masked[1]&maskBit == 0 {
			t.Errorf("%d bytes: a masked frame of %d", test.size, len(masked))
		}
		for _, f := range [][]byte{plain, masked} {
			var scanner framing.Scanner
			if n, err := scanner.Scan(f, false, 0); n != len(f) || err != nil || !scanner.Boundary() || scanner.Messages() != 1 {
				t.Errorf("%d bytes: scanned %d of %d (%v), %d messages", test.size, n, len(f), err, scanner.Messages())
			}
		}
		start := test.header + test.masked
		for i := range p {
			if masked[start+i]^masked[start-4+i%4] != p[i] {
				t.Fatalf("%d bytes: byte %d is not masked", test.size, i)
			}
		}
	}
}

func TestCloseFrames(t *testing.T) {
	for _, f := range [][]byte{newTalk(1).closing, newTalk(1).closed} {
		var scanner framing.Scanner
		if _, err := scanner.Scan(f, false, 0); err != nil || scanner.CloseCode() != 1000 {
			t.Errorf("%x is a Close frame with code %d (%v)", f, scanner.CloseCode(), err)
		}
	}
}

// What is sent must not look like itself some bytes on, or a proxy that lost
// bytes would go unseen.
func TestPayloadIsIrregular(t *testing.T) {
	p := payload(largeMessage)
	for shift := 1; shift < 300; shift++ {
		if bytes.Equal(p[:32], p[shift:shift+32]) {
			t.Errorf("repeats after %d bytes", shift)
		}
	}
}

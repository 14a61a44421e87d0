// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestAppendClose(t *testing.T) {
	for _, tc := range []struct {
		name   string
		code   int
		reason string
		want   string // payload
	}{
		{"plain", 1001, "going away", "\x03\xe9going away"},
		{"without reason", 1000, "", "\x03\xe8"},
		{"application code", 4999, "x", "\x13\x87x"},
		{"no code", 0, "ignored", ""},
		{"1005 is never sent", 1005, "ignored", ""},
		{"1006 is never sent", 1006, "ignored", ""},
		{"1015 is never sent", 1015, "ignored", ""},
		{"123 bytes fit", 1008, strings.Repeat("r", 123), "\x03\xf0" + strings.Repeat("r", 123)},
		{"124 do not", 1008, strings.Repeat("r", 124), "\x03\xf0" + strings.Repeat("r", 123)},
		{"cut before a character", 1008, strings.Repeat("r", 122) + "é", "\x03\xf0" + strings.Repeat("r", 122)},
		{"cut after a character", 1008, strings.Repeat("r", 121) + "éé", "\x03\xf0" + strings.Repeat("r", 121) + "é"},
		{"cut before a long character", 1008, strings.Repeat("r", 120) + "🦆", "\x03\xf0" + strings.Repeat("r", 120)},
		{"not UTF-8", 1008, "a\xff\xfeb", "\x03\xf0a\uFFFDb"},
		{"not UTF-8, longer when replaced", 1008, strings.Repeat("r", 121) + "\xff", "\x03\xf0" + strings.Repeat("r", 121)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, mask := range []bool{false, true} {
				first, payload := openControl(t, AppendClose([]byte("kept"), tc.code, tc.reason, mask), mask)
				if first != 0x88 || string(payload) != tc.want {
					t.Errorf("mask %t: %#x %q; want 0x88 %q", mask, first, payload, tc.want)
				}
				if len(payload) > 2 && !utf8.Valid(payload[2:]) {
					t.Errorf("mask %t: reason %q is not UTF-8", mask, payload[2:])
				}
			}
		})
	}
}

func TestAppendPing(t *testing.T) {
	for _, n := range []int{0, 1, 4, 125, 126, 1000} {
		sent := bytes.Repeat([]byte("p"), n)
		for _, mask := range []bool{false, true} {
			first, payload := openControl(t, AppendPing([]byte("kept"), sent, mask), mask)
			if first != 0x89 || !bytes.Equal(payload, sent[:min(n, 125)]) {
				t.Errorf("%d bytes, mask %t: %#x %q", n, mask, first, payload)
			}
		}
		if n > 0 && sent[0] != 'p' {
			t.Error("masking changed the caller's payload")
		}
	}
}

// openControl checks that p is "kept" and one frame, and unmasks it.
func openControl(t *testing.T, p []byte, masked bool) (first byte, payload []byte) {
	t.Helper()
	p, ok := bytes.CutPrefix(p, []byte("kept"))
	if !ok || len(p) < 2 || p[1]&maskBit != 0 != masked {
		t.Fatalf("malformed or wrongly masked frame %x", p)
	}
	header := 2
	var key [4]byte
	if masked {
		header += copy(key[:], p[2:])
	}
	payload = bytes.Clone(p[header:])
	if int(p[1]&^maskBit) != len(payload) || len(payload) > 125 {
		t.Fatalf("frame announces %d bytes and has %d", p[1]&^maskBit, len(payload))
	}
	for i := range payload {
		payload[i] ^= key[i%4]
	}
	var s Scanner
	if n, err := s.Scan(p, false, 0); n != len(p) || err != nil || !s.Boundary() {
		t.Fatalf("the scanner took %d of %d bytes: %v", n, len(p), err)
	}
	return p[0], payload
}

func TestMaskingKeysDiffer(t *testing.T) {
	seen := map[uint32]bool{}
	for range 64 {
		seen[binary.BigEndian.Uint32(AppendPing(nil, nil, true)[2:])] = true
	}
	if len(seen) < 60 {
		t.Errorf("only %d different keys in 64 frames", len(seen))
	}
}

func TestAppendDoesNotAllocate(t *testing.T) {
	buf, payload := make([]byte, 0, 256), []byte("12345678")
	reason := strings.Repeat("é", 100)
	if allocs := testing.AllocsPerRun(100, func() {
		AppendClose(buf, 1012, reason, true)
		AppendPing(buf, payload, true)
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

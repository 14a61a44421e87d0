// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/frame"
)

// readAll puts together the messages of a peer's bytes, and returns their sizes.
func readAll(wire []byte, tunnel uint64) (sizes []int, pings int, err error) {
	m := messages{tunnel: tunnel}
	for r := bytes.NewReader(wire); r.Len() > 0; {
		f, err := frame.Read(r, maxMessage)
		if err != nil {
			return nil, 0, err
		}
		if f.Opcode == frame.Ping {
			pings++
			continue
		}
		size, err := m.take(f)
		if err != nil {
			return nil, 0, err
		}
		if f.Fin {
			sizes = append(sizes, size)
		}
	}
	return sizes, pings, nil
}

func whole(message []byte) frame.Frame {
	return frame.Frame{Fin: true, Opcode: frame.Binary, Payload: message}
}

func TestMessages(t *testing.T) {
	for _, mask := range []bool{false, true} {
		wire := appendFrame(nil, whole(appendMessage(nil, 7, 0, leastMessage)), mask)
		wire = appendFragments(wire, appendMessage(nil, 7, 1, 100), mask)
		wire = appendFrame(wire, whole(appendMessage(nil, 7, 2, maxMessage)), mask)
		sizes, pings, err := readAll(wire, 7)
		if err != nil || pings != 1 || len(sizes) != 3 || sizes[0] != leastMessage || sizes[1] != 100 || sizes[2] != maxMessage {
			t.Errorf("mask %v: sizes %v, %d pings, %v", mask, sizes, pings, err)
		}
	}
}

func TestMessageFaults(t *testing.T) {
	first, second := appendMessage(nil, 7, 0, 200), appendMessage(nil, 7, 1, 200)
	flipped := bytes.Clone(first)
	flipped[100] ^= 1
	for name, test := range map[string]struct {
		wire []byte
		want string
	}{
		"lost":      {appendFrame(nil, whole(second), false), "message 1 came instead of 0"},
		"doubled":   {appendFrame(appendFrame(nil, whole(first), true), whole(first), true), "message 0 came instead of 1"},
		"a bit":     {appendFrame(nil, whole(flipped), true), "message 0 of 200 bytes has a wrong checksum"},
		"of others": {appendFrame(nil, whole(appendMessage(nil, 8, 0, 200)), true), "message 0 is one of tunnel 8"},
		"short":     {appendFrame(nil, whole(first[:10]), true), "message 0 has 10 bytes"},
	} {
		if _, _, err := readAll(test.wire, 7); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
	among := appendFrame(nil, frame.Frame{Opcode: frame.Binary, Payload: first[:50]}, true)
	if _, _, err := readAll(appendFrame(among, whole(second), true), 7); !errors.Is(err, errFragments) {
		t.Errorf("a message within another: %v", err)
	}
}

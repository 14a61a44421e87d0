// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

func TestFrameRoundTrip(t *testing.T) {
	for _, size := range []int{0, 1, 125, 126, 65535, 65536} {
		sent := Frame{Fin: size%2 == 0, Opcode: Binary, Payload: bytes.Repeat([]byte{7}, size)}
		wire := sent.Append(nil)
		got, err := Read(bytes.NewReader(wire), 1<<20)
		if err != nil || got.Fin != sent.Fin || got.Opcode != sent.Opcode || !bytes.Equal(got.Payload, sent.Payload) {
			t.Errorf("%d bytes: got %d (%v)", size, len(got.Payload), err)
		}
		var s Scanner
		if n, err := s.Scan(wire, false, 0); n != len(wire) || err != nil || !s.Boundary() {
			t.Errorf("%d bytes: the scanner disagrees: %d (%v)", size, n, err)
		}
	}
}

func TestReadUnmasks(t *testing.T) {
	// RFC 6455 section 5.7: a masked text message of "Hello".
	wire := []byte{0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58}
	if f, err := Read(bytes.NewReader(wire), 5); err != nil || string(f.Payload) != "Hello" || f.Opcode != Text || !f.Fin {
		t.Errorf("%+v (%v)", f, err)
	}
}

func TestReadFails(t *testing.T) {
	tests := []struct {
		name string
		wire []byte
		want error
	}{
		{"nothing", nil, io.EOF},
		{"half a header", []byte{0x81}, io.ErrUnexpectedEOF},
		{"half a length", []byte{0x81, 126, 0}, io.ErrUnexpectedEOF},
		{"half a payload", []byte{0x81, 2, 'h'}, io.ErrUnexpectedEOF},
		{"too long", []byte{0x81, 6}, ErrTooLong},
		{"length of a negative number", []byte{0x81, 127, 0xff, 0, 0, 0, 0, 0, 0, 0}, ErrLength},
		{"fragmented ping", []byte{0x09, 0}, ErrControlFragmented},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := Read(bytes.NewReader(test.wire), 5); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Opcode is what a frame is (RFC 6455 section 11.8).
type Opcode byte

const (
	Continuation Opcode = 0x0
	Text         Opcode = 0x1
	Binary       Opcode = 0x2
	Close        Opcode = opClose
	Ping         Opcode = opPing
	Pong         Opcode = 0xa
)

// Frame is one frame, read as a whole.
type Frame struct {
	Fin     bool
	Opcode  Opcode
	Payload []byte // unmasked
}

// ErrTooLong is a frame that is longer than a reader wants to hold.
var ErrTooLong = errors.New("websocket frame: longer than allowed")

// Read reads a frame whose payload has at most limit bytes. It is for an
// endpoint; a gateway follows frames with a [Scanner].
func Read(r io.Reader, limit uint64) (Frame, error) {
	var h [maxHeader]byte
	if _, err := io.ReadFull(r, h[:2]); err != nil {
		return Frame{}, err
	}
	size := headerSize(h[1])
	if _, err := io.ReadFull(r, h[2:size]); err != nil {
		return Frame{}, fmt.Errorf("reading a frame's header: %w", err)
	}
	if broken := violation(h[:size]); broken != 0 {
		return Frame{}, broken
	}
	var s Scanner
	_ = s.frameBegins(h[:size], 0) // there is no bound
	if s.left > limit {
		return Frame{}, ErrTooLong
	}
	f := Frame{Fin: h[0]&finBit != 0, Opcode: Opcode(h[0] & 0x0f), Payload: make([]byte, s.left)}
	if _, err := io.ReadFull(r, f.Payload); err != nil {
		return Frame{}, fmt.Errorf("reading a frame's payload: %w", err)
	}
	if h[1]&maskBit != 0 {
		key := h[size-4 : size]
		for i := range f.Payload {
			f.Payload[i] ^= key[i%4]
		}
	}
	return f, nil
}

// Append appends the frame as a server sends it, without a mask.
func (f Frame) Append(dst []byte) []byte {
	first := byte(f.Opcode)
	if f.Fin {
		first |= finBit
	}
	switch n := len(f.Payload); {
	case n < 126:
		dst = append(dst, first, byte(n))
	case n <= 0xffff:
		dst = binary.BigEndian.AppendUint16(append(dst, first, 126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, first, 127), uint64(n))
	}
	return append(dst, f.Payload...)
}

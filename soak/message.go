// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/frame"
)

// appendMessage appends what a peer sends as its message with this number: the
// number, that of the tunnel, noise, and a checksum of all that. Numbers tell loss
// and disorder, the tunnel's tells bytes of another tunnel, the checksum the rest.
func appendMessage(dst []byte, tunnel, number uint64, size int) []byte {
	start := len(dst)
	dst = binary.BigEndian.AppendUint64(dst, number)
	dst = binary.BigEndian.AppendUint64(dst, tunnel)
	from := int((number*7919 + tunnel) % uint64(len(noise)-maxMessage))
	dst = append(dst, noise[from:from+size-leastMessage]...)
	return binary.BigEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// checkMessage reports what is wrong with a message that should be the one with
// this number.
func checkMessage(message []byte, tunnel, number uint64) error {
	if len(message) < leastMessage {
		return fmt.Errorf("message %d has %d bytes", number, len(message))
	}
	body, sum := message[:len(message)-4], binary.BigEndian.Uint32(message[len(message)-4:])
	if crc32.Checksum(body, castagnoli) != sum {
		return fmt.Errorf("message %d of %d bytes has a wrong checksum", number, len(message))
	}
	if got := binary.BigEndian.Uint64(body[8:]); got != tunnel {
		return fmt.Errorf("message %d is one of tunnel %d", number, got)
	}
	if got := binary.BigEndian.Uint64(body); got != number {
		return fmt.Errorf("message %d came instead of %d", got, number)
	}
	return nil
}

const (
	leastMessage = 8 + 8 + 4
	maxMessage   = 64 << 10
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var noise = func() []byte {
	n := make([]byte, 4*maxMessage)
	for i := 0; i < len(n); i += 8 {
		binary.NativeEndian.PutUint64(n[i:], rand.Uint64())
	}
	return n
}()

// appendFrame appends a frame, masked as a client must and a server must not (RFC
// 6455 section 5.1).
func appendFrame(dst []byte, f frame.Frame, mask bool) []byte {
	start := len(dst)
	dst = f.Append(dst)
	if !mask {
		return dst
	}
	head := len(dst) - start - len(f.Payload)
	dst = append(dst, maskKey[:]...)
	copy(dst[start+head+len(maskKey):], dst[start+head:])
	dst[start+1] |= 0x80
	copy(dst[start+head:], maskKey[:])
	for i, payload := 0, dst[start+head+len(maskKey):]; i < len(payload); i++ {
		payload[i] ^= maskKey[i&3]
	}
	return dst
}

// maskKey is that of every frame of a client. It is not zero, so that a gateway
// which unmasked what it should not touch would be found out.
var maskKey = [4]byte{0x37, 0xfa, 0x21, 0x3d}

// appendFragments appends a message in three frames, with a Ping among them (RFC 6455
// section 5.4).
func appendFragments(dst, message []byte, mask bool) []byte {
	third := len(message) / 3
	dst = appendFrame(dst, frame.Frame{Opcode: frame.Binary, Payload: message[:third]}, mask)
	dst = appendFrame(dst, frame.Frame{Opcode: frame.Continuation, Payload: message[third : 2*third]}, mask)
	dst = appendFrame(dst, frame.Frame{Fin: true, Opcode: frame.Ping, Payload: message[:8]}, mask)
	return appendFrame(dst, frame.Frame{Fin: true, Opcode: frame.Continuation, Payload: message[2*third:]}, mask)
}

// messages puts messages together of the frames that come.
type messages struct {
	tunnel  uint64
	next    uint64 // the number of the one to come
	begun   bool
	message []byte
}

// take takes a data frame, and reports the size of the message that it completes.
func (m *messages) take(f frame.Frame) (size int, err error) {
	if m.begun != (f.Opcode == frame.Continuation) {
		return 0, fmt.Errorf("opcode %d within message %d: %w", f.Opcode, m.next, errFragments)
	}
	if m.begun = !f.Fin; f.Fin && f.Opcode != frame.Continuation {
		m.message = f.Payload
	} else if m.message = append(m.message, f.Payload...); !f.Fin {
		return 0, nil
	}
	err = checkMessage(m.message, m.tunnel, m.next)
	size, m.message = len(m.message), nil
	m.next++
	return size, err
}

var errFragments = errors.New("the frames of a message are not in order")

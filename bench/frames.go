// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

// The frames of the load. Every message of a tunnel is the same, so both ends
// know what must come, byte for byte, and nothing is built while the clock runs.

const (
	opBinary = 0x82 // with FIN
	opClose  = 0x88
	opPing   = 0x89
	opPong   = 0x8a
	maskBit  = 0x80
)

// pingPayload is how many bytes the heartbeat's Pings carry.
const pingPayload = 8

// maskKey is that of every frame of a client. It is not zero, so that a proxy
// which unmasked what it should not touch would be found out.
var maskKey = [4]byte{0x37, 0xfa, 0x21, 0x3d}

// normalClosure is what a Close frame carries: code 1000.
var normalClosure = []byte{1000 >> 8, 1000 & 0xff}

// frame builds a frame, masked as a client must and a server must not.
func frame(opcode byte, payload []byte, masked bool) []byte {
	var mask byte
	if masked {
		mask = maskBit
	}
	n := len(payload)
	f := make([]byte, 0, n+14)
	switch {
	case n < 126:
		f = append(f, opcode, mask|byte(n))
	case n < 1<<16:
		f = append(f, opcode, mask|126, byte(n>>8), byte(n))
	default:
		f = append(f, opcode, mask|127, 0, 0, 0, 0, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	if !masked {
		return append(f, payload...)
	}
	f = append(f, maskKey[:]...)
	for i, b := range payload {
		f = append(f, b^maskKey[i&3])
	}
	return f
}

// payload is n bytes in which no part looks like another, so that lost or
// doubled bytes show.
func payload(n int) []byte {
	p := make([]byte, n)
	x := uint32(2463534242)
	for i := range p {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		p[i] = byte(x >> 24)
	}
	return p
}

// talk is what the two ends of a tunnel say, for one size of message.
type talk struct {
	question, closing []byte // of the client
	answer, closed    []byte // of the origin
}

func newTalk(size int) *talk {
	p := payload(size)
	return &talk{
		question: frame(opBinary, p, true), closing: frame(opClose, normalClosure, true),
		answer: frame(opBinary, p, false), closed: frame(opClose, normalClosure, false),
	}
}

// The sizes of messages, in bytes.
const (
	smallMessage  = 64
	largeMessage  = 64 << 10
	streamMessage = 16 << 10
)

func allTalks() map[int]*talk {
	talks := make(map[int]*talk)
	for _, size := range []int{smallMessage, streamMessage, largeMessage} {
		talks[size] = newTalk(size)
	}
	return talks
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package frame follows the WebSocket frames (RFC 6455 section 5.2) in a stream of
// bytes that belongs to somebody else, and makes the few control frames that may be
// put in between them.
package frame

import (
	"encoding/binary"
	"math"
)

// Scanner follows the frame headers of one direction of a WebSocket connection.
// It never changes, keeps or unmasks payload, apart from the two bytes of a
// close code. The zero value is at the start of the stream.
//
// RSV bits, reserved opcodes, masking, the order of continuation frames, length
// encodings longer than a data frame needs and frames after a Close all pass: they are
// the business of the two endpoints and of extensions that this package does not know.
//
// A Scanner is a small value without pointers; it may be copied to remember a
// state, and must not be used by two goroutines at once.
type Scanner struct {
	left     uint64 // payload bytes of the current frame still to come
	size     uint64 // payload bytes announced for the current or last message
	messages uint64

	code  uint16          // of the first Close, 0 while its payload has not come
	head  [maxHeader]byte // a header that arrived in pieces
	have  uint8           // bytes of head that are there
	first uint8           // first header byte of the current frame: FIN, RSV, opcode
	key   [2]uint8        // masking key for a close code; zero when unmasked
	got   uint8           // bytes of the close code read so far

	inMessage bool
	closeSeen bool
	failed    Error
}

const (
	maxHeader  = 14  // 2 bytes, 8 of extended length, 4 of masking key
	maxControl = 125 // payload of a control frame, RFC 6455 section 5.5

	finBit  = 0x80
	maskBit = 0x80

	opClose = 0x8
	opPing  = 0x9

	closeNoStatus = 1005 // RFC 6455 section 7.4.1: none of these three is ever sent
	closeAbnormal = 1006
	closeTLS      = 1015
)

// Scan advances over p and returns how many of its bytes it took. It takes all of
// p, unless oneFrame asks it to stop after the first byte that completes a frame.
//
// The error is an [Error]: a frame came after which boundaries cannot be known, a
// control frame that breaks RFC 6455 section 5.5, or one with which a message would
// have more than maxMessage bytes, if that is not zero. n is then the number of bytes of
// p before that frame, or 0 if its header began in an earlier piece; where it
// began in p, [Scanner.Boundary] is true. The scanner stays failed, except after a
// message that is too big: Scan then goes on with the same bytes if it is called
// without a bound.
func (s *Scanner) Scan(p []byte, oneFrame bool, maxMessage uint64) (n int, err error) {
	if s.failed != 0 {
		return 0, s.failed
	}
	for n < len(p) {
		if s.left == 0 {
			took, err := s.header(p[n:], maxMessage)
			if err != 0 {
				return n, err
			}
			n += took
			if s.have > 0 { // p ended within the header
				return n, nil
			}
		}
		if s.left > 0 {
			rest := p[n:]
			if uint64(len(rest)) > s.left {
				rest = rest[:s.left]
			}
			if s.first&0x0f == opClose {
				s.closeCode(rest)
			}
			s.left -= uint64(len(rest))
			n += len(rest)
		}
		if s.left == 0 {
			s.frameEnds()
			if oneFrame {
				return n, nil
			}
		}
	}
	return n, nil
}

// Boundary reports whether the bytes taken so far end between two frames, which is
// where a control frame may be put in.
func (s *Scanner) Boundary() bool { return s.left == 0 && s.have == 0 }

// Header returns what has come of a header that is not complete yet. It is empty
// outside of one, and holds until the next Scan.
func (s *Scanner) Header() []byte { return s.head[:s.have] }

// InMessage reports whether a fragmented message has begun and not ended. At a
// boundary within one, only control frames may be put in (RFC 6455 section 5.4).
func (s *Scanner) InMessage() bool { return s.inMessage }

// Messages returns how many data messages have gone by completely. Control frames
// are not messages, wherever they stand.
func (s *Scanner) Messages() uint64 { return s.messages }

// Recount sets what Messages returns: messages that have gone by and were then
// dropped are none.
func (s *Scanner) Recount(messages uint64) { s.messages = messages }

// CloseSeen reports whether a complete Close frame has gone by.
func (s *Scanner) CloseSeen() bool { return s.closeSeen }

// CloseCode returns the status code of the first Close frame: 1005 if it carried
// none (RFC 6455 section 7.1.5), 0 as long as there was no complete Close frame.
func (s *Scanner) CloseCode() int {
	if !s.closeSeen {
		return 0
	}
	return int(s.code)
}

// MessageSize returns the payload bytes that the frames of the current message have
// announced so far, or, between messages, those of the last one. A frame counts
// with its whole length as soon as its header is complete. For a compressed message
// (RFC 7692) these are compressed bytes.
func (s *Scanner) MessageSize() uint64 { return s.size }

// header takes from p, which is not empty, what belongs to a frame header, and
// begins the frame once the header is complete. s.have stays 0 on the usual way,
// where all of it is in p.
func (s *Scanner) header(p []byte, maxMessage uint64) (took int, err Error) {
	before := s.have
	if before == 0 {
		if len(p) >= 2 {
			if size := headerSize(p[1]); len(p) >= size {
				if s.failed = violation(p[:size]); s.failed == 0 {
					return size, s.frameBegins(p[:size], maxMessage)
				}
				return size, s.failed
			}
		}
		if s.failed = violation(p); s.failed == 0 {
			s.have = uint8(copy(s.head[:], p))
		}
		return len(p), s.failed
	}
	for took < len(p) {
		s.head[s.have] = p[took]
		s.have++
		took++
		h := s.head[:s.have]
		if s.failed = violation(h); s.failed != 0 {
			return took, s.failed
		}
		if len(h) >= 2 && len(h) == headerSize(h[1]) {
			s.have = 0
			if err = s.frameBegins(h, maxMessage); err != 0 {
				s.have = before // as if nothing of p had been seen
			}
			return took, err
		}
	}
	return took, 0
}

// headerSize tells from the second byte of a header how long the header is.
func headerSize(second byte) int {
	size := 2
	switch second &^ maskBit {
	case 126:
		size += 2
	case 127:
		size += 8
	}
	if second&maskBit != 0 {
		size += 4
	}
	return size
}

// violation judges a header, or as much of it as is there: a verdict must not
// depend on how the bytes were cut.
func violation(h []byte) Error {
	if len(h) < 2 {
		return 0
	}
	length := h[1] &^ maskBit
	if h[0]&0x08 != 0 {
		switch {
		case length > maxControl:
			return ErrControlTooLong
		case h[0]&finBit == 0:
			return ErrControlFragmented
		case h[0]&0x0f == opClose && length == 1:
			return ErrClosePayload
		}
	}
	if length == 127 && len(h) > 2 && h[2]&0x80 != 0 {
		return ErrLength
	}
	return 0
}

func (s *Scanner) frameBegins(h []byte, maxMessage uint64) (err Error) {
	length := uint64(h[1] &^ maskBit)
	switch length {
	case 126:
		length = uint64(binary.BigEndian.Uint16(h[2:]))
	case 127:
		length = binary.BigEndian.Uint64(h[2:])
	}
	size := length
	if h[0]&0x0f == 0 && s.inMessage {
		size += s.size
		if size < length { // hostile lengths, RFC 6455 allows 2^63-1 for each frame
			size = math.MaxUint64
		}
	}
	data := h[0]&0x08 == 0
	if data && maxMessage > 0 && size > maxMessage {
		return ErrMessageTooBig
	}
	s.first, s.left = h[0], length
	switch {
	case data:
		s.size = size
		if s.first&finBit == 0 {
			s.inMessage = true
		}
	case s.first&0x0f == opClose && h[1]&maskBit != 0:
		copy(s.key[:], h[2:]) // only the first Close is read, so nothing needs resetting
	}
	return 0
}

func (s *Scanner) frameEnds() {
	switch {
	case s.first&0x08 == 0:
		if s.first&finBit != 0 {
			s.inMessage = false
			s.messages++
		}
	case s.first&0x0f == opClose && !s.closeSeen:
		s.closeSeen = true
		if s.got == 0 {
			s.code = closeNoStatus
		}
	}
}

// closeCode reads the status code out of the payload of a Close frame.
func (s *Scanner) closeCode(p []byte) {
	if s.closeSeen {
		return
	}
	for ; s.got < 2 && len(p) > 0; p = p[1:] {
		s.code = s.code<<8 | uint16(p[0]^s.key[s.got])
		s.got++
	}
}

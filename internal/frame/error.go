// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package frame

// Error is what was wrong with a frame. Each of them is a protocol error, status
// 1002, to the endpoint that sent the frame.
type Error uint8

const (
	// ErrLength is a 64-bit length with its highest bit set (RFC 6455 section 5.2).
	ErrLength Error = iota + 1
	// ErrControlTooLong is a control frame with more than 125 bytes (section 5.5).
	ErrControlTooLong
	// ErrControlFragmented is a control frame without FIN (section 5.5).
	ErrControlFragmented
	// ErrClosePayload is a Close frame with half a status code (section 5.5.1).
	ErrClosePayload
	// ErrMessageTooBig is a frame with which a message would have more bytes than
	// the scanner was to let pass.
	ErrMessageTooBig
)

func (e Error) Error() string {
	switch e {
	case ErrLength:
		return "websocket frame: payload length above 2^63-1"
	case ErrControlTooLong:
		return "websocket frame: control frame longer than 125 bytes"
	case ErrControlFragmented:
		return "websocket frame: fragmented control frame"
	case ErrClosePayload:
		return "websocket frame: close frame with a payload of one byte"
	case ErrMessageTooBig:
		return "websocket frame: message too big"
	}
	return "websocket frame: malformed"
}

// Interface guards
var _ error = Error(0)

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package proxyheader

import "fmt"

// Reason is the stable code of a rejection: it is logged and counted, and
// there is a fixed set of them.
type Reason string

const (
	// NoSignature: the connection does not start with a PROXY header.
	NoSignature Reason = "no-signature"
	// VersionRefused: a header of a version that the options do not allow.
	VersionRefused Reason = "version-refused"
	// TooLarge: the header is longer than the options allow.
	TooLarge Reason = "too-large"
	// EOFIncomplete: the peer ended the connection before the header did.
	EOFIncomplete Reason = "eof-incomplete"
	// TimeoutIncomplete: the header was not complete in time.
	TimeoutIncomplete Reason = "timeout-incomplete"
	// ReadFailed: the connection broke before the header was complete.
	ReadFailed Reason = "read-failed"
	// Closed: our own side closed the connection while the header was awaited.
	Closed Reason = "closed"

	V1BadSyntax     Reason = "v1-bad-syntax"
	V1BadProto      Reason = "v1-bad-proto"
	V1BadAddress    Reason = "v1-bad-address"
	V1BadPort       Reason = "v1-bad-port"
	V1BadTerminator Reason = "v1-bad-terminator"
	V1TooLong       Reason = "v1-too-long"

	V2BadVersion   Reason = "v2-bad-version"
	V2BadCommand   Reason = "v2-bad-command"
	V2BadFamily    Reason = "v2-bad-family"
	V2BadTransport Reason = "v2-bad-transport"
	V2ShortLength  Reason = "v2-short-length"

	// TLVTruncated: the TLVs do not end where the header does.
	TLVTruncated Reason = "tlv-truncated"
	// CRCMismatch: the checksum is there and wrong.
	CRCMismatch Reason = "crc-mismatch"
	// CRCBadLength: a checksum that is not four bytes long.
	CRCBadLength Reason = "crc-bad-length"
	// CRCDuplicate: two checksums; section 2.2.3 does not say over what the
	// second one would be computed.
	CRCDuplicate Reason = "crc-duplicate"
	// UniqueIDTooLong: more than the 128 bytes that section 2.2.5 allows.
	UniqueIDTooLong Reason = "unique-id-too-long"
)

// maxSeen is how much of a bad header an Error keeps: enough to recognise
// what was sent, too little to log a request.
const maxSeen = 32

// Error is a rejection.
type Error struct {
	Reason Reason
	// Seen holds up to 32 of the connection's first bytes.
	Seen []byte
	// Err is the failure of the connection, where that was the cause.
	Err error
}

func newError(reason Reason, seen []byte, cause error) *Error {
	return &Error{
		Reason: reason,
		Seen:   append([]byte(nil), seen[:min(len(seen), maxSeen)]...),
		Err:    cause,
	}
}

// Error implements error.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("PROXY header: %s: %v", e.Reason, e.Err)
	}
	return "PROXY header: " + string(e.Reason)
}

// Unwrap returns the failure of the connection, if that was the cause.
func (e *Error) Unwrap() error { return e.Err }

// Timeout makes the *net.OpError around a timeout say that it is one.
func (e *Error) Timeout() bool { return e.Reason == TimeoutIncomplete }

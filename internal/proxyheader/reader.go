// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package proxyheader

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
)

// Read reads exactly one header from c and nothing behind it. It waits until
// the header is complete, c's read deadline passes or c is closed.
//
// The error is an *Error. If the connection turns out not to begin with a
// header (NoSignature, or EOFIncomplete within the signature), lead holds the
// bytes that had to be taken to find out.
func (o Options) Read(c net.Conn) (h *Header, lead []byte, err error) {
	scratch := scratches.Get().(*[scratchSize]byte)
	defer scratches.Put(scratch)

	b := scratch[:0]
	peek := peeker(c)
	for {
		size, missing, reason := o.frame(b)
		if reason == "" && missing == 0 {
			h, reason = parse(b[:size])
		}
		if reason != "" {
			return nil, append(lead, b...), newError(reason, b, nil)
		}
		if h != nil {
			return h, nil, nil
		}

		// From here on b is all header. Where its length is known, or nothing
		// better offers, read as much as is certain to be missing.
		if size > 0 || peek == nil {
			b = withRoom(b, missing)
			n, err := c.Read(b[len(b) : len(b)+missing])
			if b = b[:len(b)+n]; n == 0 && err != nil {
				return nil, append(lead, b...), readError(b, err)
			}
			continue
		}

		n, err := peek(b[len(b):cap(b)])
		if err != nil {
			return nil, append(lead, b...), readError(b, err)
		}
		ahead := b[:len(b)+n]
		if size, missing, reason = o.frame(ahead); reason != "" {
			return nil, append(lead, b...), newError(reason, ahead, nil)
		} else if missing == 0 {
			ahead = ahead[:size]
		}
		if _, err := io.ReadFull(c, ahead[len(b):]); err != nil {
			return nil, append(lead, b...), readError(b, err)
		}
		b = ahead
	}
}

// peeker returns a function that waits for bytes on c and copies them to p
// without taking them, or nil where that is not possible. Only the types
// themselves will do: a type that embeds one may hold bytes of its own.
func peeker(c net.Conn) func(p []byte) (int, error) {
	switch c := c.(type) {
	case *net.TCPConn:
		return peekFrom(c)
	case *net.UnixConn:
		return peekFrom(c)
	}
	return nil
}

// withRoom returns b with room for n bytes more. The length was found to be
// within MaxSize before.
func withRoom(b []byte, n int) []byte {
	if cap(b)-len(b) >= n {
		return b
	}
	return append(make([]byte, 0, len(b)+n), b...)
}

func readError(seen []byte, err error) *Error {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return newError(EOFIncomplete, seen, nil)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return newError(TimeoutIncomplete, seen, err)
	case errors.Is(err, net.ErrClosed):
		return newError(Closed, seen, err)
	}
	return newError(ReadFailed, seen, err)
}

// scratchSize holds the header of every sender we know of, unless a client
// certificate is in it.
const scratchSize = 1024

var scratches = sync.Pool{New: func() any { return new([scratchSize]byte) }}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package handshake

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"golang.org/x/net/http/httpguts"
)

// MaxHead is how many bytes an origin's answer may take before its body. It
// is what Apache and HAProxy allow by default, twice over.
const MaxHead = 32 << 10

// What an origin can do wrong.
var (
	ErrHeadTooLarge = &Error{"origin_head_too_large", "the origin's answer has too large a head"}
	ErrMalformed    = &Error{"origin_malformed", "the origin's answer is not HTTP"}
	ErrHungUp       = &Error{"origin_hung_up", "the origin closed the connection instead of answering"}
	ErrUpgrade      = &Error{"bad_upgrade", "the origin answered 101 for another protocol than websocket"}
	ErrConnection   = &Error{"bad_connection", "the origin answered 101 without Connection: Upgrade"}
	ErrAccept       = &Error{"bad_accept", "the origin answered 101 with a wrong Sec-WebSocket-Accept"}
)

// Reader reads an origin's answer and keeps what came behind it.
type Reader struct {
	*bufio.Reader
	head *headReader
}

// NewReader makes a reader of what comes over conn.
func NewReader(conn io.Reader) *Reader {
	head := &headReader{conn: conn}
	buffered := buffers.Get().(*bufio.Reader)
	buffered.Reset(head)
	return &Reader{buffered, head}
}

// buffers of answers that became tunnels: a good part of what opening one would
// allocate.
var buffers = sync.Pool{New: func() any { return bufio.NewReader(nil) }}

// Response reads an answer. Interim answers (RFC 9110 section 15.2) that come
// before it are dropped, except 101, which is one to this request. The error
// is one of those above, or that of the connection.
func (r *Reader) Response() (*http.Response, error) {
	r.head.left = MaxHead
	defer func() { r.head.left = -1 }() // the body, or the tunnel, has no limit
	for {
		resp, err := http.ReadResponse(r.Reader, nil)
		switch {
		case r.head.exceeded:
			return nil, ErrHeadTooLarge
		case r.head.err != nil && !errors.Is(r.head.err, io.EOF):
			return nil, r.head.err
		case err != nil && r.head.err != nil && r.Buffered() == 0:
			return nil, ErrHungUp
		case err != nil:
			return nil, fmt.Errorf("%w: %v", ErrMalformed, err)
		case resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols:
			return resp, nil
		}
	}
}

// Early takes the bytes that came behind the answer and were read with it. The
// Reader cannot be used after that.
func (r *Reader) Early() []byte {
	buffered, _ := r.Peek(r.Buffered())
	early := append([]byte(nil), buffered...)
	r.Reset(nil)
	buffers.Put(r.Reader)
	r.Reader = nil
	return early
}

// CheckSwitch reports what is wrong with a 101 that answers key, or nil (RFC
// 6455 section 4.1, the client's checks).
func CheckSwitch(resp *http.Response, key string) error {
	accept := resp.Header.Values("Sec-WebSocket-Accept")
	switch {
	case len(resp.Header["Upgrade"]) != 1 || !strings.EqualFold(resp.Header["Upgrade"][0], "websocket"):
		return ErrUpgrade
	case !httpguts.HeaderValuesContainsToken(resp.Header["Connection"], "upgrade"):
		return ErrConnection
	case len(accept) != 1 || accept[0] != Accept(key):
		return ErrAccept
	}
	return nil
}

// headReader is a connection with a limit on how much may be read of it, and
// keeps the error that reading ended with: http.ReadResponse hides it.
type headReader struct {
	conn     io.Reader
	left     int // negative: no limit
	exceeded bool
	err      error
}

func (h *headReader) Read(p []byte) (int, error) {
	if h.left == 0 {
		h.exceeded = true
		return 0, ErrHeadTooLarge
	}
	if h.left > 0 && len(p) > h.left {
		p = p[:h.left]
	}
	n, err := h.conn.Read(p)
	if h.left > 0 {
		h.left -= n
	}
	h.err = err
	return n, err
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/reclaim"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/relay"
)

// joinStream goes below all that Caddy and other handlers put around a body and
// a response, too: idle timeouts that would cut a tunnel whose client is silent
// for a minute, size limits, compression.
func (c *client) joinStream() (relay.End, []byte, error) {
	c.w.WriteHeader(http.StatusOK)
	err := http.NewResponseController(c.w).Flush() //nolint:bodyclose // there is no body
	if err == nil {
		var end relay.End
		if end, err = c.takeStream(); err == nil {
			return end, nil, nil
		}
	}
	return nil, nil, fmt.Errorf("answering the client: %w", err)
}

// takeStream takes the stream over from the server if it can be, and otherwise
// borrows it.
func (c *client) takeStream() (relay.End, error) {
	if s, ok := innermost(c.w).(http3.HTTPStreamer); ok {
		str := &ownStream{Stream: s.HTTPStream()}
		err := str.SetDeadline(time.Time{})
		if err != nil { // nobody else ends it any more
			str.ResetAtClose()
			str.Close()
		}
		return str, err
	}
	s := &serverStream{body: c.r.Body, w: innermost(c.w)}
	if reader, _ := caddyhttp.IdleTimeoutsFromContext(c.r.Context()); reader != nil {
		s.body = reader.ReadCloser
	}
	s.raw = http.NewResponseController(s.w)    //nolint:bodyclose
	s.buffer = reclaim.TakeResponseBuffer(s.w) // each write is flushed
	c.kept = s
	return s, errors.Join(s.raw.SetReadDeadline(time.Time{}), s.raw.SetWriteDeadline(time.Time{}))
}

// ownStream is an HTTP/3 stream, taken from the server, as the end of a tunnel.
type ownStream struct {
	*http3.Stream

	reset atomic.Bool // Close is to reset

	mu     sync.Mutex // serialises what is written and the end of it
	closed bool
	broken bool // a frame may have gone in part
}

func (s *ownStream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, net.ErrClosed
	}
	n, err := s.Stream.Write(p)
	s.broken = err != nil
	return n, err
}

func (s *ownStream) CloseWrite() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Stream.Close()
}

// Close makes a Read or Write that waits return, and those to come. The stream
// ends in good order unless something was waiting to be written, or a reset is to
// be passed on.
func (s *ownStream) Close() error {
	past := time.Unix(1, 0)
	err := s.SetWriteDeadline(past)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if s.reset.Load() || s.broken {
		const code = quic.StreamErrorCode(http3.ErrCodeRequestCanceled) // RFC 9220 section 3
		s.CancelRead(code)
		s.CancelWrite(code)
		return err
	}
	s.CancelRead(quic.StreamErrorCode(http3.ErrCodeNoError))
	return errors.Join(err, s.Stream.Close())
}

// ResetAtClose implements relay.Stream.
func (s *ownStream) ResetAtClose() { s.reset.Store(true) }

// serverStream is an HTTP/2 stream, which is the server's, as the end of a tunnel.
type serverStream struct {
	body   io.Reader
	w      http.ResponseWriter
	raw    *http.ResponseController
	buffer reclaim.ResponseBuffer // that w is without

	closing                sync.Mutex // serialises Close
	closed, writing, reset atomic.Bool
}

func (s *serverStream) Read(p []byte) (int, error) { return s.body.Read(p) }

func (s *serverStream) Write(p []byte) (int, error) {
	s.writing.Store(true)
	defer s.writing.Store(false)
	if s.closed.Load() {
		return 0, net.ErrClosed
	}
	n, err := s.w.Write(p)
	if err == nil {
		err = s.raw.Flush()
	}
	return n, err
}

// CloseWrite cannot be: a stream ends when its handler returns.
func (s *serverStream) CloseWrite() error { return errors.ErrUnsupported }

// Close makes a Read or Write that waits return, and those to come. A stream on
// which nothing waits to be written is left for the handler's return to end in
// good order; otherwise it is reset. After the first Close has returned, none
// touches the response any more, so the handler may return.
func (s *serverStream) Close() error {
	s.closing.Lock()
	defer s.closing.Unlock()
	if s.closed.Swap(true) {
		return nil
	}
	past := time.Unix(1, 0)
	err := s.raw.SetReadDeadline(past)
	if s.writing.Load() {
		err = errors.Join(err, s.raw.SetWriteDeadline(past))
	}
	return err
}

// ResetAtClose implements relay.Stream: leaveStream resets.
func (s *serverStream) ResetAtClose() { s.reset.Store(true) }

// leaveStream ends the stream, if there is one, for a handler that returns. Over HTTP/2
// the code of a reset is INTERNAL_ERROR: Go's server has none of one's choice, and
// RFC 8441 section 5 would have CANCEL.
func (c *client) leaveStream() {
	if c.kept == nil {
		return
	}
	c.kept.buffer.GiveBack()
	if c.kept.reset.Load() {
		panic(http.ErrAbortHandler)
	}
}

// Interface guards
var (
	_ relay.Stream = (*ownStream)(nil)
	_ relay.Stream = (*serverStream)(nil)
)

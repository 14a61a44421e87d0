// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package h2

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// Stream is a stream of a shared connection, as a connection of its own.
type Stream struct {
	io.Reader // what the origin sends
	body      io.Closer
	w         *io.PipeWriter
	conn      net.Conn
	cancel    context.CancelFunc

	mu    sync.Mutex // guards timer
	timer *time.Timer
}

// open asks for a tunnel on a connection on which there is room for it.
func open(ctx context.Context, cc *conn, r *http.Request) (*Stream, *http.Response, error) {
	// Nothing of ctx: what it leads to, as a config, would stay as long as the tunnel.
	streamCtx, cancel := context.WithCancel(context.Background())
	stop := context.AfterFunc(ctx, cancel)
	out, in := io.Pipe()
	r = (&http.Request{Method: r.Method, URL: r.URL, Host: r.Host, Header: r.Header, Body: out}).WithContext(streamCtx)
	resp, err := cc.RoundTrip(r)
	if left := !stop(); left && err == nil {
		resp.Body.Close()
		err = context.Cause(ctx)
	}
	if err != nil {
		cancel()
		in.Close()
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, nil, err
	}
	return &Stream{Reader: resp.Body, body: resp.Body, w: in, conn: cc.net, cancel: cancel}, resp, nil
}

// Write sends p.
func (s *Stream) Write(p []byte) (int, error) { return s.w.Write(p) }

// CloseWrite ends what is sent to the origin.
func (s *Stream) CloseWrite() error { return s.w.Close() }

// Close ends the stream. If either direction has not ended, it is reset.
func (s *Stream) Close() error {
	_ = s.SetDeadline(time.Time{})
	s.w.Close()
	s.cancel()
	return s.body.Close()
}

// SetDeadline resets the stream at a time. Zero: never.
func (s *Stream) SetDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	if !t.IsZero() {
		s.timer = time.AfterFunc(time.Until(t), func() {
			s.w.CloseWithError(os.ErrDeadlineExceeded) // a Transport does not look at cancel while it waits for a body
			s.cancel()
		})
	}
	return nil
}

// SetReadDeadline and SetWriteDeadline are SetDeadline: a stream is reset as a
// whole.
func (s *Stream) SetReadDeadline(t time.Time) error { return s.SetDeadline(t) }

// SetWriteDeadline is SetDeadline.
func (s *Stream) SetWriteDeadline(t time.Time) error { return s.SetDeadline(t) }

// LocalAddr is that of the connection.
func (s *Stream) LocalAddr() net.Addr { return s.conn.LocalAddr() }

// RemoteAddr is that of the connection.
func (s *Stream) RemoteAddr() net.Addr { return s.conn.RemoteAddr() }

// Interface guards
var _ net.Conn = (*Stream)(nil)

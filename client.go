// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"golang.org/x/net/http/httpguts"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/handshake"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/relay"
)

// client is the client's side of a handshake: how a request becomes one end of
// a tunnel. In HTTP/1.1 that is the connection, taken from the server. In
// HTTP/2 and HTTP/3 it is a stream, which belongs to the server and lives as
// long as the handler does.
type client struct {
	w http.ResponseWriter
	r *http.Request
}

// newClient begins the handshake of a request.
func newClient(w http.ResponseWriter, r *http.Request) client {
	if r.ProtoMajor == 1 {
		// Frames may follow right behind the handshake. If it is refused, they
		// must not be taken for the connection's next request.
		w.Header().Set("Connection", "close")
	}
	return client{w, r}
}

// attached tells whether the handler must stay until the tunnel has ended.
func (c client) attached() bool { return c.r.ProtoMajor != 1 }

// admit finds out whether the client can be joined at all, before an origin is
// bothered. If not, it says with what status to refuse it.
func (c client) admit() (status int, err error) {
	switch err := handshake.CheckRequest(c.r); {
	case errors.Is(err, handshake.ErrVersion):
		// RFC 6455 section 4.2.2.
		c.w.Header()["Sec-WebSocket-Version"] = []string{handshake.Version} //nolint:canonicalheader // its spelling
		c.offerUpgrade()
		return http.StatusUpgradeRequired, err
	case err != nil:
		return http.StatusBadRequest, err
	}
	if _, ok := innermost(c.w).(http.Hijacker); !ok && !c.attached() {
		return http.StatusInternalServerError, fmt.Errorf("%w: %T", errCannotSwitch, c.w)
	}
	return 0, nil
}

// errCannotSwitch is a server, or a wrapper of its response, that does not give
// up the connection.
var errCannotSwitch = &handshake.Error{Reason: "cannot_switch", Detail: "the connection cannot be taken over from the server"}

// offerUpgrade names the protocol that a 426 is about (RFC 9110 section 7.8). The
// field is one of HTTP/1.1 only.
func (c client) offerUpgrade() {
	if !c.attached() {
		c.w.Header()["Connection"] = []string{"close", "Upgrade"}
		c.w.Header().Set("Upgrade", "websocket")
	}
}

// join tells the client that the tunnel is open, with the fields of h, and
// returns its end of it and what it sent early.
func (c client) join(h http.Header) (relay.End, []byte, error) {
	fields := c.w.Header()
	h.Del("Content-Length") // there is no content to be as long
	if lines := h.Values("Sec-WebSocket-Extensions"); len(lines) > 1 {
		h.Set("Sec-WebSocket-Extensions", strings.Join(lines, ", ")) // RFC 6455 section 11.3.2
	}
	maps.Copy(fields, h)
	if c.attached() {
		// RFC 8441 section 5: the answer is 200, and no field is left that
		// belongs to HTTP/1.1's upgrade.
		for _, name := range []string{"Connection", "Upgrade", "Sec-Websocket-Accept"} {
			fields.Del(name)
		}
		return c.joinStream()
	}
	if httpguts.HeaderValuesContainsToken(c.r.Header["Expect"], "100-continue") {
		c.sendContinue()
	}
	fields.Set("Connection", "Upgrade")
	fields.Set("Upgrade", "websocket")
	handshake.UseWireNames(fields)
	return c.joinConn()
}

// sendContinue sends a 100, which has to come before a 101 where it is expected
// (RFC 9110 section 7.8), and no fields with it.
func (c client) sendContinue() {
	fields := c.w.Header()
	kept := maps.Clone(fields)
	clear(fields)
	c.w.WriteHeader(http.StatusContinue)
	maps.Copy(fields, kept)
}

// joinConn writes the status through all handlers around this one, for their
// sake, but takes the connection from the innermost writer: the access log's
// would count what passes in a variable that it reads when ServeHTTP returns,
// which is now (DESIGN 3.1, decision 3).
func (c client) joinConn() (relay.End, []byte, error) {
	c.w.WriteHeader(http.StatusSwitchingProtocols)
	conn, buffered, err := innermost(c.w).(http.Hijacker).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("taking over the connection: %w", err)
	}
	// The server's timeouts are those of a request.
	if err = conn.SetDeadline(time.Time{}); err == nil {
		err = buffered.Flush()
	}
	if err != nil {
		conn.Close()
		return nil, nil, fmt.Errorf("answering the client: %w", err)
	}
	early, _ := buffered.Reader.Peek(buffered.Reader.Buffered())
	end, socket := endOf(conn)
	keepAlive(socket, true)
	return end, append([]byte(nil), early...), nil
}

// joinStream goes below all that Caddy and other handlers put around a body and
// a response, too: idle timeouts that would cut a tunnel whose client is silent
// for a minute, size limits, compression.
func (c client) joinStream() (relay.End, []byte, error) {
	c.w.WriteHeader(http.StatusOK)
	err := http.NewResponseController(c.w).Flush() //nolint:bodyclose // there is no body

	s := &stream{body: c.r.Body, w: innermost(c.w)}
	if reader, _ := caddyhttp.IdleTimeoutsFromContext(c.r.Context()); reader != nil {
		s.body = reader.ReadCloser
	}
	s.raw = http.NewResponseController(s.w) //nolint:bodyclose
	if err == nil {
		err = errors.Join(s.raw.SetReadDeadline(time.Time{}), s.raw.SetWriteDeadline(time.Time{}))
	}
	if err != nil {
		return nil, nil, fmt.Errorf("answering the client: %w", err)
	}
	return s, nil, nil
}

// stream is an HTTP/2 or HTTP/3 stream as the end of a tunnel.
type stream struct {
	body io.Reader
	w    http.ResponseWriter
	raw  *http.ResponseController

	closing         sync.Mutex // serialises Close
	closed, writing atomic.Bool
}

func (s *stream) Read(p []byte) (int, error) { return s.body.Read(p) }

func (s *stream) Write(p []byte) (int, error) {
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
func (s *stream) CloseWrite() error { return errors.ErrUnsupported }

// Close makes a Read or Write that waits return, and those to come. A stream on
// which nothing waits to be written is left for the handler's return to end in
// good order; otherwise it is reset. After the first Close has returned, none
// touches the response any more, so the handler may return.
func (s *stream) Close() error {
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

// abort resets the client's stream, and returns only to a handler that is to
// return, too. Over HTTP/2 the code is INTERNAL_ERROR: Go's server has none of
// one's choice, and RFC 8441 section 5 would have CANCEL.
func (c client) abort() {
	s, ok := innermost(c.w).(http3.HTTPStreamer)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	const code = quic.StreamErrorCode(http3.ErrCodeRequestCanceled) // RFC 9220 section 3
	str := s.HTTPStream()
	str.CancelRead(code)
	str.CancelWrite(code)
}

// innermost finds the server's own response writer.
func innermost(w http.ResponseWriter) http.ResponseWriter {
	for {
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = u.Unwrap()
	}
}

// Interface guards
var _ relay.End = (*stream)(nil)

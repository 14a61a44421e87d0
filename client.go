// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/quic-go/quic-go/http3"
	"golang.org/x/net/http/httpguts"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/handshake"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/relay"
)

// client is the client's side of a handshake: how a request becomes one end of
// a tunnel. In HTTP/1.1 that is the connection, and in HTTP/3 a stream, taken from
// the server. In HTTP/2 it is a stream that the server does not give up: it lives
// as long as the handler does.
type client struct {
	w http.ResponseWriter
	r *http.Request

	kept *serverStream // the stream, if it is the server's, once it has been joined
}

// newClient begins the handshake of a request.
func newClient(w http.ResponseWriter, r *http.Request) *client {
	if r.ProtoMajor == 1 {
		// Frames may follow right behind the handshake. If it is refused, they
		// must not be taken for the connection's next request.
		w.Header().Set("Connection", "close")
	}
	return &client{w: w, r: r}
}

// streams tells whether the client shares its connection with other requests.
func (c *client) streams() bool { return c.r.ProtoMajor != 1 }

// attached tells whether the handler must stay until the tunnel has ended.
func (c *client) attached() bool {
	_, ok := innermost(c.w).(http3.HTTPStreamer)
	return c.streams() && !ok
}

// admit finds out whether the client can be joined at all, before an origin is
// bothered. If not, it says with what status to refuse it.
func (c *client) admit() (status int, err error) {
	switch err := handshake.CheckRequest(c.r); {
	case errors.Is(err, handshake.ErrVersion):
		// RFC 6455 section 4.2.2.
		c.w.Header()["Sec-WebSocket-Version"] = []string{handshake.Version} //nolint:canonicalheader // its spelling
		c.offerUpgrade()
		return http.StatusUpgradeRequired, err
	case err != nil:
		return http.StatusBadRequest, err
	}
	if _, ok := innermost(c.w).(http.Hijacker); !ok && !c.streams() {
		return http.StatusInternalServerError, fmt.Errorf("%w: %T", errCannotSwitch, c.w)
	}
	return 0, nil
}

// errCannotSwitch is a server, or a wrapper of its response, that does not give
// up the connection.
var errCannotSwitch = &handshake.Error{Reason: "cannot_switch", Detail: "the connection cannot be taken over from the server"}

// offerUpgrade names the protocol that a 426 is about (RFC 9110 section 7.8). The
// field is one of HTTP/1.1 only.
func (c *client) offerUpgrade() {
	if !c.streams() {
		c.w.Header()["Connection"] = []string{"close", "Upgrade"}
		c.w.Header().Set("Upgrade", "websocket")
	}
}

// join tells the client that the tunnel is open, with the fields of h, and
// returns its end of it and what it sent early.
func (c *client) join(h http.Header) (relay.End, []byte, error) {
	fields := c.w.Header()
	h.Del("Content-Length") // there is no content to be as long
	if lines := h.Values("Sec-WebSocket-Extensions"); len(lines) > 1 {
		h.Set("Sec-WebSocket-Extensions", strings.Join(lines, ", ")) // RFC 6455 section 11.3.2
	}
	maps.Copy(fields, h)
	if c.streams() {
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
func (c *client) sendContinue() {
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
func (c *client) joinConn() (relay.End, []byte, error) {
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

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"golang.org/x/net/http2"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/handshake"
)

// way is how a client of ours reaches the gateway.
type way struct {
	name, proto string
	url         string
	client      func(t *testing.T, how dialing) *http.Client
}

// dialing is how a client connects otherwise than to its URL.
type dialing struct {
	address string // "": the URL's
	dialed  func() // nil, or called when a connection is there, with TLS if it has that
}

// ways are all ways into a lab: that over plain TCP, and those of each version of
// HTTP over TLS.
func (l *lab) ways() []way {
	return []way{
		{"plain", "HTTP/1.1", "ws://" + l.http, http1Client},
		{"tls", "HTTP/1.1", "wss://" + l.https, http1Client},
		{"http2", "HTTP/2.0", "wss://" + l.http2, http2Client},
		{"http3", "HTTP/3.0", "wss://" + l.http3, http3Client},
	}
}

func http1Client(t *testing.T, how dialing) *http.Client {
	t.Helper()
	transport := &http.Transport{
		DialContext:    how.dial(new(net.Dialer).DialContext),
		DialTLSContext: how.dial((&tls.Dialer{Config: trusting("localhost")}).DialContext),
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func http2Client(t *testing.T, how dialing) *http.Client {
	t.Helper()
	config := trusting("localhost")
	config.NextProtos = []string{"h2"}
	dial := how.dial((&tls.Dialer{Config: config}).DialContext)
	transport := &http2.Transport{ //nolint:staticcheck // net/http's own does not send :protocol
		DialTLSContext: func(ctx context.Context, network, address string, _ *tls.Config) (net.Conn, error) {
			return dial(ctx, network, address)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: streams{transport, func(r *http.Request) { r.Header.Set(":protocol", "websocket") }}}
}

func http3Client(t *testing.T, how dialing) *http.Client {
	t.Helper()
	if how.address != "" {
		t.Fatal("HTTP/3 goes to the gateway itself: what would break it is for TCP")
	}
	transport := &http3.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		QUICConfig:      &quic.Config{MaxIdleTimeout: 10 * time.Second, KeepAlivePeriod: 2 * time.Second}, // how soon it notices that a gateway is gone
	}
	t.Cleanup(func() { transport.Close() })
	return &http.Client{Transport: streams{transport, func(r *http.Request) { r.Proto = "websocket" }}}
}

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

func (d dialing) dial(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, cmp.Or(d.address, address))
		if err == nil && d.dialed != nil {
			d.dialed()
		}
		return conn, err
	}
}

// streams has a client that knows WebSockets over HTTP/1.1 only open them over HTTP/2
// or HTTP/3 (RFC 8441 section 5, RFC 9220).
type streams struct {
	transport http.RoundTripper
	mark      func(*http.Request) // says :protocol
}

// CloseIdleConnections is called by an http.Client's.
func (s streams) CloseIdleConnections() {
	s.transport.(interface{ CloseIdleConnections() }).CloseIdleConnections()
}

// RoundTrip sends an upgrade as an extended CONNECT.
func (s streams) RoundTrip(upgrade *http.Request) (*http.Response, error) {
	in, out := io.Pipe()
	r := upgrade.Clone(upgrade.Context())
	r.Method, r.Body = http.MethodConnect, in
	for _, name := range []string{"Connection", "Upgrade", "Sec-Websocket-Key"} {
		r.Header.Del(name)
	}
	s.mark(r)
	resp, err := s.transport.RoundTrip(r)
	if err != nil {
		out.CloseWithError(err)
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		out.CloseWithError(http.ErrAbortHandler)
		return resp, nil
	}
	resp.StatusCode = http.StatusSwitchingProtocols
	resp.Header.Set("Connection", "Upgrade")
	resp.Header.Set("Upgrade", "websocket")
	resp.Header.Set("Sec-Websocket-Accept", handshake.Accept(upgrade.Header.Get("Sec-Websocket-Key")))
	resp.Body = &stream{ReadCloser: resp.Body, out: out}
	return resp, nil
}

// stream is the bodies of a request and of its answer.
type stream struct {
	io.ReadCloser
	out *io.PipeWriter
}

// Write takes a copy: what the pipe gives on, the transport may still have when this
// returns, if the stream is reset.
func (s *stream) Write(p []byte) (int, error) { return s.out.Write(bytes.Clone(p)) }

func (s *stream) Close() error {
	s.out.Close()
	return s.ReadCloser.Close()
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"golang.org/x/net/http2"
)

func newHTTP2(trust *tls.Config) *carrier {
	var mu sync.Mutex
	var conns []net.Conn
	broken := false        // for one that comes too late
	t := &http2.Transport{ //nolint:staticcheck // net/http's own does not send :protocol
		TLSClientConfig: trust.Clone(), //nolint:staticcheck // see above
		DialTLSContext: func(ctx context.Context, network, address string, config *tls.Config) (net.Conn, error) { //nolint:staticcheck // see above
			conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, network, address)
			if err == nil {
				mu.Lock()
				defer mu.Unlock()
				if broken {
					conn.Close()
				}
				conns = append(conns, conn)
			}
			return conn, err
		},
	}
	return &carrier{transport: t, mark: func(r *http.Request) { r.Header.Set(":protocol", "websocket") }, cut: func() {
		mu.Lock()
		defer mu.Unlock()
		broken = true
		for _, conn := range conns {
			conn.Close()
		}
	}}
}

func newHTTP3(trust *tls.Config) *carrier {
	t := &http3.Transport{TLSClientConfig: trust.Clone(), QUICConfig: &quic.Config{
		KeepAlivePeriod: 10 * time.Second,
		// Streams that are read slowly must not hold up the others.
		MaxStreamReceiveWindow: 512 << 10, MaxConnectionReceiveWindow: streamsAtOnce * 512 << 10,
	}}
	return &carrier{transport: t, mark: func(r *http.Request) { r.Proto = "websocket" }, cut: func() { t.Close() }}
}

// streamLink is a stream of HTTP/2 or HTTP/3: the bodies of a request and of its
// answer.
type streamLink struct {
	io.ReadCloser
	out    *io.PipeWriter
	cancel context.CancelFunc
}

func (l streamLink) Write(p []byte) (int, error) { return l.out.Write(p) }
func (l streamLink) CloseWrite() error           { return l.out.Close() }
func (l streamLink) Reset()                      { l.cancel() }

func (l streamLink) Close() error {
	l.out.Close()
	err := l.ReadCloser.Close()
	l.cancel()
	return err
}

// openStream opens a tunnel over HTTP/2 or HTTP/3 (RFC 8441, RFC 9220).
func (s *soak) openStream(t *tunnel, c *carrier) (*peer, http.Header, error) {
	// The answer's body is the tunnel, and ends with its context.
	ctx, cancel := context.WithCancel(context.Background())
	hasty := time.AfterFunc(patience, cancel)
	if t.fate.givesUp {
		hasty.Reset(time.Millisecond)
	}
	in, out := io.Pipe()
	r, err := http.NewRequestWithContext(ctx, http.MethodConnect, "https://"+s.gateway.address(t.kind)+t.path(), in)
	if err != nil {
		cancel()
		return nil, nil, err
	}
	r.Header.Set("Sec-WebSocket-Version", "13")
	c.mark(r)
	resp, err := c.transport.RoundTrip(r) //nolint:bodyclose // streamLink does
	if err == nil && (resp.StatusCode != http.StatusOK || !hasty.Stop()) {
		resp.Body.Close()
		err = fmt.Errorf("%w, or came too late: %s", errRefused, resp.Status)
	}
	if err != nil {
		out.CloseWithError(err)
		cancel()
		return nil, nil, err
	}
	return newPeer(streamLink{resp.Body, out, cancel}, resp.Body, true), resp.Header, nil
}

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

// carrier is a client of HTTP/2 or HTTP/3 with a few connections, mostly one, whose
// streams are tunnels.
type carrier struct {
	transport http.RoundTripper
	mark      func(*http.Request) // how a request says :protocol
	cut       func()              // breaks the connections

	// Guarded by the fleet.
	tunnels   map[*tunnel]struct{}
	used      int
	connected bool // a tunnel has been opened
}

const (
	streamsAtOnce = 50 // below the limits of all servers
	streamsInAll  = 400
)

// fleet is all carriers of one version.
type fleet struct {
	dial func(*tls.Config) *carrier

	mu  sync.Mutex
	all map[*carrier]struct{}
}

// board finds a carrier with room for a tunnel. A client that gives up must not have
// others wait for a connection that it has begun to make: it takes one that is there,
// or makes one for itself.
func (f *fleet) board(t *tunnel, trust *tls.Config) *carrier {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.all {
		if len(c.tunnels) < streamsAtOnce && c.used < streamsInAll && (c.connected || !t.fate.givesUp) {
			c.tunnels[t] = struct{}{}
			c.used++
			return c
		}
	}
	c := f.dial(trust)
	c.tunnels, c.used = map[*tunnel]struct{}{t: {}}, 1
	if t.fate.givesUp {
		c.used = streamsInAll
	}
	f.all[c] = struct{}{}
	return c
}

// connected notes that a tunnel has been opened over a carrier.
func (f *fleet) connected(c *carrier) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c.connected = true
}

// leave is called when a tunnel is over. The last one out of a carrier that is worn
// out closes it.
func (f *fleet) leave(c *carrier, t *tunnel, worn bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(c.tunnels, t)
	if worn {
		c.used = streamsInAll
	}
	if len(c.tunnels) == 0 && c.used >= streamsInAll {
		delete(f.all, c)
		c.cut()
	}
}

// cutOne breaks the connections of one carrier, after told has been called with each
// tunnel that ends thereby.
func (f *fleet) cutOne(told func(*tunnel)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.all {
		for t := range c.tunnels {
			told(t)
		}
		c.used = streamsInAll
		c.cut()
		return
	}
}

// retire has no further tunnel go by the connections that there are now, and closes
// those without any.
func (f *fleet) retire() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.all {
		if c.used = streamsInAll; len(c.tunnels) == 0 {
			delete(f.all, c)
			c.cut()
		}
	}
}

func newHTTP2(trust *tls.Config) *carrier {
	var mu sync.Mutex
	var conns []net.Conn
	t := &http2.Transport{ //nolint:staticcheck // net/http's own does not send :protocol
		TLSClientConfig: trust.Clone(),
		DialTLSContext: func(ctx context.Context, network, address string, config *tls.Config) (net.Conn, error) {
			conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, network, address)
			if err == nil {
				mu.Lock()
				conns = append(conns, conn)
				mu.Unlock()
			}
			return conn, err
		},
	}
	return &carrier{transport: t, mark: func(r *http.Request) { r.Header.Set(":protocol", "websocket") }, cut: func() {
		mu.Lock()
		defer mu.Unlock()
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

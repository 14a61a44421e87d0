// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package h2 opens tunnels to origins over HTTP/2 connections that many tunnels
// share (RFC 8441).
package h2

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

// Conns keeps connections to origins. One without tunnels is closed after a
// while. The zero Conns is ready for use.
type Conns struct {
	mu      sync.Mutex // guards origins
	origins map[string]*origin
}

// origin is what connections one origin has.
type origin struct {
	dialling chan struct{} // holds one token: who dials has it
	mu       sync.Mutex    // guards what follows
	conns    []*conn
	without  time.Time // it does not offer WebSockets, and is not asked before then
}

type conn struct {
	*http2.ClientConn
	net *greeting
}

// ErrNotOffered: the origin does not open WebSockets over HTTP/2.
var ErrNotOffered = errors.New("the origin does not offer WebSockets over HTTP/2")

// askAgain is how long an origin is not asked that does not offer them.
const askAgain = time.Minute

// newTransport has what all connections have in common. One that does not answer,
// or reads nothing, is found out, since it may carry many tunnels. What a slow
// client makes an origin's bytes wait for is as little as in a tunnel of its own.
func newTransport() *http2.Transport {
	t, err := http2.ConfigureTransports(&http.Transport{
		DisableCompression: true,
		IdleConnTimeout:    time.Minute,
		HTTP2: &http.HTTP2Config{
			MaxReceiveBufferPerStream:     64 << 10,
			MaxReceiveBufferPerConnection: 16 << 20,
			SendPingTimeout:               30 * time.Second,
			PingTimeout:                   15 * time.Second,
			WriteByteTimeout:              10 * time.Second,
		},
	})
	if err != nil {
		panic(err) // it is a new http.Transport
	}
	return t
}

var transport = newTransport()

// Dial makes a connection, with TLS if there is to be any. It fails with
// ErrNotOffered if the peer does not want HTTP/2 there.
type Dial func(ctx context.Context) (net.Conn, error)

// Open asks the origin that is known by key for a tunnel. The request is an
// extended CONNECT without a body; ctx bounds the wait for its answer, and not
// the tunnel. If the answer is not a 200, the response has a body, and the stream
// is to be closed when that is read. It fails with ErrNotOffered if the origin
// has no HTTP/2, or opens no tunnels over it.
func (c *Conns) Open(ctx context.Context, key string, dial Dial, r *http.Request) (*Stream, *http.Response, error) {
	o := c.origin(key)
	for range 5 {
		cc, err := o.reserve(ctx, dial)
		if err != nil {
			return nil, nil, err
		}
		s, resp, err := open(ctx, cc, r)
		switch {
		case err == nil:
			return s, resp, nil
		case cc.net.declined():
			o.giveUp(cc)
			return nil, nil, ErrNotOffered
		case ctx.Err() != nil:
			return nil, nil, fmt.Errorf("asking over HTTP/2: %w", err)
		case cc.net.full.Load():
			o.drop(cc)
			_ = cc.Close()
			return nil, nil, fmt.Errorf("%w: %w", ErrNotSent, err)
		case !notSent(err):
			return nil, nil, fmt.Errorf("asking over HTTP/2: %w", err)
		}
	}
	return nil, nil, ErrNotSent
}

// ErrNotSent: the origin has not seen the request, or says that it has not acted
// upon it.
var ErrNotSent = errors.New("the origin takes no more streams")

// notSent tells a request that can be made again. That a connection has less room
// than it was taken to have before its SETTINGS came, and that it ends, x/net says
// only in words.
func notSent(err error) bool {
	var reset http2.StreamError
	return errors.As(err, &reset) && reset.Code == http2.ErrCodeRefusedStream ||
		strings.Contains(err.Error(), "client conn not usable") || strings.Contains(err.Error(), "graceful shutdown GOAWAY")
}

func (c *Conns) origin(key string) *origin {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.origins[key]
	if o == nil {
		if c.origins == nil {
			c.origins = make(map[string]*origin)
		}
		for key, other := range c.origins {
			if !other.needed() {
				delete(c.origins, key)
			}
		}
		o = &origin{dialling: make(chan struct{}, 1)}
		c.origins[key] = o
	}
	return o
}

// needed tells whether anything is known of o. It does not wait: who holds up o
// needs it.
func (o *origin) needed() bool {
	if !o.mu.TryLock() {
		return true
	}
	defer o.mu.Unlock()
	return len(o.conns) > 0 || len(o.dialling) > 0 || time.Now().Before(o.without)
}

// reserve finds a connection with room for another stream, or makes one. Others
// wait meanwhile, since what is made has room for them, too.
func (o *origin) reserve(ctx context.Context, dial Dial) (*conn, error) {
	if cc, err := o.existing(); cc != nil || err != nil {
		return cc, err
	}
	select {
	case o.dialling <- struct{}{}:
		defer func() { <-o.dialling }()
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: waiting for a connection: %w", ErrNotSent, context.Cause(ctx))
	}
	if cc, err := o.existing(); cc != nil || err != nil {
		return cc, err
	}
	raw, err := dial(ctx)
	if errors.Is(err, ErrNotOffered) {
		o.giveUp(nil)
	}
	if err != nil {
		return nil, err
	}
	g := &greeting{Conn: raw, said: make(chan struct{})}
	client, err := transport.NewClientConn(g)
	if err != nil {
		raw.Close()
		return nil, fmt.Errorf("%w: speaking HTTP/2: %w", ErrNotSent, err)
	}
	// Before its SETTINGS nobody knows how many streams it has room for.
	select {
	case <-g.said:
	case <-ctx.Done():
		_ = client.Close()
		return nil, fmt.Errorf("%w: waiting for SETTINGS: %w", ErrNotSent, context.Cause(ctx))
	}
	if !g.greeted() {
		_ = client.Close()
		return nil, fmt.Errorf("%w: the connection ended before SETTINGS came", ErrNotSent)
	}
	client.ReserveNewRequest()
	cc := &conn{client, g}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.conns = append(o.conns, cc)
	return cc, nil
}

// existing returns a connection with room. A connection that is stuck in a write
// keeps who asks it waiting, so none is asked with o.mu held.
func (o *origin) existing() (*conn, error) {
	o.mu.Lock()
	conns, without := slices.Clone(o.conns), time.Now().Before(o.without)
	o.mu.Unlock()
	if without {
		return nil, ErrNotOffered
	}
	for _, cc := range conns {
		if cc.ReserveNewRequest() {
			return cc, nil
		}
		if cc.net.closed.Load() {
			o.drop(cc)
		}
	}
	return nil, nil
}

func (o *origin) drop(gone *conn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.conns = slices.DeleteFunc(o.conns, func(cc *conn) bool { return cc == gone })
}

// giveUp does not ask the origin again for some time.
func (o *origin) giveUp(cc *conn) {
	o.mu.Lock()
	o.without = time.Now().Add(askAgain)
	o.mu.Unlock()
	if cc != nil {
		o.drop(cc)
		_ = cc.Close()
	}
}

// Close closes the connections that carry no tunnel, and the others when the last
// has ended.
func (c *Conns) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, o := range c.origins {
		o.mu.Lock()
		conns := slices.Clone(o.conns)
		o.mu.Unlock()
		for _, cc := range conns {
			go func() { _ = cc.Shutdown(context.Background()) }() // which waits for streams
		}
	}
}

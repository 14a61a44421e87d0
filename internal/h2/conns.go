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
	net *greeted
}

// ErrNotOffered: the origin does not open WebSockets over HTTP/2.
var ErrNotOffered = errors.New("the origin does not offer WebSockets over HTTP/2")

// askAgain is how long an origin is not asked that does not offer them.
const askAgain = time.Minute

// transport has what all connections have in common. One that does not answer is
// found out, since it may carry many tunnels.
var transport = &http2.Transport{
	IdleConnTimeout: time.Minute,
	ReadIdleTimeout: 30 * time.Second,
	PingTimeout:     15 * time.Second,
}

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
	for {
		cc, err := o.reserve(ctx, dial)
		if err != nil {
			return nil, nil, err
		}
		s, resp, err := open(ctx, cc, r)
		switch {
		case err == nil:
			return s, resp, nil
		case ctx.Err() == nil && !cc.net.offered.Load():
			o.giveUp(cc)
			return nil, nil, ErrNotOffered
		case full(err) && ctx.Err() == nil:
			// Nothing was sent: another has room, or is made.
		default:
			return nil, nil, fmt.Errorf("asking over HTTP/2: %w", err)
		}
	}
}

// full tells that a connection had less room than it was taken to have before its
// SETTINGS came. x/net does not export the error.
func full(err error) bool { return strings.Contains(err.Error(), "client conn not usable") }

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

// needed tells whether anything is known of o.
func (o *origin) needed() bool {
	o.mu.Lock()
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
		return nil, context.Cause(ctx)
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
	greeted := &greeted{Conn: raw}
	client, err := transport.NewClientConn(greeted)
	if err != nil {
		raw.Close()
		return nil, fmt.Errorf("speaking HTTP/2: %w", err)
	}
	cc := &conn{client, greeted}
	client.ReserveNewRequest()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.conns = append(o.conns, cc)
	return cc, nil
}

func (o *origin) existing() (*conn, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if time.Now().Before(o.without) {
		return nil, ErrNotOffered
	}
	open := o.conns[:0]
	var found *conn
	for _, cc := range o.conns {
		if state := cc.State(); state.Closed || state.Closing {
			continue
		}
		if open = append(open, cc); found == nil && cc.ReserveNewRequest() {
			found = cc
		}
	}
	clear(o.conns[len(open):])
	o.conns = open
	return found, nil
}

// giveUp does not ask the origin again for some time.
func (o *origin) giveUp(cc *conn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.without = time.Now().Add(askAgain)
	if cc != nil {
		cc.SetDoNotReuse()
		_ = cc.Close()
	}
}

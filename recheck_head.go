// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"context"
	"crypto/tls"
	"maps"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/proxyheader"
)

// head is what a tunnel keeps of its request, for matchers to be asked again
// about it: nothing through which the server, the connection or a config would
// stay in memory.
type head struct {
	reached http.Request // as it reached the handler; without a context

	// As the client sent it, for {http.request.orig_uri} and the like.
	method, uri string
	url         *url.URL

	vars  map[string]any
	local keptAddr
	proxy *keptProxyConn // nil if the connection can have no PROXY header
}

// head copies what is to be kept of a's request, if anything is.
func (a *attempt) head() *head {
	if a.h.Recheck == nil {
		return nil
	}
	r, ctx := a.r, a.r.Context()
	kept := &head{reached: http.Request{
		Method: r.Method, URL: copyURL(r.URL), RequestURI: r.RequestURI,
		Proto: r.Proto, ProtoMajor: r.ProtoMajor, ProtoMinor: r.ProtoMinor,
		Header: r.Header.Clone(), Host: r.Host, RemoteAddr: r.RemoteAddr,
	}}
	if r.TLS != nil {
		kept.reached.TLS = someTLS
	}
	kept.method, kept.uri, kept.url = r.Method, r.RequestURI, kept.reached.URL
	if original, ok := ctx.Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok {
		kept.method, kept.uri, kept.url = original.Method, original.RequestURI, copyURL(original.URL)
	}
	if local, ok := ctx.Value(http.LocalAddrContextKey).(net.Addr); ok {
		kept.local = keepAddr(local)
	}
	if conn := proxyConnFrom(ctx); conn != nil {
		kept.proxy = &keptProxyConn{conn.Header(), keepAddr(conn.RealRemoteAddr()), keepAddr(conn.RealLocalAddr())}
	}
	vars, _ := ctx.Value(caddyhttp.VarsCtxKey).(map[string]any)
	kept.vars = make(map[string]any, len(vars))
	for name, value := range vars {
		switch value.(type) { // of other types it is not known what they hold on to
		case string, bool, int, int64, uint64, float64, time.Time, time.Duration:
			kept.vars[name] = value
		}
	}
	return kept
}

// someTLS is the TLS connection of all requests that had one.
var someTLS = &tls.ConnectionState{HandshakeComplete: true}

func copyURL(u *url.URL) *url.URL {
	c := *u
	return &c
}

// request makes a request for matchers as Caddy's server does. They must not
// change it, since what is behind its pointers is for all to come.
func (h *head) request() *http.Request {
	ctx := context.WithValue(context.Background(), http.LocalAddrContextKey, h.local)
	if h.proxy != nil {
		ctx = context.WithValue(ctx, proxyConnCtxKey{}, h.proxy)
	}
	r := h.reached.WithContext(ctx)
	r.Method, r.RequestURI, r.URL = h.method, h.uri, h.url
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), nil, nil)
	r.Method, r.RequestURI, r.URL = h.reached.Method, h.reached.RequestURI, h.reached.URL
	maps.Copy(r.Context().Value(caddyhttp.VarsCtxKey).(map[string]any), h.vars)
	_, _ = proxyFactsPublisher{}.MatchWithError(r)
	return r
}

// keptProxyConn is what a PROXY header said, without its connection.
type keptProxyConn struct {
	header        *proxyheader.Header
	remote, local keptAddr
}

func (c *keptProxyConn) Header() *proxyheader.Header { return c.header }
func (c *keptProxyConn) RealRemoteAddr() net.Addr    { return c.remote }
func (c *keptProxyConn) RealLocalAddr() net.Addr     { return c.local }

// keptAddr is an address that is not part of anything.
type keptAddr struct{ network, text string }

func keepAddr(a net.Addr) keptAddr { return keptAddr{a.Network(), a.String()} }

// Network returns the address's network.
func (a keptAddr) Network() string { return a.network }
func (a keptAddr) String() string  { return a.text }

// Interface guards
var (
	_ net.Addr  = keptAddr{}
	_ proxyConn = (*keptProxyConn)(nil)
)

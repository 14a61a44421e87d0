// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"context"
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"golang.org/x/net/http/httpguts"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/handshake"
)

// sampleKey is the key of a handshake without one; RFC 6455 has it as an example.
const sampleKey = "dGhlIHNhbXBsZSBub25jZQ=="

// completeHandshake adds what a client would send. A handshake to http or https
// stays as it is, so that a faulty one can be traced, but for its key, which
// nobody who asks would make up.
func (q *traceRequest) completeHandshake(h http.Header) {
	add := func(name, value string) {
		if h[name] == nil {
			h[name] = []string{value}
		}
	}
	if strings.HasPrefix(q.url.Scheme, "ws") {
		add("Upgrade", "websocket")
		add("Connection", "Upgrade")
		add("Sec-Websocket-Version", handshake.Version)
	}
	if h["Upgrade"] != nil {
		add("Sec-Websocket-Key", sampleKey)
	}
}

// request makes the request as a server gets it that accepts it at local.
func (q *traceRequest) request(srv *caddyhttp.Server, local net.Addr) *http.Request {
	r := &http.Request{
		Method: q.Method, Host: q.url.Host, RequestURI: q.url.RequestURI(), URL: new(url.URL),
		Proto: fmt.Sprintf("HTTP/%d.%d", q.major, q.minor), ProtoMajor: q.major, ProtoMinor: q.minor,
		Header: q.header.Clone(), Body: http.NoBody, RemoteAddr: net.JoinHostPort(q.remote.String(), "0"),
	}
	if u, err := url.ParseRequestURI(r.RequestURI); err == nil {
		r.URL = u
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	r.Header.Del("Host") // as net/http
	q.completeHandshake(r.Header)
	if q.major > 1 {
		q.extendConnect(r)
	}
	if q.secure {
		r.TLS = q.connectionState()
	}
	dropAmbiguous(r.Header, srv)
	ctx := context.WithValue(context.Background(), http.LocalAddrContextKey, local)
	return r.WithContext(context.WithValue(ctx, momentCtxKey{}, q.at))
}

// extendConnect makes what asks for a WebSocket an extended CONNECT, as the
// servers of HTTP/2 and HTTP/3 hand that over.
func (q *traceRequest) extendConnect(r *http.Request) {
	websocket := httpguts.HeaderValuesContainsToken(r.Header["Upgrade"], "websocket")
	for _, name := range []string{"Upgrade", "Connection", "Sec-Websocket-Key"} {
		r.Header.Del(name)
	}
	if !websocket {
		return
	}
	r.Method = http.MethodConnect
	if q.major == 2 {
		r.Header[":protocol"] = []string{"websocket"}
	} else {
		r.Proto = "websocket"
	}
}

// connectionState is the TLS connection that a client of today would have.
func (q *traceRequest) connectionState() *tls.ConnectionState {
	state := &tls.ConnectionState{
		HandshakeComplete: true, Version: tls.VersionTLS13, CipherSuite: tls.TLS_AES_128_GCM_SHA256,
		NegotiatedProtocol: []string{"", "http/1.1", "h2", "h3"}[q.major],
	}
	if _, err := netip.ParseAddr(q.url.Hostname()); err != nil { // TLS names no addresses
		state.ServerName = q.url.Hostname()
	}
	return state
}

// dropAmbiguous drops the fields that a server of Caddy does not let through. Where
// it is configured to let some through, all stay.
func dropAmbiguous(h http.Header, srv *caddyhttp.Server) {
	maps.DeleteFunc(h, func(name string, _ []string) bool {
		return strings.Contains(name, "_") && len(srv.ExpectedUnderscoreHeaders) == 0 ||
			strings.Contains(name, ".") && len(srv.ExpectedDotHeaders) == 0
	})
}

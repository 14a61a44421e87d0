// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
)

// read takes down what the client sent.
func (x *exchange) read() {
	r := x.r
	x.rawPath, x.rawQuery = splitTarget(r.RequestURI)
	x.stream = isStream(r)
	x.req = &request.Request{
		Method: r.Method, Line: r.Method + " " + r.RequestURI + " " + r.Proto, Protocol: r.Proto,
		Host: r.Host, Header: r.Header, Query: x.rawQuery,
		Server: x.h.facts, Remote: addrPort(r.RemoteAddr), TLS: r.TLS, Time: time.Now(),
	}
	x.req.Peer = x.req.Remote
	if peer, ok := x.repl.GetString("http.proxy_header.peer"); ok && peer != "" {
		x.req.Peer = addrPort(peer)
	}
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		x.req.Local = addrPort(local.String())
	}
	if x.stream {
		// httpd shows a WebSocket over HTTP/2 to its rules as the upgrade it would be
		// over HTTP/1.1.
		x.req.Method = http.MethodGet
		r.Header["Upgrade"], r.Header["Connection"] = []string{"websocket"}, []string{"Upgrade"}
	}
}

// isStream finds RFC 8441 and RFC 9220.
func isStream(r *http.Request) bool {
	return r.Method == http.MethodConnect &&
		(r.ProtoMajor == 2 && strings.EqualFold(r.Header.Get(":protocol"), "websocket") ||
			r.ProtoMajor == 3 && strings.EqualFold(r.Proto, "websocket"))
}

// restore makes the URL and host of the request again what they were, for the
// handlers of errors.
func (x *exchange) restore(u url.URL, host string) {
	*x.r.URL, x.r.Host = u, host
}

// splitTarget is the path and the query string of a request line, whatever form
// its target has.
func splitTarget(target string) (path, query string) {
	target, query, _ = strings.Cut(target, "?")
	if scheme, rest, ok := strings.Cut(target, "://"); ok && !strings.Contains(scheme, "/") {
		slash := strings.IndexByte(rest, '/')
		if slash < 0 {
			return "/", query
		}
		return rest[slash:], query
	}
	return target, query
}

func addrPort(text string) netip.AddrPort {
	a, err := netip.ParseAddrPort(text)
	if err != nil {
		if ip, err := netip.ParseAddr(text); err == nil {
			return netip.AddrPortFrom(ip, 0)
		}
	}
	return a
}

// escapePath is a decoded path as it would stand in a request.
func escapePath(path string) string { return (&url.URL{Path: path}).EscapedPath() }

// joinPath is a URL path in a folder.
func joinPath(folder, uri string) string {
	return strings.TrimSuffix(folder, "/") + "/" + strings.TrimPrefix(uri, "/")
}

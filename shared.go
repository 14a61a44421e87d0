// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/h2"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/handshake"
)

// The values of Handler.Versions.
const (
	versionHTTP1 = "1.1"
	versionH2    = "h2"
	versionH2C   = "h2c"
)

func (h *Handler) validateVersions() error {
	switch h.Versions {
	case "", versionHTTP1:
		return nil
	case versionH2, versionH2C:
	default:
		return fmt.Errorf("versions %q is unknown: write 1.1, h2 or h2c", h.Versions)
	}
	if h.ProxyProtocol != nil {
		return fmt.Errorf("versions %s and proxy_protocol exclude each other: many tunnels share a connection, and a PROXY header speaks for all of it", h.Versions)
	}
	for _, text := range h.Origins {
		if o, err := parseOrigin(text, h.TLS != nil); err == nil {
			if err := h.checkVersion(o); err != nil {
				return err
			}
		}
	}
	if h.DynamicRaw != nil || h.dynamic != nil {
		return h.checkVersion(origin{network: "tcp", host: "dynamic", tls: h.TLS != nil})
	}
	return nil
}

// checkVersion refuses an origin that cannot be spoken to as configured.
func (h *Handler) checkVersion(o origin) error {
	if h.Versions == versionH2 && !o.tls || h.Versions == versionH2C && o.tls {
		return fmt.Errorf("origin %q: h2 is spoken over TLS, as in wss:// or with tls, and h2c without", o)
	}
	return nil
}

func (h *Handler) provisionVersions() {
	if h.Versions == versionH2 || h.Versions == versionH2C {
		h.shared = new(h2.Conns)
	}
}

// shakeHandsShared is shakeHands over a connection that other tunnels use, too.
// It fails with h2.ErrNotOffered if the origin has to be asked in HTTP/1.1.
func (a *attempt) shakeHandsShared(ctx context.Context) (net.Conn, *http.Response, error) {
	out, err := a.outgoing()
	if err != nil {
		return nil, nil, &dialError{"bad_override", err}
	}
	serverName := a.h.serverName(a.origin, a.repl)
	d := dialing{h: a.h, origin: a.origin, serverName: serverName, protocols: []string{"h2", "http/1.1"}}
	limited, cancel := context.WithTimeout(ctx, time.Duration(a.h.DialTimeout+a.h.HandshakeTimeout))
	defer cancel()
	start := time.Now()
	stream, resp, err := a.h.shared.Open(limited, a.origin.String()+" "+serverName, d.dialShared, extendedConnect(out, a.origin))
	a.steps = d.steps
	a.steps.wait = since(start) - d.steps.dns - d.steps.tcp - d.steps.tls
	switch {
	case err == nil:
	case errors.Is(err, h2.ErrNotOffered):
		return nil, nil, err
	case errors.Is(err, h2.ErrNotSent):
		return nil, nil, &dialError{"dial_failed", err}
	default:
		return nil, nil, &dialError{reasonOf(err, "no_answer"), err}
	}
	a.originAddr = stream.RemoteAddr().String()
	if a.originStatus = resp.StatusCode; a.originStatus/100 != 2 {
		return stream, resp, nil
	}
	a.header, a.answer = resp.Header, nil
	return stream, nil, nil
}

// dialShared makes a connection for HTTP/2.
func (d *dialing) dialShared(ctx context.Context) (net.Conn, error) {
	conn, err := d.dial(ctx)
	if err != nil {
		return nil, err
	}
	if tlsConn, ok := conn.(*tls.Conn); ok && tlsConn.ConnectionState().NegotiatedProtocol != "h2" {
		conn.Close()
		return nil, h2.ErrNotOffered
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		conn.Close()
		return nil, &dialError{"dial_failed", err}
	}
	return conn, nil
}

// extendedConnect makes the CONNECT of RFC 8441 section 5 of a request.
func extendedConnect(out *http.Request, o origin) *http.Request {
	r := &http.Request{
		Method: http.MethodConnect,
		URL:    &url.URL{Scheme: o.scheme(), Host: out.Host, Opaque: "", Path: out.URL.Path, RawPath: out.URL.RawPath, RawQuery: out.URL.RawQuery},
		Host:   out.Host,
		Header: out.Header,
	}
	r.Header.Del("Sec-WebSocket-Key")
	r.Header.Set("Sec-WebSocket-Version", handshake.Version)
	r.Header[":protocol"] = []string{"websocket"}
	return r
}

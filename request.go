// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp/headers"
	"golang.org/x/net/http/httpguts"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/handshake"
)

// request makes what the origin is sent over HTTP/1.1: the client's request as an
// upgrade, whatever version it came in.
func (a *attempt) request() ([]byte, error) {
	out, err := a.outgoing()
	if err != nil {
		return nil, err
	}
	q := handshake.Request{Target: out.URL.RequestURI(), Host: out.Host, Header: out.Header, Key: a.key}
	return q.Append(nil)
}

// outgoing is the client's request with the overrides applied, and without what
// only concerns the client's connection.
func (a *attempt) outgoing() (*http.Request, error) {
	out := a.r.WithContext(a.r.Context()) // header_up may change Host and Header
	out.Header = a.r.Header.Clone()
	out.Header.Del(":protocol") // RFC 8441's pseudo-field, as x/net/http2 shows it
	handshake.RemoveHopByHop(out.Header)
	out.Header.Del("Expect") // a 100 is for the client, and join sends it
	setForwarded(out.Header, a.r)
	out.Header.Add("Via", strconv.Itoa(a.r.ProtoMajor)+"."+strconv.Itoa(a.r.ProtoMinor)+" Caddy")
	if a.h.Host != "" {
		var err error
		if out.Host, err = a.repl.ReplaceOrErr(a.h.Host, true, true); err != nil {
			return nil, fmt.Errorf("host: %w", err)
		}
	}
	a.setOriginField(out)
	if up := a.h.Headers; up != nil && up.Request != nil {
		up.Request.ApplyToRequest(out)
	}

	a.key = handshake.NewKey()
	if keys := a.r.Header["Sec-Websocket-Key"]; !a.client.streams() {
		a.key = keys[0] // admitted with exactly one
	}
	return out, nil
}

// setOriginField applies origin_header. "rewrite" says what a page of the
// origin's own would: many servers compare it with the Host they are asked for.
func (a *attempt) setOriginField(out *http.Request) {
	switch a.h.OriginHeader {
	case "", originKeep:
	case originRewrite:
		if out.Header.Get("Origin") != "" {
			out.Header.Set("Origin", a.origin.scheme()+"://"+out.Host)
		}
	default:
		out.Header.Set("Origin", a.repl.ReplaceAll(a.h.OriginHeader, ""))
	}
}

// applyDown applies header_down to an answer of the origin's.
func (a *attempt) applyDown(h http.Header) {
	if down := a.h.Headers; down != nil && down.Response != nil {
		down.Response.ApplyTo(h, a.repl)
		for _, values := range h {
			for i, value := range values {
				values[i] = handshake.FieldValue(value) // a placeholder can give anything
			}
		}
	}
}

// validateOriginField takes what a browser can send (RFC 6454 section 7): what says less
// no origin server knows.
func (h *Handler) validateOriginField() error {
	switch v := h.OriginHeader; {
	case v == "" || v == originKeep || v == originRewrite || v == "null" || hasPlaceholder(v):
	default:
		if _, ok := parseWebOrigin(v); !ok {
			return fmt.Errorf("origin_header %q is no origin: write keep, rewrite, or one as https://example.com", v)
		}
	}
	return nil
}

func (h *Handler) validateHost() error {
	if !hasPlaceholder(h.Host) && !httpguts.ValidHostHeader(h.Host) {
		return fmt.Errorf("host %q cannot be a Host: write a name or an address, with a port or not", h.Host)
	}
	return nil
}

func (h *Handler) validateHeaders() error {
	if h.Headers == nil {
		return nil
	}
	if err := h.Headers.Validate(); err != nil {
		return fmt.Errorf("header rules: %w", err)
	}
	if err := checkFields("header_up", h.Headers.Request, "Connection", "Upgrade", "Sec-Websocket-Key", "Sec-Websocket-Version"); err != nil {
		return err
	}
	down := h.Headers.Response
	if down == nil {
		return nil
	}
	if down.Require != nil || down.Deferred {
		return errors.New("header rules: require and deferred have no meaning in ws_tunnel")
	}
	return checkFields("header_down", down.HeaderOps, "Connection", "Upgrade", "Sec-Websocket-Accept")
}

// checkFields refuses to change what the gateway says itself in its handshakes.
func checkFields(option string, ops *headers.HeaderOps, own ...string) error {
	if ops == nil {
		return nil
	}
	changed := slices.Concat(ops.Delete, slices.Collect(maps.Keys(ops.Add)), slices.Collect(maps.Keys(ops.Set)), slices.Collect(maps.Keys(ops.Replace)))
	for _, field := range own {
		if slices.ContainsFunc(changed, func(name string) bool { return http.CanonicalHeaderKey(name) == field }) {
			return fmt.Errorf("%s: %s is the handshake's own and cannot be changed: leave it out", option, field)
		}
	}
	return nil
}

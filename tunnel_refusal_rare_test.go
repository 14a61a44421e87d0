// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
)

// An origin that goes before it has all of the request: more of it than a socket
// holds.
func TestOriginLeavesDuringRequest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path) // whose buffers do not grow
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	serveOrigin(t, l, func(p *peer) { _, _ = p.r.ReadByte() })
	g := startGateway(t, false, "servers {\nmax_header_size 1MB\n}", "ws_tunnel unix/"+path)
	c := g.dial()
	c.send(handshakeOf("/ws", "X-Long: "+strings.Repeat("x", 900<<10)+"\r\n"))
	if resp := c.readAnswer(); resp.StatusCode != http.StatusBadGateway {
		t.Errorf("answered %s", resp.Status)
	}
	g.expectRefusal("request_failed")
	nothingLeft(t)
}

// What a client sends may not fit into a PROXY header, where max_header_size is
// above Caddy's 16 KB.
func TestProxyHeaderThatCannotBe(t *testing.T) {
	g := startGateway(t, false, "servers {\nmax_header_size 1MB\n}", "ws_tunnel "+startOrigin(t, nil, func(p *peer) { p.expectEOF() })+
		" {\nproxy_protocol v2 {\ntlv 0xE5 {http.request.header.X-Long}\n}\n}")
	c := g.dial()
	c.send(handshakeOf("/ws", "X-Long: "+strings.Repeat("x", 65<<10)+"\r\n"))
	if resp := c.readAnswer(); resp.StatusCode != http.StatusBadGateway {
		t.Errorf("answered %s", resp.Status)
	}
	g.expectRefusal("bad_override")
	nothingLeft(t)
}

// The PROXY header has to be sent within the time of the whole handshake.
func TestProxyHeaderTooLate(t *testing.T) {
	g := startGateway(t, false, "", "ws_tunnel "+startOrigin(t, nil, func(p *peer) { p.expectEOF() })+" {\nproxy_protocol v1\nhandshake_timeout 1ns\n}")
	c := g.dial()
	c.send(handshakeOf("/ws", ""))
	if resp := c.readAnswer(); resp.StatusCode != http.StatusGatewayTimeout {
		t.Errorf("answered %s", resp.Status)
	}
	g.expectRefusal("proxy_header_failed")
	nothingLeft(t)
}

// newRequest is a handshake that comes from no connection.
func newRequest(w http.ResponseWriter) *http.Request {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/ws", nil)
	for name, value := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": testKey} {
		r.Header.Set(name, value)
	}
	return caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, nil)
}

// expectStatus wants err to be one that Caddy answers with a status.
func expectStatus(t *testing.T, err error, status int) {
	t.Helper()
	var handled caddyhttp.HandlerError
	if !errors.As(err, &handled) || handled.StatusCode != status {
		t.Errorf("%v, want the status %d", err, status)
	}
}

// A response that somebody has wrapped for good is found out before an origin is
// bothered.
func TestCannotSwitch(t *testing.T) {
	h := &Handler{Name: "wrapped", logger: zap.NewNop()}
	w := httptest.NewRecorder() // cannot be hijacked
	err := h.ServeHTTP(w, newRequest(w), nil)
	expectStatus(t, err, http.StatusInternalServerError)
	if reason := reasonOf(err, ""); reason != "cannot_switch" || !strings.Contains(err.Error(), "*httptest.ResponseRecorder") {
		t.Errorf("%s: %v", reason, err)
	}
}

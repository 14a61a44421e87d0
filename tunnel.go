// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/h2"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/handshake"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/pool"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/quota"
)

// ServeHTTP takes a WebSocket request the whole way, from admitting it to a
// running tunnel. Any other request goes to the next handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if !isWebSocket(r) {
		if extendedProtocol(r) != "" {
			return h.newAttempt(newClient(w, r)).refuse(http.StatusNotImplemented, errProtocol)
		}
		return next.ServeHTTP(w, r)
	}
	c := newClient(w, r)
	if !c.attached() {
		_, err := h.open(c)
		return err
	}
	defer c.leaveStream()
	t, err := h.openApart(c)
	if t != nil {
		t.relay.Carry() // since this goroutine has to stay
		<-t.done()
	}
	return err
}

// openApart is open in a goroutine of its own. A goroutine keeps the stack that
// its deepest call needed, and that of a stream stays as long as its tunnel.
func (h *Handler) openApart(c *client) (t *tunnel, err error) {
	done := make(chan any)
	go func() {
		defer func() { done <- recover() }()
		t, err = h.open(c)
	}()
	if panicked := <-done; panicked != nil {
		panic(panicked) // where the server expects it
	}
	return t, err
}

// open returns the tunnel that a request became; if there is none and no error,
// it has been answered.
func (h *Handler) open(c *client) (*tunnel, error) {
	a := h.newAttempt(c)
	defer a.release()
	if err := a.admit(); err != nil {
		return nil, err
	}
	conn, resp, err := a.reach()
	if err != nil || resp != nil {
		return nil, a.answerOtherwise(conn, resp, err)
	}
	return a.join(conn), nil
}

// attempt is one handshake, on its way to becoming a tunnel.
type attempt struct {
	h      *Handler
	client *client
	r      *http.Request
	repl   *caddy.Replacer
	id     string

	begun    bool         // the registry knows of the handshake, until release
	claim    *quota.Claim // what it counts as, until release
	deadline time.Time    // of the tunnel; zero: none

	// Of the last try.
	origin       origin
	state        *pool.Origin // where it counts, until release; nil: nowhere
	originAddr   string       // what origin resolved to
	key          string       // that the origin was sent
	answer       *handshake.Reader
	header       http.Header // of the origin's 101
	policyFields http.Header // that the selection policy has for the client
	originStatus int         // of its answer; 0: there is none
	steps        steps

	failed []*pool.Origin // by earlier tries
}

func (h *Handler) newAttempt(c *client) *attempt {
	r := c.r
	repl := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	a := &attempt{h: h, client: c, r: r, repl: repl, id: newID()}
	repl.Set("http.ws_tunnel.id", a.id)
	repl.Set("http.ws_tunnel.name", h.Name)
	if fields, ok := r.Context().Value(caddyhttp.ExtraLogFieldsCtxKey).(*caddyhttp.ExtraLogFields); ok {
		fields.Set(zap.String("ws_tunnel_id", a.id))
	}
	return a
}

// newID makes the name of a tunnel: 16 hexadecimal digits.
func newID() string {
	var raw [8]byte
	rand.Read(raw[:]) // never fails
	return hex.EncodeToString(raw[:])
}

// admit refuses what cannot become a tunnel, and counts the attempt.
func (a *attempt) admit() error {
	if status, err := a.client.admit(); err != nil {
		return a.refuse(status, err)
	}
	if a.begun = tunnels.begin(); !a.begun {
		return a.refuseForNow(http.StatusServiceUnavailable, drainingRetryAfter, &dialError{"draining", errors.New("the server is about to stop")})
	}
	if err := a.setDeadline(); err != nil {
		return err
	}
	return a.reserve()
}

// shakeHands asks the origin. It returns the connection if the origin switched
// protocols as it should; an answer if it gave another; or an error. A client
// that leaves meanwhile ends it.
func (a *attempt) shakeHands() (net.Conn, *http.Response, error) {
	a.originStatus = 0
	ctx := a.r.Context()
	if a.h.shared != nil {
		conn, resp, err := a.shakeHandsShared(ctx)
		if !errors.Is(err, h2.ErrNotOffered) {
			return conn, resp, err
		}
	}
	request, err := a.request()
	if err != nil {
		return nil, nil, &dialError{"bad_override", err}
	}
	d := dialing{h: a.h, origin: a.origin, serverName: a.h.serverName(a.origin, a.repl), header: a.proxyHeader}
	conn, err := d.dial(ctx)
	if a.steps = d.steps; err != nil {
		return nil, nil, err
	}
	a.originAddr = conn.RemoteAddr().String()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	resp, err := a.exchange(conn, request)
	if left := !stop(); left && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	return conn, resp, nil
}

func (a *attempt) exchange(conn net.Conn, request []byte) (*http.Response, error) {
	start := time.Now()
	_, err := conn.Write(request)
	if a.steps.send = since(start); err != nil {
		return nil, &dialError{"request_failed", err}
	}
	start = time.Now()
	a.answer = handshake.NewReader(conn)
	resp, err := a.answer.Response()
	if a.steps.wait = since(start); err != nil {
		return nil, &dialError{reasonOf(err, "no_answer"), err}
	}
	if a.originStatus = resp.StatusCode; a.originStatus != http.StatusSwitchingProtocols {
		return resp, nil
	}
	a.header = resp.Header
	err = handshake.CheckSwitch(resp, a.key)
	if errors.Is(err, handshake.ErrAccept) && a.h.UncheckedAccept && !a.client.streams() {
		err = nil // the client sees the value, and checks it
	}
	return nil, err
}

// answerOtherwise ends an attempt that did not succeed at the origin.
func (a *attempt) answerOtherwise(conn net.Conn, resp *http.Response, err error) error {
	if err != nil {
		switch {
		case a.r.Context().Err() != nil:
			return a.refuse(499, &dialError{"client_left", err})
		case slices.Contains([]string{"no_origin", "no_local_port", "draining"}, reasonOf(err, "")):
			return a.refuse(http.StatusServiceUnavailable, err)
		case isTimeout(err):
			return a.refuse(http.StatusGatewayTimeout, err)
		default:
			return a.refuse(http.StatusBadGateway, err)
		}
	}
	defer conn.Close()
	defer context.AfterFunc(a.r.Context(), func() { conn.Close() })() // the client has left
	a.release()                                                       // who reads the answer may try again at once
	if a.client.streams() && resp.StatusCode/100 == 2 {
		// To a CONNECT a 2xx means that the tunnel is open (RFC 8441 section 5).
		return a.refuse(http.StatusBadGateway, &dialError{"not_switched", errors.New("the origin answered " + resp.Status)})
	}
	a.refused("origin_refused", resp.StatusCode, nil)
	handshake.RemoveHopByHop(resp.Header)
	a.applyDown(resp.Header)
	a.addPolicyFields(resp.Header)
	fields := a.client.w.Header()
	for name, values := range resp.Header {
		fields[handshake.WireName(name)] = values
	}
	if resp.StatusCode == http.StatusUpgradeRequired {
		a.client.offerUpgrade()
	}
	a.client.w.WriteHeader(resp.StatusCode)
	deadline := time.Now().Add(time.Duration(a.h.HandshakeTimeout))
	// A client that does not read must not keep the origin's connection, which counts
	// nowhere any more.
	_ = http.NewResponseController(a.client.w).SetWriteDeadline(deadline) //nolint:bodyclose // there is none
	err = conn.SetDeadline(deadline)
	if err == nil {
		_, err = io.Copy(a.client.w, resp.Body)
	}
	if err != nil {
		// Half an answer must not pass for a whole one.
		panic(http.ErrAbortHandler)
	}
	return nil
}

// join makes a tunnel of the two connections, or nil if the client has left.
func (a *attempt) join(conn net.Conn) *tunnel {
	handshake.RemoveHopByHop(a.header)
	a.applyDown(a.header)
	a.addPolicyFields(a.header)
	a.header.Set("Sec-WebSocket-Accept", handshake.Accept(a.key)) // no rule can do without it
	end, early, err := a.client.join(a.header)
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	if err != nil {
		conn.Close()
		if end != nil {
			end.Close()
		}
		// The client has its 101, or nothing: no other answer can be given.
		a.refused("client_left", 0, err)
		return nil
	}
	return a.open(end, early, conn)
}

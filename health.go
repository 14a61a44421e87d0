// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/pool"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/relay"
)

// HealthChecks say how an origin is found to be down: no tunnel is opened to it
// then. What is known of an origin goes on across reloads.
//
// Each change is logged, counted in caddy_ws_tunnel_origin_up, and emitted as an
// event, "unhealthy" or "healthy", with the fields name (of the handler) and host
// (the origin).
type HealthChecks struct {
	// What is checked at intervals, as a client would, with the PROXY header
	// LOCAL (v2) or UNKNOWN (v1) if the origin is sent one: "tcp", that it can
	// be connected to, and TLS spoken if it is; "http", that it answers a GET
	// with one of some statuses; "websocket", that it opens a WebSocket, which
	// is closed with 1000. Default: none. Origins that are dynamic or have
	// placeholders are not checked.
	Check string `json:"check,omitempty"`

	// What an http or websocket check asks for, with query. Default: "/".
	Path string `json:"path,omitempty"`

	// Which statuses are good for an http check: codes, or their first digit for
	// all that begin with it. Default: 2, for 200 to 299.
	Status []int `json:"status,omitempty"`

	// The Host field of a check. Default: that which the origin is sent if it is
	// configured without placeholders, or else the origin's address.
	Host string `json:"host,omitempty"`

	// The port that is checked. Default: that of the origin.
	Port string `json:"port,omitempty"`

	// How long between two checks. Default: 10s.
	Interval caddy.Duration `json:"interval,omitempty"`

	// How long a check may take. Default: 5s.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// How many checks in a row have to succeed for an origin that is down to be
	// up again. Default: 2.
	Healthy int `json:"healthy,omitempty"`

	// How many checks in a row have to fail for an origin to be down. Default: 3.
	Unhealthy int `json:"unhealthy,omitempty"`

	// Take an origin for down for so long once max_fails handshakes with it have
	// failed within that time: connecting, TLS, the answer, or a status for which
	// another origin is tried. How a tunnel ends does not count. Default: 0,
	// handshakes are not looked at.
	FailDuration caddy.Duration `json:"fail_duration,omitempty"`

	// How many those are. Default: 3.
	MaxFails int `json:"max_fails,omitempty"`
}

// The values of HealthChecks.Check.
const (
	checkTCP       = "tcp"
	checkHTTP      = "http"
	checkWebSocket = "websocket"
)

// The values of Handler.OnOriginDown.
const (
	originDownKeep  = "keep"
	originDownClose = "close"
)

func (h *Handler) provisionHealth() {
	c := h.Health
	if c == nil {
		return
	}
	setDefault(&c.Interval, 10*time.Second)
	setDefault(&c.Timeout, 5*time.Second)
	if c.Path == "" {
		c.Path = "/"
	}
	if len(c.Status) == 0 {
		c.Status = []int{2}
	}
	for count, otherwise := range map[*int]int{&c.Healthy: 2, &c.Unhealthy: 3, &c.MaxFails: 3} {
		if *count == 0 {
			*count = otherwise
		}
	}
}

func (h *Handler) validateHealth() error {
	switch h.OnOriginDown {
	case "", originDownKeep, originDownClose:
	default:
		return fmt.Errorf("on_origin_down is %q: write keep or close", h.OnOriginDown)
	}
	if h.OnOriginDown == originDownClose && h.Health == nil {
		return errors.New("on_origin_down close has no effect without health, which says when an origin is down")
	}
	c := h.Health
	if c == nil {
		return nil
	}
	switch c.Check {
	case checkTCP, checkHTTP, checkWebSocket:
	case "":
		if c.FailDuration == 0 {
			return errors.New("health needs something to go by: a check, tcp, http or websocket, or fail_duration")
		}
	default:
		return fmt.Errorf("health check %q is unknown: use tcp, http or websocket", c.Check)
	}
	if c.Interval < 0 || c.Timeout < 0 || c.FailDuration < 0 || c.Healthy < 0 || c.Unhealthy < 0 || c.MaxFails < 0 {
		return errors.New("health: a time or a number is negative")
	}
	if c.Path != "" && c.Path[0] != '/' {
		return fmt.Errorf("health: path %q does not begin with a slash", c.Path)
	}
	if c.Port != "" {
		if err := checkPort(c.Port); err != nil {
			return fmt.Errorf("health: %w", err)
		}
	}
	for _, status := range c.Status {
		if err := checkStatus(status); err != nil {
			return fmt.Errorf("health: %w", err)
		}
	}
	return nil
}

// startChecks begins to check h's origins. The checks end with its config.
func (h *Handler) startChecks() {
	if h.Health == nil || h.Health.Check == "" {
		return
	}
	for _, c := range h.fixed {
		if c != nil {
			if other, ok := c.state.Watch(h).(*Handler); ok && other.ctx.Context == h.ctx.Context {
				h.logger.Warn("another handler with this name checks this origin, too, and will not be heard: give them different names",
					zap.String("name", h.Name), zap.String("origin", c.state.Name()))
			}
			go h.checkOrigin(c)
		}
	}
}

// checkOrigin checks an origin at intervals, not all origins at the same time.
func (h *Handler) checkOrigin(c *candidate) {
	interval := time.Duration(h.Health.Interval)
	timer := time.NewTimer(rand.N(interval/10 + 1)) //nolint:gosec // it need not be secret
	defer timer.Stop()
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-timer.C:
		}
		err := (&probe{h, c.origin}).run()
		if h.ctx.Err() != nil {
			return // that may be why it failed
		}
		if c.state.Checked(h, err == nil, h.Health.Healthy, h.Health.Unhealthy) {
			h.originChanged(c.state, err)
		}
		timer.Reset(interval)
	}
}

// judge notes what a handshake says of its origin.
func (a *attempt) judge(resp *http.Response, err error) {
	health := a.h.Health
	if health == nil || health.FailDuration == 0 || a.r.Context().Err() != nil {
		return
	}
	if err == nil && resp != nil && a.isRetryStatus(resp.StatusCode) {
		err = errors.New("the origin answered " + resp.Status)
	}
	switch reasonOf(err, "") {
	case "bad_override", "no_local_port":
		return // it was not its fault
	}
	h, state, window := a.h, a.state, time.Duration(health.FailDuration)
	if err == nil {
		if state.Worked() {
			go h.originChanged(state, nil)
		}
		return
	}
	changed, suspended := state.Failed(health.MaxFails, window)
	if suspended {
		time.AfterFunc(window, func() {
			if state.Resume() {
				h.originChanged(state, nil)
			}
		})
	}
	if changed {
		go h.originChanged(state, err)
	}
}

// originChanged tells that an origin has gone down, or has come up again if there
// is no cause.
func (h *Handler) originChanged(state *pool.Origin, cause error) {
	event, level := "healthy", zap.InfoLevel
	if cause != nil {
		event, level = "unhealthy", zap.WarnLevel
	}
	if c := h.logger.Check(level, "origin is "+event); c != nil {
		c.Write(zap.String("name", h.Name), zap.String("origin", state.Name()), zap.Error(cause))
	}
	h.events.Emit(h.ctx, event, map[string]any{"name": h.Name, "host": state.Name()})
	if cause != nil && h.OnOriginDown == originDownClose {
		tunnels.drainOrigin(state, h.Name, time.Duration(h.Drain))
	}
}

// drainOrigin ends the tunnels to an origin.
func (g *registry) drainOrigin(state *pool.Origin, name string, over time.Duration) {
	these := slices.DeleteFunc(g.running(), func(t *tunnel) bool { return t.state != state })
	if len(these) > 0 {
		go newDrain(name, these, over).run(relay.Drain)
	}
}

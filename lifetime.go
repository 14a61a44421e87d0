// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/relay"
)

// provisionLifetime sets up what bounds the life of h's tunnels.
func (h *Handler) provisionLifetime() {
	if h.Heartbeat > 0 {
		setDefault(&h.HeartbeatTimeout, 10*time.Second)
	}
	if h.OnReload == "" {
		h.OnReload = reloadKeep
	}
	h.limits = &relay.Limits{
		IdleTimeout:      time.Duration(h.IdleTimeout),
		Linger:           time.Duration(h.Linger),
		Heartbeat:        time.Duration(h.Heartbeat),
		HeartbeatTimeout: time.Duration(h.HeartbeatTimeout),
		MaxMessage:       uint64(h.MaxMessage),
		ToOrigin:         paceOf(h.ByteRate.ToOrigin, h.MessageRate.ToOrigin),
		ToClient:         paceOf(h.ByteRate.ToClient, h.MessageRate.ToClient),
	}
}

func (h *Handler) validateLifetime() error {
	for _, d := range []struct {
		name  string
		value caddy.Duration
	}{
		{"dial_timeout", h.DialTimeout},
		{"handshake_timeout", h.HandshakeTimeout},
		{"idle_timeout", h.IdleTimeout},
		{"max_lifetime_jitter", h.MaxLifetimeJitter},
		{"linger", h.Linger},
		{"drain", h.Drain},
		{"heartbeat", h.Heartbeat},
		{"heartbeat_timeout", h.HeartbeatTimeout},
		{"record_every", h.RecordEvery},
	} {
		if d.value < 0 {
			return fmt.Errorf("%s is negative", d.name)
		}
		if time.Duration(d.value) > relay.Longest {
			return fmt.Errorf("%s is longer than 73 years: write 0 for no such limit, if that is meant", d.name)
		}
	}
	if h.MaxMessage < 0 {
		return errors.New("max_message is negative")
	}
	if h.MaxLifetime != "" && !hasPlaceholder(h.MaxLifetime) {
		if _, err := parseLifetime(h.MaxLifetime, time.Now()); err != nil {
			return err
		}
		if d, err := caddy.ParseDuration(h.MaxLifetime); err == nil && time.Duration(h.MaxLifetimeJitter) >= d {
			return fmt.Errorf("max_lifetime_jitter %s leaves nothing of max_lifetime %s: write less", time.Duration(h.MaxLifetimeJitter), d)
		}
	}
	return nil
}

// warnOfLifetime tells of a time that is over. It is no fault of the config, which
// has to start again tomorrow as it did yesterday.
func (h *Handler) warnOfLifetime() {
	if h.MaxLifetime == "" || hasPlaceholder(h.MaxLifetime) {
		return
	}
	if d, err := parseLifetime(h.MaxLifetime, time.Now()); err == nil && d <= 0 {
		h.logger.Warn("max_lifetime is over: every handshake is refused", zap.String("max_lifetime", h.MaxLifetime))
	}
}

func (h *Handler) validateReload() error {
	switch h.OnReload {
	case "", reloadKeep, reloadDrain, reloadClose:
	default:
		return fmt.Errorf("on_reload is %q: write keep, drain or close", h.OnReload)
	}
	if h.OnReload == reloadDrain && h.Drain == 0 {
		return errors.New("on_reload drain needs a time to drain over, as in drain 30s")
	}
	return nil
}

// setDeadline finds out when the tunnel has to end. Those that are opened
// together shall not end together, so it is up to the jitter earlier than set.
func (a *attempt) setDeadline() error {
	now := time.Now()
	d, err := a.timeLeft(now)
	if err != nil {
		return a.refuse(http.StatusForbidden, err)
	}
	if d == 0 {
		return nil
	}
	jitter := min(time.Duration(a.h.MaxLifetimeJitter), d-1)
	if jitter == 0 {
		jitter = d / 10
	}
	a.deadline = now.Add(d - rand.N(jitter+1)) //nolint:gosec // it need not be secret
	return nil
}

// timeLeft is what max_lifetime leaves of a time, or zero if there is none.
func (a *attempt) timeLeft(now time.Time) (time.Duration, error) {
	if a.h.MaxLifetime == "" {
		return 0, nil
	}
	d, err := parseLifetime(a.repl.ReplaceAll(a.h.MaxLifetime, ""), now)
	switch {
	case err != nil:
		return 0, &dialError{"bad_lifetime", err}
	case d <= 0:
		return 0, &dialError{"expired", fmt.Errorf("max_lifetime was over %s ago", -d)}
	default:
		return d, nil
	}
}

// lifetime is how long a tunnel that opens now may live, or zero for any time.
func (a *attempt) lifetime() time.Duration {
	if a.deadline.IsZero() {
		return 0
	}
	return max(time.Until(a.deadline), 1)
}

// firstTime is the least number that is a time and not a duration.
const firstTime = 1_000_000_000

// parseLifetime reads a duration; a time in seconds since 1970, as the exp of a
// token (RFC 7519 section 4.1.4); or one of RFC 3339.
func parseLifetime(text string, now time.Time) (time.Duration, error) {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds >= firstTime && seconds < 1e11 {
		return time.UnixMilli(int64(seconds * 1000)).Sub(now), nil
	}
	if end, err := time.Parse(time.RFC3339, text); err == nil {
		return end.Sub(now), nil
	}
	if d, err := caddy.ParseDuration(text); err == nil && d > 0 {
		return d, nil
	}
	return 0, fmt.Errorf("max_lifetime %q is neither a duration, as 1h, nor a time, as 1767225600 or 2026-01-01T00:00:00Z", text)
}

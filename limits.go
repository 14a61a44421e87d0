// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/quota"
)

// TunnelLimit bounds how many tunnels there are at a time for each value of a
// key, for example for each client address.
//
// If a value is an IPv6 address, its network is what counts, since a client
// usually has the whole of it. An IPv4-mapped address counts as IPv4. A value
// that is empty, or unknown, is a value like any other: all clients without
// one share a count.
type TunnelLimit struct {
	// What to count by, as {http.vars.client_ip}: text with at least one
	// placeholder. Required.
	Key string `json:"key,omitempty"`

	// How many tunnels each value may have, handshakes under way included.
	// Required, at least 1.
	Max int `json:"max,omitempty"`

	// How many leading bits of an IPv6 address count, 1 to 128. Default: 64.
	IPv6Prefix int `json:"ipv6_prefix,omitempty"`

	scope quota.Key
}

// HandshakeRate bounds how often each value of a key may begin a handshake: max
// times at once, and from then on again each time that a max-th of the window
// has passed. Values are what they are in limits.
type HandshakeRate struct {
	// What to count by, as {http.vars.client_ip}: text with at least one
	// placeholder. Required.
	Key string `json:"key,omitempty"`

	// How many handshakes each value may begin in a window. Required, from 1 to
	// 1000000.
	Max int `json:"max,omitempty"`

	// The window. Required, from 1ms to 24h.
	Window caddy.Duration `json:"window,omitempty"`

	// How many leading bits of an IPv6 address count, 1 to 128. Default: 64.
	IPv6Prefix int `json:"ipv6_prefix,omitempty"`

	scope quota.Key
}

const defaultIPv6Prefix = 64

// String is the limit as a Caddyfile has it.
func (l *TunnelLimit) String() string { return fmt.Sprintf("limit %s %d", l.Key, l.Max) }

// String is the rate as a Caddyfile has it.
func (r *HandshakeRate) String() string {
	return fmt.Sprintf("handshake_rate %s %d %s", r.Key, r.Max, time.Duration(r.Window))
}

// provisionLimits finds out under which keys h counts. They are the same in the
// next config, unless it has another name, key, window or prefix there.
func (h *Handler) provisionLimits() {
	all := quota.Key{}.Of(h.Name)
	h.claim = (*quota.Claim)(nil).And(all, h.MaxTunnels)
	for i := range h.Limits {
		l := &h.Limits[i]
		setDefaultPrefix(&l.IPv6Prefix)
		l.scope = all.Of(l.Key).Of(strconv.Itoa(l.IPv6Prefix))
	}
	for i := range h.HandshakeRates {
		r := &h.HandshakeRates[i]
		setDefaultPrefix(&r.IPv6Prefix)
		r.scope = all.Of(r.Key).Of(strconv.Itoa(r.IPv6Prefix)).Of(time.Duration(r.Window).String())
	}
}

func setDefaultPrefix(bits *int) {
	if *bits == 0 {
		*bits = defaultIPv6Prefix
	}
}

func (h *Handler) validateLimits() error {
	if h.MaxTunnels < 0 {
		return errors.New("max_tunnels is negative")
	}
	type counter struct {
		key    string
		bits   int
		window caddy.Duration
	}
	seen := make(map[counter]bool)
	check := func(key string, limit, bits int, window caddy.Duration) error {
		setDefaultPrefix(&bits)
		c := counter{key, bits, window}
		switch {
		case !hasPlaceholder(key):
			return fmt.Errorf("key %q has no placeholder, so all clients would share one count: write {client_ip} (in JSON, {http.vars.client_ip}), or another", key)
		case limit < 1:
			return fmt.Errorf("%d is less than 1, and would let nobody in", limit)
		case bits < 1 || bits > 128:
			return fmt.Errorf("ipv6_prefix %d is not from 1 to 128", bits)
		case seen[c]:
			return errors.New("the same is given twice; the lower one would do")
		}
		seen[c] = true
		return nil
	}
	for i := range h.Limits {
		l := &h.Limits[i]
		if err := check(l.Key, l.Max, l.IPv6Prefix, 0); err != nil {
			return fmt.Errorf("%s: %w", l, err)
		}
	}
	for i := range h.HandshakeRates {
		r := &h.HandshakeRates[i]
		var err error
		switch window := time.Duration(r.Window); {
		case window < time.Millisecond, window > maxWindow:
			err = errors.New("the window is not from 1ms to 24h")
		case r.Max > maxRate:
			err = fmt.Errorf("%d is more than %d", r.Max, maxRate)
		default:
			err = check(r.Key, r.Max, r.IPv6Prefix, r.Window)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", r, err)
		}
	}
	return nil
}

// With these a token drips at most once a nanosecond, and no sum overflows.
const (
	maxRate   = 1_000_000
	maxWindow = 24 * time.Hour
)

// Interface guards
var (
	_ fmt.Stringer = (*TunnelLimit)(nil)
	_ fmt.Stringer = (*HandshakeRate)(nil)
)

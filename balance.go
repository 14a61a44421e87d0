// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

// LoadBalancing is how one of several origins is chosen for a tunnel, and when
// another is tried.
type LoadBalancing struct {
	// One of reverse_proxy's selection policies. Those that compare loads, as
	// least_conn and random_choose, see the tunnels that each origin has now,
	// those of earlier configs and handshakes under way included. Default:
	// least_conn.
	PolicyRaw json.RawMessage `json:"selection_policy,omitempty" caddy:"namespace=http.reverse_proxy.selection_policies inline_key=policy"`

	// How often another origin is tried, or the same one again if there is no
	// other: if the PROXY header could not be sent, if connecting or TLS failed,
	// or for a status of RetryStatus. Never once the client has been sent
	// anything. 0 is never. Default: one try of each other origin, of three at
	// most; with TryDuration any number.
	Retries *int `json:"retries,omitempty"`

	// How long that goes on, and how long to wait for an origin if none is up,
	// or all have as many tunnels as they may. Default: 0, which is no wait, and
	// no end to Retries.
	TryDuration caddy.Duration `json:"try_duration,omitempty"`

	// How long to wait before an origin is tried again. Default: 250ms.
	TryInterval caddy.Duration `json:"try_interval,omitempty"`

	// Statuses of an origin's answer for which another is tried: codes, or their
	// first digit for all codes that begin with it. Default: none, the client
	// gets the answer.
	RetryStatus []int `json:"retry_status,omitempty"`

	// How many tunnels each origin may have at a time, handshakes under way
	// included. Default: 0, any number.
	MaxTunnels int `json:"max_tunnels_per_origin,omitempty"`

	// For so long an origin that is new, or up again, counts as having more
	// tunnels than it has, so that policies which compare loads do not send it
	// all new tunnels at once. Default: 30s.
	SlowStart *caddy.Duration `json:"slow_start,omitempty"`

	policy reverseproxy.Selector

	tries  int  // how many there may be in all; 0: any number
	others bool // none of them with an origin that has failed
}

const (
	defaultTryInterval = 250 * time.Millisecond
	defaultSlowStart   = 30 * time.Second
	defaultRetries     = 3
)

// provisionBalancing loads the policy.
func (h *Handler) provisionBalancing() error {
	if h.LoadBalancing == nil {
		h.LoadBalancing = new(LoadBalancing)
	}
	lb := h.LoadBalancing
	setDefault(&lb.TryInterval, defaultTryInterval)
	if lb.SlowStart == nil {
		slow := caddy.Duration(defaultSlowStart)
		lb.SlowStart = &slow
	}
	switch {
	case lb.Retries != nil:
		lb.tries = 1 + *lb.Retries
	case lb.TryDuration == 0:
		lb.tries, lb.others = 1+h.defaultRetries(), true
	}
	if lb.PolicyRaw == nil {
		lb.PolicyRaw = caddyconfig.JSONModuleObject(reverseproxy.LeastConnSelection{}, "policy", "least_conn", nil)
	}
	module, err := h.ctx.LoadModule(lb, "PolicyRaw")
	if err != nil {
		return fmt.Errorf("loading the selection policy: %w", err)
	}
	policy, ok := module.(reverseproxy.Selector)
	if !ok {
		return fmt.Errorf("selection policy %T does not select", module)
	}
	lb.policy = policy
	return nil
}

// defaultRetries are enough to get past some dead origins, and few enough not to
// keep a client waiting for the timeouts of many.
func (h *Handler) defaultRetries() int {
	if h.DynamicRaw != nil || h.dynamic != nil {
		return defaultRetries
	}
	return max(0, min(defaultRetries, len(h.Origins)-1))
}

func (h *Handler) validateBalancing() error {
	lb := h.LoadBalancing
	switch {
	case lb == nil:
		return nil
	case lb.Retries != nil && *lb.Retries < 0:
		return errors.New("lb_retries is negative")
	case lb.TryDuration < 0:
		return errors.New("lb_try_duration is negative")
	case lb.TryInterval < 0:
		return errors.New("lb_try_interval is negative")
	case lb.MaxTunnels < 0:
		return errors.New("max_tunnels_per_origin is negative")
	case lb.SlowStart != nil && *lb.SlowStart < 0:
		return errors.New("lb_slow_start is negative")
	case len(lb.RetryStatus) > 0 && lb.TryDuration == 0 && (lb.Retries != nil && *lb.Retries == 0 || lb.Retries == nil && h.defaultRetries() == 0):
		return errors.New("lb_retry_status has no effect without another origin, lb_retries or lb_try_duration")
	}
	for _, status := range lb.RetryStatus {
		if status == 101 || status == 1 {
			return errors.New("lb_retry_status 101 would be a tunnel that is not opened")
		}
		if err := checkStatus(status); err != nil {
			return fmt.Errorf("lb_retry_status: %w", err)
		}
	}
	return nil
}

// checkStatus accepts a status code, or the first digit of some.
func checkStatus(status int) error {
	if status >= 100 && status <= 599 || status >= 1 && status <= 5 {
		return nil
	}
	return fmt.Errorf("%d is no status: write a code as 503, or 5xx for all that begin with 5", status)
}

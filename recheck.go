// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"errors"
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/relay"
)

// Recheck asks matchers again about the tunnels that are open, as if each were a
// request that comes now, and ends those that none of the sets matches, with
// code 1008. What comes now is the time and the state of switches; all else is as it
// was when the request reached the handler. An error counts as no match.
//
// After a reload the handler of the new config that has the same name asks, so a
// list that was changed counts for tunnels of earlier configs, too. Nothing is
// asked if that handler has no recheck, and tunnels that were opened without one
// are never asked.
type Recheck struct {
	// How often each tunnel is asked. Required.
	Interval caddy.Duration `json:"interval,omitempty"`

	// The matchers, in sets of which any must match, as in a route. At least one
	// set is required. Only these can be asked again: client_ip, expression,
	// header, header_regexp, host, method, not, path, path_regexp, protocol,
	// proxy_header, query, remote_ip, time_window, url_pattern, vars,
	// vars_regexp, websocket and ws_switch. Placeholders in them may be those of
	// the request (not of its TLS connection or body), of its variables and PROXY
	// header, and global ones.
	MatcherSetsRaw caddyhttp.RawMatcherSets `json:"match,omitempty" caddy:"namespace=http.matchers"`

	matchers caddyhttp.MatcherSets
}

func (r *Recheck) provision(ctx caddy.Context) error {
	if r.Interval <= 0 {
		return errors.New("the interval is not positive")
	}
	if err := checkAskable(r.MatcherSetsRaw); err != nil {
		return err
	}
	loaded, err := ctx.LoadModule(r, "MatcherSetsRaw")
	if err != nil {
		return fmt.Errorf("loading matchers: %w", err)
	}
	return r.matchers.FromInterface(loaded)
}

// rechecker asks about tunnels.
type rechecker struct {
	*Recheck
	logger *zap.Logger
}

func (k *rechecker) ask(t *tunnel) {
	if t.head == nil {
		return // it was opened without recheck
	}
	matches, err := k.matches(t.head)
	if err != nil {
		k.logger.Error("cannot recheck a tunnel, so it is ended", zap.Error(err), zap.Inline(t.opening()))
	}
	if !matches || err != nil {
		t.relay.Close(relay.Policy)
	}
}

// matches asks the matchers about one tunnel. One that panics would take the
// whole process with it here, where no server recovers.
func (k *rechecker) matches(kept *head) (matches bool, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("panic: %v", reason)
		}
	}()
	return k.matchers.AnyMatchWithError(kept.request())
}

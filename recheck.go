// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"errors"
	"fmt"
	"time"

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

// rechecker asks about the tunnels of one handler, for as long as that is there.
type rechecker struct {
	*Recheck
	generation *generation
	logger     *zap.Logger
	stop, done chan struct{}
}

func startRechecker(h *Handler) *rechecker {
	k := &rechecker{h.Recheck, h.generation, h.logger, make(chan struct{}), make(chan struct{})}
	go k.run()
	return k
}

// end returns when nothing is asked any more.
func (k *rechecker) end() {
	close(k.stop)
	<-k.done
}

func (k *rechecker) run() {
	defer close(k.done)
	ticker := time.NewTicker(time.Duration(k.Interval))
	defer ticker.Stop()
	for {
		select {
		case <-k.stop:
			return
		case <-ticker.C:
			k.round()
		}
	}
}

// round asks about all tunnels once. It takes a tenth of the interval, so that
// neither the work nor the clients that come back are all in the same moment.
func (k *rechecker) round() {
	began, all := time.Now(), tunnels.askedBy(k.generation)
	for i, t := range all {
		due := began.Add(time.Duration(k.Interval) / 10 / time.Duration(len(all)) * time.Duration(i))
		if !k.await(due) {
			return
		}
		k.ask(t)
	}
}

// timerWorth is the shortest wait that a timer is set for.
const timerWorth = 10 * time.Millisecond

// await waits for a time, unless that is almost now, and is false if k is to end.
func (k *rechecker) await(due time.Time) bool {
	if left := time.Until(due); left > timerWorth {
		select {
		case <-k.stop:
		case <-time.After(left):
		}
	}
	select {
	case <-k.stop:
		return false
	default:
		return true
	}
}

func (k *rechecker) ask(t *tunnel) {
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

// askedBy returns the tunnels that the handler of asking has to ask about.
func (g *registry) askedBy(asking *generation) (all []*tunnel) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for t := range g.live {
		if t.head != nil && t.relay != nil && g.asker(t.generation) == asking {
			all = append(all, t)
		}
	}
	return all
}

// start is called when the config of a handler runs.
func (g *registry) start(starting *generation) {
	g.mu.Lock()
	defer g.mu.Unlock()
	starting.started = true
}

// asker returns the generation that asks about the tunnels of another: itself
// until its config stops; then the same handler of a later config, if there is
// one, or the newest of the name. A config that fails to start has no say. It is
// called with mu held.
func (g *registry) asker(opened *generation) (asker *generation) {
	for _, other := range g.generations[opened.name] { // the newest last
		switch {
		case other.ended, !other.started:
		case other == opened:
			return opened
		case asker == nil, other.same(opened), !asker.same(opened):
			asker = other
		}
	}
	return asker
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
)

// recheckOption takes recheck, whose matcher only the helper knows.
func (h *Handler) recheckOption(helper httpcaddyfile.Helper) error {
	if helper.CountRemainingArgs() != 2 {
		return helper.Err("wrong argument count for recheck: write an interval and a named matcher, as in recheck 60s @office")
	}
	helper.NextArg()
	h.Recheck = new(Recheck)
	if err := parseDuration(helper.Dispenser, helper.Val(), &h.Recheck.Interval); err != nil {
		return err
	}
	if h.Recheck.Interval <= 0 {
		return helper.Errf("recheck's interval %s is not positive", helper.Val())
	}
	set, _, err := helper.MatcherToken()
	if err != nil {
		return helper.Errf("recheck: %v", err)
	}
	name := helper.Val()
	if !strings.HasPrefix(name, "@") {
		return helper.Errf("recheck takes a named matcher, as @office, and here is %q", name)
	}
	sets := []caddy.ModuleMap{set}
	if err := checkAskable(sets); err != nil {
		return helper.Errf("recheck %s: %v", name, err)
	}
	h.Recheck.MatcherSetsRaw = sets
	return nil
}

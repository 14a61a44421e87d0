// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/dustin/go-humanize"
)

// lifetimeOption takes one of the options that bound the life of a tunnel and
// are not just a duration.
func (h *Handler) lifetimeOption(d *caddyfile.Dispenser, option string) error {
	args := d.RemainingArgs()
	var err error
	switch {
	case option == "heartbeat" && (len(args) == 1 || len(args) == 2):
		if err = parseDuration(d, args[0], &h.Heartbeat); err == nil && len(args) == 2 {
			err = parseDuration(d, args[1], &h.HeartbeatTimeout)
		}
	case option == "max_lifetime" && (len(args) == 1 || len(args) == 2):
		if h.MaxLifetime = args[0]; len(args) == 2 {
			err = parseDuration(d, args[1], &h.MaxLifetimeJitter)
		}
	case option == "max_message" && len(args) == 1:
		size, parseErr := humanize.ParseBytes(args[0])
		if parseErr != nil || size == 0 || size > 1<<62 {
			return d.Errf("%q is not a size, as 64KiB or 1MB", args[0])
		}
		h.MaxMessage = int64(size)
	default:
		return d.Errf("wrong argument count for %s: write %s", option, map[string]string{
			"heartbeat":    "an interval and perhaps a timeout, as in heartbeat 30s 10s",
			"max_lifetime": "a time and perhaps a jitter, as in max_lifetime 1h 5m",
			"max_message":  "a size, as in max_message 1MiB",
		}[option])
	}
	return err
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import "github.com/caddy-wstunnel/caddy-wstunnel/internal/pool"

// originName is what the page knows an origin by: the handler's name and its own.
type originName [2]string

// originTotals is what an origin's tunnels came to, the open ones included.
type originTotals struct {
	opened  uint64
	traffic tunnelTraffic
}

// countOrigins counts what went to each origin, by the tunnels that have ended and
// those that were just counted, and shows those first that are down.
func (v *statusView) countOrigins(c *statusCount, known []pool.Status, seconds float64) {
	now := make(map[originName]originTotals, len(known))
	for _, s := range known {
		ended := tunnelTraffic{trafficCounts(s.Totals.ToOrigin), trafficCounts(s.Totals.ToClient)}
		now[originName{s.Name, s.Origin}] = originTotals{s.Totals.Opened, ended}
	}
	for t, n := range c.tunnels {
		name := originName{t.state.Key().Name, t.state.Name()}
		all := now[name]
		all.traffic.add(n)
		now[name] = all
	}
	before := c.origins
	c.origins = now
	for name, all := range now {
		// What a tunnel carried is missing for a moment while it ends. One that has
		// opened fewer was forgotten meanwhile, and is another.
		if all.opened >= before[name].opened {
			all.traffic = before[name].traffic.atLeast(all.traffic)
			now[name] = all
		}
	}
	o := &v.Origins
	o.Total, o.Shown = len(known), make([]statusOrigin, 0, min(len(known), maxStatusOrigins))
	for _, up := range []bool{false, true} {
		for _, s := range known {
			if s.Up != up {
				continue
			}
			if !up {
				o.Down++
			}
			if name := (originName{s.Name, s.Origin}); len(o.Shown) < maxStatusOrigins {
				o.Shown = append(o.Shown, originShown(s, before[name], now[name], seconds))
			}
		}
	}
}

func originShown(s pool.Status, before, now originTotals, seconds float64) statusOrigin {
	shown := statusOrigin{Name: s.Name, Origin: s.Origin, Up: s.Up, Tunnels: s.Tunnels, Opened: now.opened}
	shown.ToOrigin, shown.ToClient = now.traffic.toOrigin, now.traffic.toClient
	shown.PerSecond.Opened = rate(before.opened, now.opened, seconds)
	shown.PerSecond.ToOrigin = ratesOf(before.traffic.toOrigin, now.traffic.toOrigin, seconds)
	shown.PerSecond.ToClient = ratesOf(before.traffic.toClient, now.traffic.toClient, seconds)
	return shown
}

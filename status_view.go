// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import "time"

// statusView is what the page shows, and the JSON that it gets.
type statusView struct {
	Since    time.Time      `json:"since"`    // when the process began
	Interval float64        `json:"interval"` // of the history, in seconds
	Now      statusPoint    `json:"now"`
	Totals   statusTotals   `json:"totals"`
	Origins  statusOrigins  `json:"origins"`
	Tunnels  []statusTunnel `json:"tunnels"` // the busiest; now.open is how many there are
	Refused  []statusReason `json:"refused"`
	Ended    []statusReason `json:"ended"`
	Switches []statusSwitch `json:"switches,omitempty"`
	History  []statusPoint  `json:"history,omitempty"` // the oldest first, now the last

	round int
}

// statusPoint is how it was at one time. What is not a number of tunnels there were
// then is a rate, in a second since the point before.
type statusPoint struct {
	At       time.Time   `json:"at"`
	Open     int         `json:"open"`
	Draining int         `json:"draining"` // of those, have yet to be told to end by a drain
	Opened   float64     `json:"opened"`
	Ended    float64     `json:"ended"`
	Refused  float64     `json:"refused"`
	ToOrigin statusRates `json:"to_origin"`
	ToClient statusRates `json:"to_client"`
}

type statusRates struct {
	Bytes    float64 `json:"bytes"`
	Messages float64 `json:"messages"`
}

// statusTotals is what there was since the process began.
type statusTotals struct {
	Opened   uint64        `json:"opened"`
	Ended    uint64        `json:"ended"`
	Refused  uint64        `json:"refused"`
	ToOrigin trafficCounts `json:"to_origin"`
	ToClient trafficCounts `json:"to_client"`
}

// maxStatusOrigins is how many origins are shown: lookups can find any number.
const maxStatusOrigins = 200

type statusOrigins struct {
	Total int            `json:"total"`
	Down  int            `json:"down"`
	Shown []statusOrigin `json:"shown"` // those that are down first
}

type statusOrigin struct {
	Name    string `json:"name"` // of the handler
	Origin  string `json:"origin"`
	Up      bool   `json:"up"`
	Tunnels int    `json:"tunnels"` // handshakes under way included

	// Since the origin is known.
	Opened   uint64        `json:"opened"`
	ToOrigin trafficCounts `json:"to_origin"`
	ToClient trafficCounts `json:"to_client"`

	PerSecond struct {
		Opened   float64     `json:"opened"`
		ToOrigin statusRates `json:"to_origin"`
		ToClient statusRates `json:"to_client"`
	} `json:"per_second"`
}

// maxStatusTunnels is how many tunnels are shown.
const maxStatusTunnels = 50

type statusTunnel struct {
	tunnelInfo
	PerSecond struct {
		ToOrigin statusRates `json:"to_origin"`
		ToClient statusRates `json:"to_client"`
	} `json:"per_second"`
}

type statusReason struct {
	Name   string `json:"name"` // of the handler
	Reason string `json:"reason"`
	Total  uint64 `json:"total"`
}

type statusSwitch struct {
	Name string `json:"name"`
	switchSetting
}

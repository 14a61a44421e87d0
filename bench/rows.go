// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

// row is one line of the table: something that a measure finds out.
type row struct {
	key, label string
	unit       unit
	goals      []goal
}

// headlines are the rows that the chart shows, two in a line.
var headlines = []row{rowIdle, rowIdleTLS, rowIdleH2, rowIdleH3, rowSteady, rowEchoTLS, rowEchoLarge, rowStream, rowOpen, rowTail}

// unit is how a value is shown. Values themselves are bytes, seconds, or
// numbers.
type unit int

const (
	kilobytes    unit = iota // of 1024 bytes
	microseconds             // of processor time or of waiting
	milliseconds
	number
)

// goal is what ws_tunnel should reach: at most so much, or at most so much of
// what another proxy needs. It is shown, and nothing depends on it.
type goal struct {
	of   string // a proxy; "": absolute
	most float64
	row  string // of which of its rows; "": of the same
}

// The rows, in the order of the table.
var (
	rowIdle      = row{"idle", "memory per further idle ws:// tunnel", kilobytes, []goal{{most: 1.5 * 1024}, {of: haproxy, most: 1. / 3}}}
	rowIdleTLS   = row{"idle-tls", "memory per further idle wss:// tunnel", kilobytes, []goal{{of: haproxy, most: 1}}}
	rowIdleH2    = row{"idle-h2", "memory per further idle tunnel over HTTP/2", kilobytes, []goal{{of: stock, most: 1. / 3}}}
	rowIdleH3    = row{"idle-h3", "memory per further idle tunnel over HTTP/3", kilobytes, []goal{{of: stock, most: 1. / 3}}}
	rowEcho      = row{"echo", "CPU per 64 B echo, 200 tunnels at full speed", microseconds, []goal{{of: haproxy, most: 0.95}, {of: stock, most: 0.65}}}
	rowSteady    = row{"steady", "CPU per 64 B echo, 20,000 a second", microseconds, rowEcho.goals}
	rowEchoTLS   = row{"echo-tls", "CPU per 64 B echo over TLS, 50 tunnels", microseconds, []goal{{of: haproxy, most: 1.1}}}
	rowEchoLarge = row{"echo-large", "CPU per 64 KB echo, 20 tunnels", microseconds, []goal{{of: haproxy, most: 0.6}}}
	rowStream    = row{"stream", "CPU per GB streamed in 16 KB frames", milliseconds, []goal{{of: haproxy, most: 0.6}}}
	rowOpen      = row{"open", "CPU per tunnel opened, one echo, closed", microseconds, []goal{{of: stock, most: 0.5}}}
	rowMiddle    = row{"p50", "p50 of a 64 B echo, 5,000 a second", microseconds, nil}
	rowTail      = row{"p99", "p99 of a 64 B echo, 5,000 a second", microseconds, []goal{{of: haproxy, most: 1}}}
	rowCalm      = row{"calm", "CPU per 64 B echo, 5,000 a second", microseconds, nil}
	rowGrowth    = row{"growth", "CPU per echo, 8,000 tunnels against 100", number, []goal{{most: 1.2}}}
	rowFiles     = row{"descriptors", "descriptors per tunnel", number, []goal{{most: 2}}}
	rowQuiet     = row{"alone", "p99 of others, no tunnel at full speed", microseconds, nil}
	rowNoisy     = row{"beside", "p99 of others, one tunnel at full speed", microseconds, nil}
	rowStalled   = row{"stalled", "memory per tunnel whose client stops reading", kilobytes, nil}
	rowPatient   = row{"beside-stalled", "p99 of others beside 50 such tunnels", microseconds, nil}
	rowBeatIdle  = row{"heartbeat", "memory per further idle ws:// tunnel, heartbeat 5s", kilobytes, []goal{{of: ours, row: "idle", most: 1.1}}}
	rowBeatCost  = row{"heartbeat-cost", "CPU per Ping and its Pong", microseconds, nil}
	rowBeatEcho  = row{"heartbeat-echo", "CPU per 64 B echo, 20,000 a second, heartbeat 5s", microseconds, []goal{{of: ours, row: "steady", most: 1.1}}}
)

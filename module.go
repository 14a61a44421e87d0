// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package wstunnel makes Caddy a WebSocket gateway. Importing it registers
// these modules:
//
//   - caddy.listeners.proxy_header decodes the PROXY header that a load balancer
//     sends;
//   - http.matchers.websocket recognises WebSocket upgrades in every version of
//     HTTP, http.matchers.proxy_header what a PROXY header said,
//     http.matchers.time_window the time of day, and http.matchers.ws_switch the
//     operator's switches, which the app ws_switches reads from storage;
//   - http.handlers.ws_tunnel carries a WebSocket to an origin;
//   - http.handlers.ws_echo is an origin to try things on, and
//     http.handlers.ws_status a live page for a browser;
//   - admin.api.ws_tunnel lists and ends tunnels, turns switches and traces
//     requests, which the command ws-tunnel does with it.
//
// The config adapter apache runs the configuration of httpd as it stands, with the
// handler http.handlers.apache_vhost.
//
// It also switches on WebSockets over HTTP/2 in Go's server. Setting the
// environment variable CADDY_WS_TUNNEL_H2 to off leaves them off.
package wstunnel

import (
	// It must be imported by the package that everyone imports; see there.
	_ "github.com/caddy-wstunnel/caddy-wstunnel/internal/extendedconnect"
)

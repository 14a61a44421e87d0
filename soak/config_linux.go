// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
)

// site is where the gateway is to listen, and what it is to reach.
type site struct {
	admin, plain, secure string // addresses
	certificate          string // a file with its key
	storage              string // a directory
	origins              []string
}

// caddyfile is the gateway's config. Each generation has all of the handlers changed:
// what becomes of their tunnels then is up to on_reload.
func (s site) caddyfile(p plan, generation int) string {
	var handlers strings.Builder
	for _, h := range []struct {
		name    string
		options []string
	}{
		{steady, nil},
		{withHeartbeat, []string{fmt.Sprintf("heartbeat %s %s", p.heartbeat, p.pong)}},
		{withIdle, []string{fmt.Sprintf("idle_timeout %s", p.idle)}},
		{withLifetime, []string{fmt.Sprintf("max_lifetime %s", p.lifetime)}},
		{withMaximum, []string{fmt.Sprintf("max_message %d", maximum)}},
		{onDrain, []string{"on_reload drain", fmt.Sprintf("drain %s", p.drain)}},
		{onClose, []string{"on_reload close"}},
	} {
		var options strings.Builder
		for _, option := range h.options {
			options.WriteString("\t\t" + option + "\n")
		}
		fmt.Fprintf(&handlers, `	ws_tunnel /%[1]s/* %[2]s {
		name %[1]s
		lb_retries 3
		lb_slow_start 0s
		linger %[5]s
		header_up X-Soak-Generation %[3]d
		header_down X-Tunnel-Id {http.ws_tunnel.id}
%[4]s	}
`, h.name, strings.Join(s.origins, " "), generation, options.String(), p.linger)
	}
	return fmt.Sprintf(`{
	admin %s
	persist_config off
	auto_https off
	storage file_system %s
	grace_period 20s
}

(tunnels) {
	bind 127.0.0.1
%s}

http://%s {
	import tunnels
}

https://%s {
	tls %s %s
	import tunnels
}
`, s.admin, s.storage, handlers.String(), portOf(s.plain), portOf(s.secure), s.certificate, s.certificate)
}

// portOf is a site's name that stands for every host.
func portOf(address string) string { return address[strings.LastIndexByte(address, ':'):] }

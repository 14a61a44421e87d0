// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// tracedServer is a server, and whether it would get the request.
type tracedServer struct {
	*caddyhttp.Server
	name   string
	local  net.Addr // where the request would come in
	reason string   // why it does not; empty if it does
}

func (s tracedServer) path() string { return "apps/http/servers/" + s.name }

// serversFor are all servers. One at most gets the request: the first that
// listens on its port at the address it names, or else at all addresses, or else
// at any.
func serversFor(app *caddyhttp.App, q *traceRequest) []tracedServer {
	all := make([]tracedServer, 0, len(app.Servers))
	best, rank := -1, 0
	for _, name := range slices.Sorted(maps.Keys(app.Servers)) {
		s := tracedServer{Server: app.Servers[name], name: name}
		if found := s.listens(app, q); found > rank {
			best, rank = len(all), found
		}
		all = append(all, s)
	}
	for i := range all {
		if i != best && all[i].reason == "" {
			all[i].reason = fmt.Sprintf("%s listens there, too, and comes first", all[best].name)
		}
	}
	return all
}

// listens finds out how well an address of s fits: from 1 to 3, or 0 and the
// reason if none does.
func (s *tracedServer) listens(app *caddyhttp.App, q *traceRequest) (rank int) {
	port := inboundPort(app, q)
	s.reason = fmt.Sprintf("listens on %s, and not on port %d", strings.Join(s.Listen, " "), port)
	asked, _ := netip.ParseAddr(q.url.Hostname())
	for _, text := range s.Listen {
		address, err := caddy.ParseNetworkAddress(text)
		if err != nil || address.IsUnixNetwork() || address.IsFdNetwork() || !s.hasPort(address, port) {
			continue
		}
		if secure := len(s.TLSConnPolicies) > 0 && port != cmp.Or(app.HTTPPort, caddyhttp.DefaultHTTPPort); secure != q.secure {
			s.reason = fmt.Sprintf("speaks no TLS on port %d; what comes from a proxy that ends TLS is ws:// here", port)
			if secure {
				s.reason = fmt.Sprintf("speaks TLS on port %d, as in wss://", port)
			}
			continue
		}
		bound, err := netip.ParseAddr(address.Host)
		found := 1
		switch {
		case address.Host == "", err == nil && bound.IsUnspecified():
			found = 2
		case err == nil && bound == asked:
			found = 3
		case err == nil && asked.IsValid():
			s.reason = fmt.Sprintf("listens on %s only", text)
			continue
		}
		if found > rank {
			rank, s.local = found, &net.TCPAddr{IP: net.IP(bound.AsSlice()), Port: port}
		}
	}
	if rank > 0 {
		s.reason = ""
	}
	return rank
}

// hasPort tells whether an address of s covers a port, or the system has chosen
// it.
func (s *tracedServer) hasPort(address caddy.NetworkAddress, port int) bool {
	if address.StartPort != 0 {
		return int(address.StartPort) <= port && port <= int(address.EndPort)
	}
	return slices.ContainsFunc(s.Listeners(), func(ln net.Listener) bool {
		bound, ok := ln.Addr().(*net.TCPAddr)
		return ok && bound.Port == port
	})
}

// inboundPort is the port that a request comes in on; without one in its URL it is
// what the config has for its scheme.
func inboundPort(app *caddyhttp.App, q *traceRequest) int {
	if port, err := strconv.Atoi(q.url.Port()); err == nil {
		return port
	}
	if q.secure {
		return cmp.Or(app.HTTPSPort, caddyhttp.DefaultHTTPSPort)
	}
	return cmp.Or(app.HTTPPort, caddyhttp.DefaultHTTPPort)
}

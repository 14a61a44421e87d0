// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// origin is where a tunnel goes: what is dialled, and whether TLS is spoken
// there.
type origin struct {
	network string // tcp or unix; tcp4 or tcp6 if a lookup says so
	host    string // without port, or a socket's path
	port    string
	tls     bool
	by      filler
}

// originSchemes are the schemes an origin can be written with, and their port.
// WebSocket has its own, and people know a server by HTTP's.
var originSchemes = map[string]struct {
	port string
	tls  bool
}{
	"ws":    {"80", false},
	"http":  {"80", false},
	"wss":   {"443", true},
	"https": {"443", true},
}

// parseOrigin reads an origin as a config has it: a URL with one of the
// schemes above, host:port, or unix//path. Whether TLS is spoken follows from
// the scheme; tlsConfigured decides where there is none.
func parseOrigin(s string, tlsConfigured bool) (origin, error) {
	if path, ok := strings.CutPrefix(s, "unix/"); ok {
		if path == "" {
			return origin{}, errors.New("a Unix socket needs a path, as in unix//run/app.sock")
		}
		return origin{network: "unix", host: path, tls: tlsConfigured}, nil
	}
	o := origin{network: "tcp", tls: tlsConfigured}
	hostport := s
	if scheme, rest, ok := strings.Cut(s, "://"); ok {
		known, ok := originSchemes[strings.ToLower(scheme)]
		if !ok {
			return origin{}, fmt.Errorf("unknown scheme %q: use ws, wss, http, https, host:port or unix//path", scheme)
		}
		if tlsConfigured && !known.tls {
			return origin{}, fmt.Errorf("scheme %q is without TLS, yet tls is configured: use wss", scheme)
		}
		o.tls, o.port = known.tls, known.port
		hostport = rest
	}
	hostport, path, _ := strings.Cut(hostport, "/")
	if path != "" || strings.ContainsAny(hostport, "?#@") {
		return origin{}, errors.New("an origin has no path, query or user; to change the path put `rewrite` or `uri` before ws_tunnel")
	}
	host, port, err := net.SplitHostPort(hostport)
	switch {
	case err == nil:
		o.host, o.port = host, port
	case o.port == "":
		return origin{}, noPort(hostport)
	default:
		o.host = strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
	}
	if o.host == "" {
		return origin{}, errors.New("a host is missing, as in localhost:8000")
	}
	return o, checkPort(o.port)
}

// noPort says what is meant where no port is found.
func noPort(hostport string) error {
	scheme, rest, _ := strings.Cut(hostport, ":")
	switch _, known := originSchemes[strings.ToLower(scheme)]; {
	case strings.Contains(hostport, ","):
		return errors.New("several origins are separated by spaces")
	case known && rest != "":
		return fmt.Errorf("after the scheme %q there is no //, as in %s://%s", scheme, scheme, rest)
	case strings.Contains(rest, ":"):
		return errors.New("an IPv6 address stands in brackets, as in [::1]:8000")
	}
	return errors.New("a port is missing, as in localhost:8000; with a scheme, ws:// or wss://, it has a default")
}

func checkPort(port string) error {
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("port %q is not a number from 1 to 65535", port)
	}
	return nil
}

// address is what to dial.
func (o origin) address() string {
	if o.network == "unix" {
		return o.host
	}
	return net.JoinHostPort(o.host, o.port)
}

// String is the address as a log has it.
func (o origin) String() string {
	scheme := "ws"
	if o.tls {
		scheme = "wss"
	}
	if o.network == "unix" {
		return "unix/" + o.host
	}
	return scheme + "://" + o.address()
}

// scheme is HTTP's name of what is spoken to the origin, for an Origin field.
func (o origin) scheme() string {
	if o.tls {
		return "https"
	}
	return "http"
}

// hasPlaceholder tells whether s is complete only at a request.
func hasPlaceholder(s string) bool { return strings.Contains(s, "{") }

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"net"
	"strings"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// haproxyFrontend is what examples/haproxy-frontend.caddyfile replaces, with
// reqadd, which newer versions do not have, written as they want it.
const haproxyFrontend = `
global
	stats timeout 30s
	maxconn 1024
defaults
	log global
	mode http
	timeout connect 5000
	timeout client 50000
	timeout server 50000
frontend device
	mode http
	bind 127.0.0.1:FRONT ssl crt BOTH
	http-request add-header X-Forwarded-Proto https
	acl is_websocket hdr(Upgrade) -i WebSocket
	acl is_websocket hdr_beg(Host) -i ws
	use_backend backend-ws if is_websocket
	default_backend backend
backend backend
	mode http
	server srv-1 127.0.0.1:BACK check
backend backend-ws
	mode http
	server srv-1 127.0.0.1:BACK check send-proxy
`

// TestHAProxyExample has HAProxy and the example that replaces it answer the
// same probes.
func TestHAProxyExample(t *testing.T) {
	webSocketInCapitals := strings.Replace(wstest.Upgrade, "websocket", "WebSocket", 1)
	for _, server := range []struct {
		name  string
		start func(t *testing.T, back string) (port string)
	}{{"HAProxy", startHAProxyFrontend}, {"the example", startHAProxyExample}} {
		t.Run(server.name, func(t *testing.T) {
			origin := wstest.NewOrigin(t)
			port := server.start(t, origin.Port)
			for _, probe := range []struct {
				name, host, fields string
				proxied            bool
			}{
				{"WebSocket", "device.example.com", wstest.Upgrade, true},
				{"Upgrade in another case", "device.example.com", webSocketInCapitals, true},
				{"Host ws", "ws.example.com", wstest.Plain, true},
				{"Host in another case", "WS.example.com", wstest.Plain, true},
				{"both", "ws.example.com", wstest.Upgrade, true},
				{"neither", "device.example.com", wstest.Plain, false},
			} {
				a := ask(t, port, trusting("device.example.com"), probe.host, "/a", probe.fields)
				if probe.fields == wstest.Plain {
					if a.Text != "origin" {
						t.Errorf("%s: %s: %s", probe.name, a.Status, a.Text)
					}
				} else {
					a.Echoes(t, "hello")
				}
				asked := origin.Next(t)
				if proxied := strings.HasPrefix(asked.Proxy, "PROXY TCP4 127.0.0.1 "); proxied != probe.proxied || !proxied && asked.Proxy != "" {
					t.Errorf("%s: the origin was sent %q", probe.name, asked.Proxy)
				}
				_, from, _ := net.SplitHostPort(a.Conn.LocalAddr().String())
				if a.StatusCode == 101 && asked.Proxy != "PROXY TCP4 127.0.0.1 127.0.0.1 "+from+" "+port {
					t.Errorf("%s from port %s: the origin was sent %q", probe.name, from, asked.Proxy)
				}
				if asked.Host != probe.host || asked.RequestURI != "/a" || asked.Header.Get("X-Forwarded-Proto") != "https" {
					t.Errorf("%s: the origin saw %s%s, %v", probe.name, asked.Host, asked.RequestURI, asked.Header)
				}
			}
		})
	}
}

func startHAProxyFrontend(t *testing.T, back string) (port string) {
	t.Helper()
	_, _, both := certificate(t)
	port = wstest.FreePort(t)
	startHAProxy(t, haproxyFrontend, map[string]string{"FRONT": port, "BACK": back, "BOTH": both})
	return port
}

func startHAProxyExample(t *testing.T, back string) (port string) {
	t.Helper()
	// The example's own application would listen where the test's does.
	ports := map[string]string{"8180": wstest.FreePort(t)}
	gateway := startExampleWith(t, "haproxy-frontend", ports, func(text string) string {
		return strings.ReplaceAll(text, " localhost:"+ports["8180"]+" {", " localhost:"+back+" {")
	})
	gateway.listens(t, ports["8543"], trusting("device.example.com"))
	return ports["8543"]
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"strings"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// TestCloudflareExample does what the example's comments say, with wscat.
func TestCloudflareExample(t *testing.T) {
	ports := make(map[string]string)
	gateway := startExample(t, "cloudflare-origin-rules", ports)
	gateway.listens(t, ports["8443"], trusting("localhost"))
	url := "wss://localhost:" + ports["8443"]

	if said := wscat(t, "--no-check", "--connect", url).wait(t); !strings.Contains(said, "Unexpected server response: 502") {
		t.Errorf("without an origin, wscat said %q", said)
	}

	origin := wscat(t, "--listen", ports["8000"])
	origin.listens(t, ports["8000"], nil)
	client := wscat(t, "--no-check", "--connect", url, "--execute", "hello websocket", "--wait", "1")
	origin.says(t, "hello websocket")
	client.wait(t)

	for _, path := range []string{"/port", "/host", "/sni", "/all"} {
		said := wscat(t, "--no-check", "--connect", url+path, "--execute", "hello "+path, "--wait", "1").wait(t)
		for _, want := range []string{`"uri":"` + path + `"`, "hello " + path} {
			if !strings.Contains(said, want) {
				t.Errorf("on %s wscat said %q, without %s", path, said, want)
			}
		}
	}
	if site := ask(t, ports["8443"], trusting("localhost"), "localhost", "/page", wstest.Plain); site.Text != "The site, asked for localhost/page\n" {
		t.Errorf("%q", site.Text)
	}
}

// TestCloudflareExampleTimesOut has wscat see 504 where an origin takes no
// connections and refuses none: its backlog is full.
func TestCloudflareExampleTimesOut(t *testing.T) {
	ports := map[string]string{"8000": fullPort(t)}
	gateway := startExample(t, "cloudflare-origin-rules", ports)
	gateway.listens(t, ports["8443"], trusting("localhost"))
	said := wscat(t, "--no-check", "--connect", "wss://localhost:"+ports["8443"]).wait(t)
	if !strings.Contains(said, "Unexpected server response: 504") {
		t.Errorf("wscat said %q", said)
	}
}

// TestELBExample has HAProxy in TCP mode send the header, in both versions, to
// both of the example's listeners.
func TestELBExample(t *testing.T) {
	for _, test := range []struct {
		name, server, port string
		tls                bool
	}{
		{"version 1", "send-proxy", "8888", false},
		{"version 2", "send-proxy-v2 check-send-proxy", "8888", false},
		{"version 1, TLS", "send-proxy", "8443", true},
		{"version 2, TLS", "send-proxy-v2 check-send-proxy", "8443", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			ports := make(map[string]string)
			gateway := startExample(t, "aws-elb-proxy-protocol", ports)
			gateway.listens(t, ports["8000"], nil)
			front := wstest.FreePort(t)
			balancer := startHAProxy(t, haproxyELB, map[string]string{
				"FRONT": front, "BACK": ports[test.port], "BIND": "", "SERVER": test.server,
			})
			config, scheme := trusting("localhost"), "wss"
			if !test.tls {
				config, scheme = nil, "ws"
			}
			balancer.listens(t, front, config)

			tunnel := ask(t, front, config, "localhost", "/", wstest.Upgrade)
			saw := tunnel.Saw(t)
			client := tunnel.Conn.LocalAddr().String()
			if saw.ProxyHeader["version"] != "1" || saw.ProxyHeader["source"] != client || saw.ProxyHeader["destination"] != "127.0.0.1:"+front {
				t.Errorf("client %s came to port %s, and the echo server saw %v", client, front, saw.ProxyHeader)
			}
			tunnel.Echoes(t, "Hello")

			said := wscat(t, "--no-check", "--connect", scheme+"://localhost:"+front, "--execute", "Quit", "--wait", "1").wait(t)
			if !strings.Contains(said, "Quit") || !strings.Contains(said, `"proxy_header"`) {
				t.Errorf("wscat said %q", said)
			}
		})
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

func exampleHAProxy(t *testing.T, file string) {
	origin := wstest.NewOrigin(t)
	s := exRun(t, file, map[string]string{"8180": origin.Address})
	for _, test := range []struct {
		name, host, fields string
		proxied            bool
	}{
		{"WebSocket", "device.example.com", wstest.Upgrade, true},
		{"Upgrade in any case", "device.example.com", strings.Replace(wstest.Upgrade, "websocket", "WebSocket", 1), true},
		{"Host ws", "ws.example.com", wstest.Plain, true},
		{"both", "ws.example.com", wstest.Upgrade, true},
		{"neither", "device.example.com", wstest.Plain, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := s.ask(t, exAsk{port: "8543", tls: true, host: test.host, path: "/a", fields: test.fields})
			if strings.Contains(test.fields, "Key") {
				answer.Echoes(t, "hello")
			} else if answer.Text != "origin" {
				t.Errorf("%s: %s", answer.Status, answer.Text)
			}
			asked := origin.Next(t)
			proxied := ""
			if answer.StatusCode == http.StatusSwitchingProtocols {
				_, from, _ := net.SplitHostPort(answer.Conn.LocalAddr().String())
				_, to, _ := net.SplitHostPort(answer.Conn.RemoteAddr().String())
				proxied = "PROXY TCP4 127.0.0.1 127.0.0.1 " + from + " " + to
			} else if test.proxied {
				proxied = "PROXY TCP4 127.0.0.1 0.0.0.0 0 0" // all that reverse_proxy tells
			}
			if asked.Proxy != proxied {
				t.Errorf("origin was sent %q, want %q", asked.Proxy, proxied)
			}
			if asked.Host != test.host+":8543" || asked.Header.Get("X-Forwarded-Proto") != "https" {
				t.Errorf("origin saw %s, %v", asked.Host, asked.Header)
			}
		})
	}
}

// TestExampleHAProxyApplication has the application of the example itself take
// both kinds of connections on one port.
func TestExampleHAProxyApplication(t *testing.T) {
	s := exRun(t, "examples/haproxy-frontend.caddyfile", nil)
	tunnel := s.ask(t, exAsk{port: "8543", tls: true, host: "localhost", path: "/", fields: wstest.Upgrade})
	if saw := tunnel.Saw(t); saw.ProxyHeader["source"] != tunnel.Conn.LocalAddr().String() {
		t.Errorf("the application saw %v", saw.ProxyHeader)
	}
	plain := s.ask(t, exAsk{port: "8543", tls: true, host: "device.example.com", path: "/", fields: wstest.Plain})
	if plain.Text != "device.example.com from \n" {
		t.Errorf("%q", plain.Text)
	}
	ws := s.ask(t, exAsk{port: "8543", tls: true, host: "ws.example.com", path: "/", fields: wstest.Plain})
	if ws.Text != "ws.example.com from 127.0.0.1\n" {
		t.Errorf("%q", ws.Text)
	}
}

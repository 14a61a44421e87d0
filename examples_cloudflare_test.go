// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

func exampleCloudflare(t *testing.T, file string) {
	origin := wstest.NewOrigin(t)
	s := exRun(t, file, map[string]string{"8000": origin.Address})
	ask := func(path, fields string) wstest.Answer {
		t.Helper()
		return s.ask(t, exAsk{port: "8443", tls: true, host: "wscat.example.com", path: path, fields: fields})
	}

	t.Run("the rest stays", func(t *testing.T) {
		if got := ask("/page", wstest.Plain).Text; got != "The site, asked for wscat.example.com/page\n" {
			t.Errorf("%q", got)
		}
		version12 := strings.Replace(wstest.Upgrade, "13", "12", 1)
		if got := ask("/", version12+wstest.Plain).Text; got != "The site, asked for wscat.example.com/\n" {
			t.Errorf("the rule wants version 13, and of 12 %q came", got)
		}
	})
	t.Run("address", func(t *testing.T) {
		for _, fields := range []string{
			wstest.Upgrade,
			strings.Replace(strings.Replace(wstest.Upgrade, "Upgrade\r\n", "keep-alive, upgrade\r\n", 1), "websocket", "WebSocket", 1),
		} {
			ask("/chat?room=1", fields).Echoes(t, "hello websocket")
			asked := origin.Next(t)
			if asked.Host != "wscat.example.com:8443" || asked.RequestURI != "/chat?room=1" ||
				asked.Header.Get("X-Forwarded-Proto") != "https" || asked.Header.Get("X-Forwarded-For") != "127.0.0.1" {
				t.Errorf("origin saw %s%s, %v", asked.Host, asked.RequestURI, asked.Header)
			}
		}
	})
	for _, test := range []struct{ override, host, serverName string }{
		{"port", "wscat.example.com:8443", ""},
		{"host", "resolve.example.com", ""},
		{"sni", "wscat.example.com:8443", "resolve.example.com"},
		{"all", "app.example.com", "resolve.example.com"},
	} {
		t.Run(test.override, func(t *testing.T) {
			tunnel := ask("/"+test.override, wstest.Upgrade)
			if saw := tunnel.Saw(t); saw.Host != test.host || saw.ServerName != test.serverName {
				t.Errorf("origin saw Host %q, SNI %q", saw.Host, saw.ServerName)
			}
			tunnel.Echoes(t, "hello websocket")
		})
	}
}

// TestExampleCloudflareWithoutOrigin is the other half of what the example
// claims: where Cloudflare says 522, there is 502 or 504.
func TestExampleCloudflareWithoutOrigin(t *testing.T) {
	impatient := func(config any) {
		exWalk(config, func(object map[string]any) {
			if object["handler"] == "ws_tunnel" {
				object["handshake_timeout"] = "100ms"
			}
		})
	}
	for _, test := range []struct {
		name, origin string
		status       int
	}{
		{"nobody listens", "unix/" + filepath.Join(t.TempDir(), "nobody"), http.StatusBadGateway},
		{"nobody answers", wstest.Listen(t).Addr().String(), http.StatusGatewayTimeout},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := exRun(t, "examples/cloudflare-origin-rules.caddyfile", map[string]string{"8000": test.origin}, impatient)
			answer := s.ask(t, exAsk{port: "8443", tls: true, host: "localhost", path: "/", fields: wstest.Upgrade})
			if answer.StatusCode != test.status {
				t.Errorf("%s", answer.Status)
			}
			if site := s.ask(t, exAsk{port: "8443", tls: true, host: "localhost", path: "/", fields: wstest.Plain}); site.StatusCode != http.StatusOK {
				t.Errorf("the site: %s", site.Status)
			}
		})
	}
}

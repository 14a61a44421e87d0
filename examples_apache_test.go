// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

func exampleApache(t *testing.T, file string) {
	var now atomic.Pointer[time.Time]
	clock := windowClock
	t.Cleanup(func() { windowClock = clock })
	windowClock = func() time.Time { return *now.Load() }

	chat, site := wstest.NewOrigin(t), wstest.NewOrigin(t)
	s := exRun(t, file, map[string]string{"8080": chat.Address, "3000": site.Address})
	const (
		password  = "Authorization: Basic dXNlcm5hbWU6b3Blbi1zZXNhbWU=\r\n"
		wrong     = "Authorization: Basic dXNlcm5hbWU6c2VzYW1l\r\n"
		trusted   = "Origin: https://trustedsite.com\r\n"
		foreign   = "Origin: https://trustedsite.com.evil.example\r\n"
		lan       = "X-Forwarded-For: 192.168.1.77\r\n"
		office    = "X-Forwarded-For: 10.9.8.7, 203.0.113.9\r\n"
		elsewhere = "X-Forwarded-For: 203.0.113.9, 192.168.2.1\r\n"
	)
	for _, test := range []struct {
		name, path, fields, clock string
		origin                    *wstest.Origin // nil: not asked
		status                    int
		uri                       string // that the origin saw
	}{
		{"tunnel", "/ws/room?n=1", wstest.Upgrade, "12:00", chat, 101, "/room?n=1"},
		{"not a WebSocket", "/ws/room", wstest.Plain, "12:00", chat, 200, "/room"},
		{"the rest", "/index.html", wstest.Plain, "12:00", site, 200, "/index.html"},
		{"hours, opening", "/hours/a", wstest.Upgrade, "09:00", chat, 101, "/a"},
		{"hours, before", "/hours/a", wstest.Plain, "08:59", site, 200, "/hours/a"},
		{"hours, closing", "/hours/a", wstest.Upgrade, "17:59", chat, 101, "/a"},
		{"hours, after", "/hours/a", wstest.Plain, "18:00", site, 200, "/hours/a"},
		{"address, no", "/lan/a", wstest.Upgrade, "12:00", nil, 403, ""},
		{"address, one", "/lan/a", wstest.Upgrade + lan, "12:00", chat, 101, "/a"},
		{"address, another", "/lan/a", wstest.Upgrade + office, "12:00", chat, 101, "/a"},
		{"address, claimed", "/lan/a", wstest.Upgrade + elsewhere, "12:00", nil, 403, ""},
		{"no password", "/members/a", wstest.Upgrade, "12:00", nil, 401, ""},
		{"wrong password", "/members/a", wstest.Upgrade + wrong, "12:00", nil, 401, ""},
		{"password", "/members/a", wstest.Upgrade + password, "12:00", chat, 101, "/a"},
		{"no Origin", "/page/a", wstest.Upgrade, "12:00", nil, 403, ""},
		{"foreign Origin", "/page/a", wstest.Upgrade + foreign, "12:00", nil, 403, ""},
		{"trusted Origin", "/page/a", wstest.Upgrade + trusted, "12:00", chat, 101, "/a"},
	} {
		t.Run(test.name, func(t *testing.T) {
			at, err := time.ParseInLocation("15:04", test.clock, time.Local)
			if err != nil {
				t.Fatal(err)
			}
			now.Store(&at)
			answer := s.ask(t, exAsk{port: "8443", tls: true, host: "chat.example.com", path: test.path, fields: test.fields})
			if answer.StatusCode != test.status {
				t.Errorf("%s: %s", answer.Status, answer.Text)
			}
			if realm := answer.Header.Get("WWW-Authenticate"); test.status == 401 && realm != `Basic realm="Restricted Access"` {
				t.Errorf("WWW-Authenticate: %s", realm)
			}
			if test.status == 101 {
				answer.Echoes(t, "hello")
			}
			if test.origin == nil {
				if len(chat.Asked)+len(site.Asked) > 0 {
					t.Error("an origin was asked")
				}
				return
			}
			if asked := test.origin.Next(t); asked.RequestURI != test.uri || !strings.HasPrefix(asked.Host, "localhost:") {
				t.Errorf("origin saw %s%s", asked.Host, asked.RequestURI)
			}
		})
	}
	t.Run("origin with TLS", func(t *testing.T) {
		tunnel := s.ask(t, exAsk{port: "8443", tls: true, host: "chat.example.com", path: "/wss/a", fields: wstest.Upgrade})
		if saw := tunnel.Saw(t); saw.URI != "/a" || saw.ServerName != "localhost" || saw.Host != "localhost:8081" {
			t.Errorf("origin saw %s%s, SNI %s", saw.Host, saw.URI, saw.ServerName)
		}
	})
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/frame"
)

func TestParseLifetime(t *testing.T) {
	now := time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"90s":                                    90 * time.Second,
		"1d":                                     24 * time.Hour,
		"2026-11-22T21:00:00Z":                   time.Hour,
		"2026-11-22T21:00:00+09:00":              -8 * time.Hour,
		strconv.FormatInt(now.Unix()+60, 10):     time.Minute,
		strconv.FormatInt(now.Unix()-60, 10):     -time.Minute,
		strconv.FormatInt(now.Unix(), 10) + ".5": 500 * time.Millisecond,
		"1.79537e9":                              time.Unix(1795370000, 0).Sub(now),
	} {
		if got, err := parseLifetime(text, now); got != want || err != nil {
			t.Errorf("%q: %v (%v), want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "60", "0s", "-1m", "tomorrow", "99999999999999", "NaN", "Inf"} {
		if got, err := parseLifetime(text, now); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// A sender that is too fast waits, and loses nothing.
func TestRates(t *testing.T) {
	g := startGateway(t, false, "", "ws_tunnel "+echoOrigin(t)+" {\nmessage_rate to_origin 2 20ms\nbyte_rate to_client 1KiB 10ms\n}")
	p := g.open()
	var messages string
	for i := range 8 {
		messages += textFrame(strings.Repeat(strconv.Itoa(i), 100))
	}
	p.send(messages)
	p.expect(messages)
	p.Close()
	if r := g.expectEnd("client_gone", "client"); r["engine"] != "pump" {
		t.Errorf("engine %v", r["engine"])
	}
}

// Each end that an option causes has its reason and its close code, whatever
// carries the client.
func TestLifetimeOptions(t *testing.T) {
	silent := startOrigin(t, nil, func(p *peer) {
		p.send(answer(p.readHead(), ""))
		_, _ = io.Copy(io.Discard, p.r)
	})
	echo := echoOrigin(t)
	tests := []struct {
		name, directive, header string
		send                    string
		code                    int
		reason, side            string
	}{
		{"lifetime", "ws_tunnel " + echo + " {\nmax_lifetime 20ms\n}", "", "", 1001, "max_lifetime", "gateway"},
		{"time", "ws_tunnel " + echo + " {\nmax_lifetime {header.X-Until}\n}", "X-Until: SOON\r\n", "", 1001, "max_lifetime", "gateway"},
		{"idle", "ws_tunnel " + echo + " {\nidle_timeout 20ms\n}", "", "", 1001, "idle_timeout", "gateway"},
		{"idle beside a heartbeat", "ws_tunnel " + silent + " {\nidle_timeout 50ms\nheartbeat 30ms 1m\n}", "", "", 1001, "idle_timeout", "gateway"},
		{"dead client", "ws_tunnel " + echo + " {\nheartbeat 20ms 20ms\n}", "", "", 1001, "heartbeat_timeout", "client"},
		{"large message", "ws_tunnel " + silent + " {\nmax_message 5B\n}", "", "\x81\x86\x00\x00\x00\x00hello!", 1009, "message_too_big", "client"},
	}
	for _, test := range tests {
		for _, withTLS := range []bool{false, true} {
			t.Run(test.name+" TLS "+strconv.FormatBool(withTLS), func(t *testing.T) {
				g := startGateway(t, withTLS, "skip_install_trust", test.directive)
				p := g.dial()
				soon := time.Now().Add(2 * time.Second).Format(time.RFC3339)
				p.send(handshakeOf("/ws", strings.ReplaceAll(test.header, "SOON", soon)))
				p.readHead()
				p.send(test.send)
				f, err := frame.Read(p.r, 125)
				for err == nil && f.Opcode == frame.Ping { // which this client does not answer
					f, err = frame.Read(p.r, 125)
				}
				if err != nil || f.Opcode != frame.Close || int(f.Payload[0])<<8|int(f.Payload[1]) != test.code {
					t.Errorf("got %+v (%v), want a Close with %d", f, err, test.code)
				}
				p.Close()
				g.expectEnd(test.reason, test.side)
			})
		}
	}
}

func TestLifetimeRefusals(t *testing.T) {
	g := startGateway(t, false, "", "ws_tunnel "+echoOrigin(t)+" {\nmax_lifetime {header.X-Until}\n}")
	for value, reason := range map[string]string{"": "bad_lifetime", "soon": "bad_lifetime", "2020-01-01T00:00:00Z": "expired", "1600000000": "expired"} {
		p := g.dial()
		p.send(handshakeOf("/ws", "X-Until: "+value+"\r\n"))
		if resp := p.readAnswer(); resp.StatusCode != 403 {
			t.Errorf("%q: answered %d", value, resp.StatusCode)
		}
		g.expectRefusal(reason)
	}
}

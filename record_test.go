// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"strings"
	"testing"
)

// A record says who the client claims to be and who sends that, and what both sides
// were answered with.
func TestRecordOfPeerAndStatuses(t *testing.T) {
	const header = "PROXY TCP4 203.0.113.7 192.0.2.1 4711 80\r\n"
	g := startGateway(t, false, "servers {\nlistener_wrappers {\nproxy_header {\noptional 127.0.0.0/8\n}\n}\ntrusted_proxies static 203.0.113.0/24\n}",
		"ws_tunnel "+echoOrigin(t))
	c := g.dial()
	peer := c.LocalAddr().String()
	c.send(header + handshakeOf("/ws", "X-Forwarded-For: 198.51.100.9\r\n"))
	c.readHead()
	opened := g.await("tunnel opened")
	liveTunnels(t, 1)
	if got := listed(t, "").Tunnels; len(got) != 1 || got[0].Peer != peer {
		t.Errorf("%+v, want the peer %s", got, peer)
	}
	c.Close()
	for _, r := range []record{opened, g.expectEnd("client_gone", "client")} {
		if r["client_ip"] != "198.51.100.9" || r["remote_addr"] != "203.0.113.7:4711" || r["peer"] != peer || r["status"] != 101.0 || r["origin_status"] != 101.0 || r["name"] == nil {
			t.Errorf("%v", r)
		}
		steps := r["handshake"].(map[string]any)
		if send, _ := steps["send"].(float64); send < 0 || steps["send"] == nil || steps["wait"] == nil {
			t.Errorf("%v", steps)
		}
	}
}

// Without proxy_header the connection's other end is remote_addr, and said once.
// HTTP/2 has a status of its own.
func TestRecordOfStream(t *testing.T) {
	g := startGateway(t, true, "", "ws_tunnel "+echoOrigin(t))
	p := g.openVersion("HTTP/2.0")
	liveTunnels(t, 1)
	p.send(closeFrame(1000))
	if r := g.expectEnd("client_closed", "client"); r["status"] != 200.0 || r["origin_status"] != 101.0 || r["peer"] != nil {
		t.Errorf("%v", r)
	}
}

// A refusal tells what the origin answered from what the client got.
func TestRecordOfRefusal(t *testing.T) {
	for answer, want := range map[string][3]any{
		"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n":                             {"origin_refused", 404.0, 404.0},
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n": {"bad_upgrade", 502.0, 101.0},
		"nonsense\r\n\r\n": {"origin_malformed", 502.0, nil},
	} {
		g := startGateway(t, false, "", "ws_tunnel "+startOrigin(t, nil, verbatim(answer)))
		c := g.dial()
		c.send(handshakeOf("/ws", ""))
		c.readAnswer()
		if r := g.expectRefusal(want[0].(string)); r["status"] != want[1] || r["origin_status"] != want[2] {
			t.Errorf("%q: %v", strings.TrimSpace(answer), r)
		}
	}
}

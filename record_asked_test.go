// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"net"
	"testing"
)

// Records, and filters of tunnels, go by what the client asked for, whatever comes
// before ws_tunnel has made of it.
func TestRecordsOfRewrittenRequests(t *testing.T) {
	const asked = "/chat/room"
	for name, start := range map[string]func(t *testing.T) (address string){
		"handle_path": func(t *testing.T) string {
			return startGateway(t, false, "", "handle_path /chat/* {\nws_tunnel "+echoOrigin(t)+"\n}").address
		},
		"apache_vhost": func(t *testing.T) string { return startVhost(t).address },
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", start(t))
			if err != nil {
				t.Fatal(err)
			}
			p := newPeer(t, conn)
			p.send(handshakeOf(asked, ""))
			p.readHead()
			liveTunnels(t, 1)
			list := listed(t, "host=site.test&path=/chat/")
			if list.Total != 1 || list.Tunnels[0].Path != asked || list.Tunnels[0].Host != "site.test" {
				t.Errorf("%+v", list)
			}
			p.Close()
			nothingLeft(t)
		})
	}
}

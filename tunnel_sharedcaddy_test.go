// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import "testing"

// Another Caddy opens tunnels over HTTP/2, and its records say so.
func TestSharedWithCaddy(t *testing.T) {
	g := startGateway(t, true, "skip_install_trust", "handle /ws {\nrewrite /back\n"+
		"ws_tunnel wss://127.0.0.1:{http.request.local.port} {\nname front\nversions h2\nsni site.test\ntls {\ntls_insecure_skip_verify\n}\n}\n}\n"+
		"ws_tunnel /back "+echoOrigin(t)+" {\nname back\n}")
	p := g.open()
	p.send(textFrame("through both"))
	p.expect(textFrame("through both"))
	p.send(closeFrame(1000))
	p.expect(closeFrame(1000))
	p.Close()
	for range 2 {
		r := g.await("tunnel ended")
		if r["name"] == "back" && r["proto"] != "HTTP/2.0" {
			t.Errorf("asked over %v", r["proto"])
		}
		if r["reason"] != "client_closed" {
			t.Errorf("%v ended as %v", r["name"], r["reason"])
		}
	}
}

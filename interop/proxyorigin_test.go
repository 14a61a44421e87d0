// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"strings"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// headerForms are the PROXY headers that the gateway can send.
var headerForms = []struct{ name, config string }{
	{"version 1", "proxy_protocol v1"},
	{"version 2", "proxy_protocol v2"},
	{"version 2 with checksum", "proxy_protocol v2 {\n\t\t\ttlv crc32c\n\t\t}"},
	{"version 2 with everything", `proxy_protocol v2 {
			tlv authority
			tlv alpn
			tlv ssl
			tlv unique_id
			tlv netns blue
			tlv 0xE0 ours
			tlv crc32c
		}`},
}

// TestOriginsAcceptHeaders has real programs accept the PROXY headers that the
// gateway sends, and say what they make of them.
func TestOriginsAcceptHeaders(t *testing.T) {
	const haproxy = `
defaults
	mode http
	timeout connect 5s
	timeout client 30s
	timeout server 30s
frontend in
	bind 127.0.0.1:FRONT accept-proxy
	http-request set-header X-Source %[src]:%[src_port]
	http-request set-header X-Destination %[dst]:%[dst_port]
	http-request set-header X-Authority %[fc_pp_authority]
	http-request set-header X-Unique %[fc_pp_unique_id]
	default_backend out
backend out
	server origin 127.0.0.1:BACK
`
	const nginxHTTP = `
http {
	access_log off;
	server {
		listen 127.0.0.1:FRONT proxy_protocol;
		location / {
			proxy_pass http://127.0.0.1:BACK;
			proxy_http_version 1.1;
			proxy_set_header Connection upgrade;
			proxy_set_header Upgrade websocket;
			proxy_set_header X-Source $proxy_protocol_addr:$proxy_protocol_port;
			proxy_set_header X-Destination $proxy_protocol_server_addr:$proxy_protocol_server_port;
		}
	}
}
`
	// nginx gives on what it understood in a header of its own.
	const nginxStream = `
stream {
	server {
		listen 127.0.0.1:FRONT proxy_protocol;
		proxy_pass 127.0.0.1:BACK;
		proxy_protocol on;
		set_real_ip_from 127.0.0.1;
	}
}
`
	for _, peer := range []struct {
		name  string
		forms int // how many of headerForms it takes
		start func(t *testing.T, front, back string)
	}{
		{"HAProxy", len(headerForms), func(t *testing.T, front, back string) {
			startHAProxy(t, haproxy, map[string]string{"FRONT": front, "BACK": back})
		}},
		// Before version 1.23.3, nginx refuses headers of more than 107 bytes.
		{"nginx", len(headerForms) - 1, func(t *testing.T, front, back string) { startNginx(t, nginxHTTP, front, back) }},
		{"nginx stream", len(headerForms) - 1, func(t *testing.T, front, back string) { startNginx(t, nginxStream, front, back) }},
		{"stock Caddy", len(headerForms), startStockCaddy},
	} {
		for _, form := range headerForms[:peer.forms] {
			t.Run(peer.name+", "+form.name, func(t *testing.T) {
				behind := wstest.NewOrigin(t)
				front, port := wstest.FreePort(t), wstest.FreePort(t)
				peer.start(t, front, behind.Port)
				cert, key, _ := certificate(t)
				gateway := startCaddy(t, "", "https://localhost:"+port+" {\n\tbind 127.0.0.1\n\ttls "+cert+" "+key+
					"\n\tws_tunnel 127.0.0.1:"+front+" {\n\t\t"+form.config+"\n\t}\n}\n")
				gateway.listens(t, port, trusting("localhost"))

				tunnel := ask(t, port, trusting("localhost"), "localhost", "/chat", wstest.Upgrade)
				tunnel.Echoes(t, "hello")
				got := behind.Next(t)
				client, server := tunnel.Conn.LocalAddr().String(), tunnel.Conn.RemoteAddr().String()
				if peer.name == "nginx stream" {
					_, clientPort, _ := strings.Cut(client, ":")
					if want := "PROXY TCP4 127.0.0.1 127.0.0.1 " + clientPort + " "; !strings.HasPrefix(got.Proxy, want) {
						t.Errorf("given on as %q, want %q", got.Proxy, want)
					}
					return
				}
				if got.Header.Get("X-Source") != client || got.Header.Get("X-Destination") != server {
					t.Errorf("%s to %s was understood as %v", client, server, got.Header)
				}
				if peer.name == "HAProxy" && strings.HasSuffix(form.name, "everything") &&
					(got.Header.Get("X-Authority") != "localhost" || len(got.Header.Get("X-Unique")) != 16) {
					t.Errorf("TLVs were understood as %v", got.Header)
				}
			})
		}
	}
}

func startNginx(t *testing.T, config, front, back string) {
	t.Helper()
	const common = `
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
master_process off;
pid nginx.pid;
error_log stderr;
events {}
`
	file := writeConfig(t, common+config, map[string]string{"FRONT": front, "BACK": back})
	dir := t.TempDir()
	start(t, dir, nil, "nginx", "-p", dir, "-c", file).listens(t, front, nil)
}

func startStockCaddy(t *testing.T, front, back string) {
	t.Helper()
	startCaddy(t, `
	servers {
		listener_wrappers {
			proxy_protocol {
				allow 127.0.0.1/32
				fallback_policy require
			}
		}
	}
`, "http://:"+front+` {
	bind 127.0.0.1
	reverse_proxy 127.0.0.1:`+back+` {
		header_up X-Source {http.request.remote}
		header_up X-Destination {http.request.local}
	}
}
`).listens(t, front, nil)
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"crypto/tls"
	"strings"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// anything stands for a value that is there and unknown.
const anything = "*"

// haproxyELB is HAProxy in TCP mode. Its checks come often, so that one comes
// during the test.
const haproxyELB = `
defaults
	mode tcp
	timeout connect 5s
	timeout client 30s
	timeout server 30s
frontend elb
	bind 127.0.0.1:FRONT BIND
	unique-id-format %[uuid()]
	default_backend instances
backend instances
	server instance 127.0.0.1:BACK check inter 50ms SERVER
`

func startHAProxy(t *testing.T, config string, values map[string]string) *program {
	t.Helper()
	p := start(t, "", nil, "haproxy", "-db", "-f", writeConfig(t, config, values))
	p.listens(t, values["FRONT"], nil)
	return p
}

// TestHAProxySendsHeaders has HAProxy in front of the gateway, as an ELB.
func TestHAProxySendsHeaders(t *testing.T) {
	cert, key, both := certificate(t)
	for _, test := range []struct {
		name, server, bind string
		tls                bool // up to the gateway; otherwise bind ends it, if there is any
		want               map[string]string
	}{
		{"version 1", "send-proxy", "", false, map[string]string{"X-Version": "1"}},
		{"version 1, checks with a header", "send-proxy check-send-proxy", "", false, map[string]string{"X-Version": "1"}},
		{"version 2", "send-proxy-v2", "", false, map[string]string{"X-Version": "2", "X-Tls": "", "X-Unique": ""}},
		{"version 2, TLS behind it", "send-proxy-v2", "", true, map[string]string{"X-Version": "2"}},
		{"version 1, TLS behind it", "send-proxy", "", true, map[string]string{"X-Version": "1"}},
		{"version 2 with TLS facts", "send-proxy-v2-ssl", "ssl crt " + both, false, map[string]string{"X-Version": "2", "X-Tls": "true TLSv1.3"}},
		{"version 2 with checksum", "send-proxy-v2 proxy-v2-options crc32c", "", false, map[string]string{"X-Version": "2"}},
		{
			"version 2 with everything", "send-proxy-v2-ssl-cn proxy-v2-options ssl,cert-cn,ssl-cipher,cert-sig,cert-key,authority,crc32c,unique-id",
			"ssl crt " + both, false,
			map[string]string{"X-Version": "2", "X-Tls": "true TLSv1.3", "X-Authority": "localhost", "X-Unique": anything},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			front, back := wstest.FreePort(t), wstest.FreePort(t)
			address, tlsLine := "http://:"+back, ""
			if test.tls {
				address, tlsLine = "https://:"+back, "\ttls "+cert+" "+key+"\n"
			}
			gateway := startCaddy(t, `
	servers {
		listener_wrappers {
			proxy_header 127.0.0.1/32
			tls
		}
	}
`, address+` {
	bind 127.0.0.1
`+tlsLine+`
	request_header X-Version {http.proxy_header.version}
	request_header X-Source {http.proxy_header.source}
	request_header X-Destination {http.proxy_header.destination}
	request_header X-Tls "{http.proxy_header.ssl.used} {http.proxy_header.ssl.version}"
	request_header X-Authority {http.proxy_header.authority}
	request_header X-Unique {http.proxy_header.unique_id}
	ws_echo
}
`)
			gateway.listens(t, back, nil)
			startHAProxy(t, haproxyELB, map[string]string{"FRONT": front, "BACK": back, "BIND": test.bind, "SERVER": test.server})

			var config *tls.Config
			if test.tls || test.bind != "" {
				config = trusting("localhost")
			}
			tunnel := ask(t, front, config, "localhost", "/", wstest.Upgrade)
			saw := tunnel.Saw(t)
			tunnel.Echoes(t, "hello")
			client := tunnel.Conn.LocalAddr().String()
			if saw.RemoteAddr != client || saw.Headers.Get("X-Source") != client || saw.Headers.Get("X-Destination") != "127.0.0.1:"+front {
				t.Errorf("client %s at %s, and the gateway saw %s, %v", client, front, saw.RemoteAddr, saw.Headers)
			}
			for name, want := range test.want {
				got := strings.TrimSpace(saw.Headers.Get(name))
				if got != want && (want != anything || got == "") {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
		})
	}
}

// TestHAProxyChecksHealth has HAProxy find out that the gateway is there, in
// ways in which the gateway finds nothing wrong.
func TestHAProxyChecksHealth(t *testing.T) {
	for _, test := range []struct{ name, server, option string }{
		{"connecting", "send-proxy", ""},
		{"connecting and sending a header", "send-proxy-v2 check-send-proxy", ""},
		{"connecting and sending a header, by a script", "send-proxy check-send-proxy", "option tcp-check\n\ttcp-check connect send-proxy"},
		{"requesting", "send-proxy-v2 check-send-proxy", "option httpchk GET /"},
	} {
		t.Run(test.name, func(t *testing.T) {
			front, back := wstest.FreePort(t), wstest.FreePort(t)
			balancer := startHAProxy(t, haproxyELB+"\t"+test.option+"\n", map[string]string{
				"FRONT": front, "BACK": back, "BIND": "", "SERVER": test.server + " rise 2 fall 1",
			})
			balancer.says(t, "instances/instance is DOWN")
			gateway := startCaddy(t, `
	servers {
		listener_wrappers {
			proxy_header 127.0.0.1/32
		}
	}
`, "http://:"+back+` {
	bind 127.0.0.1
	ws_echo
}
`)
			balancer.says(t, "instances/instance is UP")
			ask(t, front, nil, "localhost", "/", wstest.Upgrade).Saw(t)
			if strings.Contains(gateway.said(), "connection rejected") {
				t.Error("the gateway rejects the checks")
			}
		})
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"strings"
	"testing"
)

// The server is the one that would accept the connection.
func TestTraceServers(t *testing.T) {
	files, _ := phCertificate(t)
	a, b, c := freePort(t), freePort(t), freePort(t)
	sites := strings.NewReplacer("TLS", "tls "+files, ":A", ":"+a, ":B", ":"+b, ":C", ":"+c)
	traceSites(t, sites.Replace(`
https://site.test {
	TLS
	ws_tunnel localhost:7001
}
http://site.test {
	ws_tunnel localhost:7002
}
https://site.test:A {
	TLS
	ws_tunnel localhost:7003
}
http://:B {
	ws_tunnel localhost:7004
}
http://:C {
	bind 127.0.0.1
	ws_tunnel localhost:7005
}
http://:C {
	bind 127.0.0.2
	ws_tunnel localhost:7006
}
http://:0 {
	bind unix/`+t.TempDir()+`/s
	ws_tunnel localhost:7007
}
`))
	for url, want := range map[string]string{
		"wss://site.test/": "7001", "https://site.test": "7001", "ws://site.test": "7002",
		"wss://site.test:A": "7003", "ws://site.test:A": "speaks TLS on port A, as in wss://",
		"ws://any.test:B": "7004", "ws://127.0.0.1:B": "7004", "ws://127.0.0.3:B": "listens on 127.0.0.1:B only",
		"wss://any.test:B": "speaks no TLS on port B",
		"ws://127.0.0.1:C": "7005", "ws://127.0.0.2:C": "7006", "ws://any.test:C": "listens there, too, and comes first",
	} {
		url, want := sites.Replace(url), strings.NewReplacer("port A", "port "+a, "port B", "port "+b, ":B", ":"+b).Replace(want)
		headers := ""
		if strings.HasPrefix(url, "http") {
			headers = `, "headers": {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}`
		}
		if tree := traceOf(t, `{"url": "`+url+`"`+headers+`}`).tree(); !strings.Contains(tree, want) {
			t.Errorf("%s: %q is missing in\n%s", url, want, tree)
		}
	}
}

// What a server does before its routes, it does in a trace.
func TestTraceStrictHost(t *testing.T) {
	files, _ := phCertificate(t)
	traceSites(t, `
https://site.test, https://other.test {
	tls `+files+` {
		client_auth {
			mode request
		}
	}
	@odd header X_Odd *
	respond @odd "odd"
	ws_tunnel localhost:7001
}
`)
	for request, status := range map[string]int{
		`{"url": "wss://site.test/", "headers": {"X_Odd": "1"}}`:                              101, // Caddy drops the field
		`{"url": "wss://site.test/", "headers": {"Host": "other.test"}}`:                      421,
		`{"url": "wss://site.test/", "headers": {"Host": "SITE.test:443"}}`:                   101,
		`{"url": "https://site.test/", "headers": {"Upgrade": "h2c", "Connection": "close"}}`: 200,
	} {
		if result := traceOf(t, request); result.StatusCode != status {
			t.Errorf("%s: status %d, want %d:\n%s", request, result.StatusCode, status, result.tree())
		}
	}
}

func TestTraceWithoutServers(t *testing.T) {
	phLoad(t, "{\nadmin off\npersist_config off\n}\n")
	if result := traceOf(t, `{"url": "ws://site.test/"}`); result.StatusCode != 0 || !strings.Contains(result.tree(), "no server listens there") {
		t.Errorf("%d:\n%s", result.StatusCode, result.tree())
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package apache_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
)

// longFile is a configuration of a thousand lines: virtual hosts of ten lines
// each.
func longFile() string {
	var b strings.Builder
	for i := range 100 {
		fmt.Fprintf(&b, `<VirtualHost *:80>
ServerName site%d.example.com
ProxyPreserveHost On
RewriteEngine On
RewriteCond %%{HTTP:Upgrade} =websocket [NC]
RewriteRule ^/ws/(.*) ws://127.0.0.1:%d/$1 [P,L]
ProxyPass / http://127.0.0.1:%[2]d/
ProxyPassReverse / http://127.0.0.1:%[2]d/
RequestHeader set X-Forwarded-Proto http
</VirtualHost>
`, i, 3000+i)
	}
	return b.String()
}

// BenchmarkAdapt adapts a file of 1,000 lines.
func BenchmarkAdapt(b *testing.B) {
	text := longFile()
	if n := strings.Count(text, "\n"); n != 1000 {
		b.Fatalf("it has %d lines", n)
	}
	for b.Loop() {
		if _, err := adapt(text); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRequest sends requests through a site with ten rules: as an adapted
// virtual host, and as a Caddyfile that says the same.
func BenchmarkRequest(b *testing.B) {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }))
	defer origin.Close()
	address := strings.TrimPrefix(origin.URL, "http://")

	var vhost, site strings.Builder
	for i := range 10 {
		fmt.Fprintf(&vhost, "RewriteCond %%{HTTP:Upgrade} =websocket [NC]\nRewriteRule ^/ws%d/(.*) ws://%s/$1 [P,L]\n", i, address)
		fmt.Fprintf(&site, "@ws%d {\nwebsocket\npath /ws%[1]d/*\n}\nhandle @ws%[1]d {\nuri strip_prefix /ws%[1]d\nws_tunnel %s\n}\n", i, address)
	}
	closed := httptest.NewServer(nil)
	closed.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(closed.URL, "http://"), ":") // a free one
	for _, bm := range []struct{ name, adapter, text string }{
		{"apache", "apache", "<VirtualHost *:" + port + ">\nProxyPreserveHost On\nRewriteEngine On\n" + vhost.String() + "ProxyPass / http://" + address + "/\n</VirtualHost>\n"},
		{"caddyfile", "caddyfile", "{\nauto_https off\n}\nhttp://:" + port + " {\n" + site.String() + "handle {\nreverse_proxy " + address + "\n}\n}\n"},
	} {
		b.Run(bm.name, func(b *testing.B) {
			adapted, _, err := caddyconfig.GetAdapter(bm.adapter).Adapt([]byte(bm.text), nil)
			if err != nil {
				b.Fatal(err)
			}
			var c map[string]any
			if err := json.Unmarshal(adapted, &c); err != nil {
				b.Fatal(err)
			}
			c["admin"] = map[string]any{"disabled": true}
			c["logging"] = map[string]any{"logs": map[string]any{"default": map[string]any{"level": "ERROR"}}}
			text, err := json.Marshal(c)
			if err != nil {
				b.Fatal(err)
			}
			if err := caddy.Load(text, true); err != nil {
				b.Fatal(err)
			}
			defer caddy.Stop()
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}}
			defer client.CloseIdleConnections()
			b.ReportAllocs()
			for b.Loop() {
				resp, err := client.Get("http://127.0.0.1:" + port + "/some/page?q=1")
				if err != nil {
					b.Fatal(err)
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		})
	}
}

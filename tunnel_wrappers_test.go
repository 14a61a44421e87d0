// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// Tunnels open whatever stands around the handler, in every version of HTTP,
// and the access log has its line when they do, not when they end.
func TestBehindOtherHandlers(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	authority := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer authority.Close()
	tests := map[string]string{
		"nothing":      "",
		"access log":   "log",
		"encode":       "encode {\nminimum_length 1\n}",
		"templates":    "templates {\nmime text/plain text/html\n}",
		"intercept":    "intercept {\n@error status 5xx\nhandle_response @error {\nrespond intercepted\n}\n}",
		"tracing":      "tracing {\nspan tunnel\n}",
		"request body": "request_body {\nmax_size 1KB\n}",
		"header":       "header >X-Deferred yes",
		"basic_auth":   "basic_auth {\nalice " + string(hash) + "\n}",
		"forward_auth": "forward_auth " + authority.URL + " {\nuri /check\n}",
		"all of them":  "log\nencode\ntemplates\nintercept {\n@error status 5xx\nhandle_response @error {\nrespond intercepted\n}\n}\nheader >X-Deferred yes",
	}
	for name, directives := range tests {
		for _, version := range []string{"HTTP/1.1", "HTTP/2.0", "HTTP/3.0"} {
			t.Run(name+" "+version, func(t *testing.T) {
				t.Setenv("OTEL_TRACES_EXPORTER", "none")
				g := startGateway(t, true, "", directives+"\nws_tunnel "+echoOrigin(t))
				c := g.openVersion(version, "Authorization", "Basic YWxpY2U6c2VjcmV0", "Accept-Encoding", "gzip, zstd")
				for _, text := range []string{"hello", strings.Repeat("compressible ", 10_000)} {
					go c.send(textFrame(text))
					c.expect(textFrame(text))
				}
				if strings.Contains(directives, "log") && version == "HTTP/1.1" {
					if r := g.await("handled request"); r["status"] != 101.0 || r["ws_tunnel_id"] == "" {
						t.Errorf("access log %v", r)
					}
				}
				c.send(closeFrame(1000))
				c.expectClose(1000)
				c.Close()
				if r := g.expectEnd("client_closed", "client"); r["proto"] != version {
					t.Errorf("record %v", r)
				}
				nothingLeft(t)
			})
		}
	}
}

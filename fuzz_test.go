// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
)

// FuzzBridge makes requests of HTTP/2 and HTTP/3 to upgrades, whatever is in their
// fields: the origin sees one request, for the path that was asked for, and no field
// that was not there.
func FuzzBridge(f *testing.F) {
	f.Add(2, "/ws?x=1", "site.test", "websocket", "cookie", "a=b")
	f.Add(3, "/ws", "site.test:443", "WebSocket", "Transfer-Encoding", "chunked")
	f.Add(2, "/a\r\nX: y", "site.test\r\n", "websocket", "connection", "upgrade, x")
	f.Add(3, "//evil.test/%0d%0a", "[::1]", "websocket", "Sec-WebSocket-Key", "x\r\nInjected: 1")
	f.Add(2, "*", "", "websocket", ":path", "/")
	f.Fuzz(func(t *testing.T, major int, path, host, protocol, name, value string) {
		target, err := url.ParseRequestURI(path)
		if err != nil {
			return // no server passes it on
		}
		r := &http.Request{
			Method: http.MethodConnect, URL: target, Host: host, RequestURI: path, Proto: "HTTP/2.0", ProtoMajor: 2 + major&1,
			RemoteAddr: "203.0.113.7:1", Header: http.Header{"Sec-Websocket-Version": {"13"}, http.CanonicalHeaderKey(name): {value}}, Body: http.NoBody,
		}
		if r.ProtoMajor == 2 {
			r.Header.Set(":protocol", protocol)
		} else {
			r.Proto = protocol
		}
		if !isWebSocket(r) {
			return
		}
		repl := caddyhttp.NewTestReplacer(r)
		ctx := context.WithValue(r.Context(), caddy.ReplacerCtxKey, repl)
		r = r.WithContext(context.WithValue(ctx, caddyhttp.VarsCtxKey, map[string]any{}))
		w := httptest.NewRecorder()
		a := (&Handler{logger: zap.NewNop()}).newAttempt(newClient(w, r))
		if _, err := a.client.admit(); err != nil {
			return
		}
		wire, err := a.request()
		if err != nil {
			return
		}
		in := bufio.NewReader(bytes.NewReader(wire))
		seen, err := http.ReadRequest(in)
		if err != nil {
			return // Go is stricter than some origins
		}
		if rest, _ := io.ReadAll(in); len(rest) > 0 || seen.Method != http.MethodGet || seen.RequestURI != target.RequestURI() || seen.ContentLength != 0 {
			t.Errorf("%q is read as %s %s with %d bytes behind it", wire, seen.Method, seen.RequestURI, len(rest))
		}
		allowed := http.Header{"Connection": nil, "Upgrade": nil, "Sec-Websocket-Version": nil, "Sec-Websocket-Key": nil, "X-Forwarded-For": nil, "X-Forwarded-Proto": nil, "X-Forwarded-Host": nil, "Via": nil, http.CanonicalHeaderKey(name): nil}
		for field, values := range seen.Header {
			if _, ok := allowed[field]; !ok || len(values) > 1 && field != "Via" {
				t.Errorf("%s: %q in %q", field, values, wire)
			}
		}
	})
}

// FuzzSwitchChange holds what the admin API is told of a switch to a setting that can
// be stored and shown.
func FuzzSwitchChange(f *testing.F) {
	for _, body := range []string{
		`{"on": false, "for": "10m", "by": "alice"}`, `{"on": true}`, `{"on": false, "until": "2030-01-02T03:04:05+09:00", "close": true}`,
		`{"on": false, "for": "9999999h"}`, `{"on": false, "by": "\u001b[2J"}`, `{"on": false, "until": "9999-12-31T23:59:59-23:59"}`, `[]`, `null`,
	} {
		f.Add(body)
	}
	now := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	f.Fuzz(func(t *testing.T, body string) {
		var c switchChange
		if json.Unmarshal([]byte(body), &c) != nil {
			return
		}
		s, err := c.setting(now, "203.0.113.7:1")
		if err != nil {
			return
		}
		stored, err := json.Marshal(s)
		if err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		var again switchSetting
		if err := json.Unmarshal(stored, &again); err != nil || !again.Until.Equal(s.Until) || again.On != s.On || again.By != s.By {
			t.Errorf("%q is stored as %s (%v)", body, stored, err)
		}
		if !s.Until.IsZero() && !s.Until.After(now) || s.By == "" || printable(s.By) != s.By {
			t.Errorf("%q makes %+v", body, s)
		}
	})
}

// FuzzTunnelQuery holds any query of the admin API to one that means something, and
// one that ends tunnels to naming some.
func FuzzTunnelQuery(f *testing.F) {
	for _, query := range []string{"id=x", "client_ip=10.0.0.0/8&older=1h", "all=true", "name=a&sort=-bytes&limit=1&offset=2", "state=closing", "over=1ms&code=4001&reason=x&all=true", "%zz", "client_ip=::/0", "older=0s"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			w := httptest.NewRecorder()
			r := &http.Request{Method: method, URL: &url.URL{Path: "/ws_tunnel/tunnels", RawQuery: query}, Header: http.Header{}}
			err := adminTunnels(w, r)
			if err != nil {
				if status := statusOfAPI(err); status != http.StatusBadRequest {
					t.Errorf("%s %q: %d", method, query, status)
				}
				continue
			}
			if !json.Valid(w.Body.Bytes()) {
				t.Errorf("%s %q: %q", method, query, w.Body)
			}
		}
	})
}

// FuzzCaddyfile holds the options of ws_tunnel to what JSON can carry, and their
// errors to a line.
func FuzzCaddyfile(f *testing.F) {
	for _, options := range []string{
		"to a:1 unix//run/x\nhost {header.X}\nport 1", "heartbeat 30s 5s\nmax_message 1MiB\non_reload drain\ndrain 30s", "limit {client_ip} 20\nhandshake_rate {client_ip} 5 1s",
		"lb_policy header X\nlb_retries 2\nhealth {\npath /\n}", "tls {\nserver_name a\n}\nproxy_protocol v2 {\ntlv authority\n}", "recheck 1m {\nheader X *\n}", "header_up X y\nheader_down -X", "dynamic srv x", "local_address 127.0.0.1 ::1",
	} {
		f.Add(options)
	}
	f.Fuzz(func(t *testing.T, options string) {
		if strings.Contains(options, "import") || strings.Contains(options, "{$") {
			return // of files and the environment
		}
		h := new(Handler)
		if err := h.UnmarshalCaddyfile(caddyfile.NewTestDispenser("ws_tunnel a:1 {\n" + options + "\n}")); err != nil {
			if err.Error() == "" {
				t.Errorf("%q: no error says what", options)
			}
			return
		}
		raw, err := json.Marshal(h)
		if err != nil {
			t.Fatalf("%q: %v", options, err)
		}
		if err := caddy.StrictUnmarshalJSON(raw, new(Handler)); err != nil {
			t.Errorf("%q makes %s: %v", options, raw, err)
		}
	})
}

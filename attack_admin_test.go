// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// Pages of other sites reach the admin API in nobody's browser: not by what it asks
// with, nor by a name that is made to lead here.
func TestAttackAdminAPI(t *testing.T) {
	t.Cleanup(func() { // runs last: the API ends with the config that is without
		if err := caddy.Load([]byte(`{"admin": {"disabled": true}}`), true); err != nil {
			t.Error(err)
		}
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
	api := "127.0.0.1:" + freePort(t)
	phLoad(t, "{\n\tadmin "+api+"\n\tpersist_config off\n\tstorage file_system "+t.TempDir()+"\n}\nhttp://:0 {\n\tbind 127.0.0.1\n\t@on ws_switch chat\n\tws_tunnel @on "+echoOrigin(t)+"\n}\n")
	address, err := serverAddress()
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{t: t, address: address}
	c := g.open()
	ask := func(method, path, body string, fields ...string) (status int) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+api+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(fields); i += 2 {
			if r.Header.Set(fields[i], fields[i+1]); fields[i] == "Host" {
				r.Host = fields[i+1]
			}
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Error(err)
		}
		if allowed := resp.Header.Get("Access-Control-Allow-Origin"); allowed != "" && allowed != "http://"+api {
			t.Errorf("%s %s lets %s read", method, path, allowed)
		}
		return resp.StatusCode
	}
	requests := [][3]string{
		{http.MethodGet, "/ws_tunnel/tunnels", ""}, {http.MethodDelete, "/ws_tunnel/tunnels?all=true", ""}, {http.MethodOptions, "/ws_tunnel/tunnels?all=true", ""},
		{http.MethodGet, "/ws_tunnel/switches", ""}, {http.MethodPut, "/ws_tunnel/switches/chat", `{"on": false, "close": true}`}, {http.MethodDelete, "/ws_tunnel/switches/chat", ""},
		{http.MethodPost, "/ws_tunnel/trace", `{"url": "ws://site.test/"}`},
	}
	for _, from := range [][]string{
		{"Origin", "https://evil.test"}, {"Origin", "null"}, {"Origin", "http://localhost:1"}, {"Origin", "http://" + api + ".evil.test"}, {"Origin", "https://" + api + "@evil.test"},
		{"Sec-Fetch-Mode", "no-cors"}, {"Sec-Fetch-Mode", "cors"}, {"Sec-Fetch-Mode", "cors", "Referer", "https://evil.test/"},
		{"Host", "evil.test"}, {"Host", "localhost.evil.test"}, {"Host", api + ".evil.test"}, {"Host", "evil.test", "Origin", "http://evil.test"},
		{"Upgrade", "websocket", "Connection", "Upgrade"},
	} {
		for _, request := range requests {
			if status := ask(request[0], request[1], request[2], from...); status != http.StatusForbidden && status != http.StatusBadRequest && status != http.StatusMisdirectedRequest {
				t.Errorf("%s %s from %s: %d", request[0], request[1], from, status)
			}
		}
	}
	c.send(textFrame("still here"))
	c.expect(textFrame("still here"))

	// A form cannot ask with PUT or DELETE, and a link not with POST.
	for _, request := range [][2]string{{http.MethodPost, "/ws_tunnel/tunnels?all=true"}, {http.MethodPost, "/ws_tunnel/switches/chat"}, {http.MethodGet, "/ws_tunnel/trace?url=ws://site.test/"}} {
		if status := ask(request[0], request[1], "on=false"); status != http.StatusMethodNotAllowed {
			t.Errorf("%s %s: %d", request[0], request[1], status)
		}
	}
	// What they are refused, who may ask is not.
	if status := ask(http.MethodGet, "/ws_tunnel/tunnels", "", "Origin", "http://"+api); status != http.StatusOK {
		t.Errorf("from its own origin: %d", status)
	}
	if status := ask(http.MethodDelete, "/ws_tunnel/tunnels?all=true", ""); status != http.StatusOK {
		t.Errorf("without an origin: %d", status)
	}
	c.expectClose(1001)
	c.Close()
	nothingLeft(t)
}

// The status page is for this machine, and no other site's page reads it or puts it
// into a frame.
func TestAttackStatusPage(t *testing.T) {
	g := startGateway(t, false, "", "ws_status /ws-status")
	for _, fields := range [][]string{
		{"Host", "evil.test"}, {"Host", "localhost.evil.test"}, {"Host", "127.0.0.1.evil.test"}, {"Host", "0x7f.1"}, {"Host", "localhost@evil.test"}, {"Host", "localhost."},
		{"X-Forwarded-For", "127.0.0.1"}, {"Forwarded", "for=127.0.0.1"}, {"X-Forwarded-Host", "localhost"},
	} {
		for _, query := range []string{"", "?events"} {
			resp := g.askStatus(http.MethodGet, query, fields...)
			if said := bodyOf(t, resp); resp.StatusCode/100 != 4 || said != "" {
				t.Errorf("%q: %s %q", fields, resp.Status, said)
			}
		}
	}
	for _, accept := range []string{"text/html", "application/json"} {
		resp := g.askStatus(http.MethodGet, "", "Accept", accept, "Origin", "https://evil.test")
		_ = bodyOf(t, resp)
		for name, want := range map[string]string{
			"Access-Control-Allow-Origin": "", "Access-Control-Allow-Credentials": "", "Cross-Origin-Resource-Policy": "same-origin",
			"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": statusPolicy,
		} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s for %s: %q", name, accept, got)
			}
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		if resp := g.askStatus(method, ""); resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Access-Control-Allow-Methods") != "" {
			t.Errorf("%s: %s", method, resp.Status)
		}
	}
}

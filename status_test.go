// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// askStatus asks for the status page as HTTP has it. Fields are pairs.
func (g *gateway) askStatus(method, query string, fields ...string) *http.Response {
	g.t.Helper()
	r, err := http.NewRequestWithContext(g.t.Context(), method, "http://"+g.address+"/ws-status"+query, nil)
	if err != nil {
		g.t.Fatal(err)
	}
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func bodyOf(t *testing.T, resp *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// hostilePath would run a script if it were taken for HTML.
const (
	hostilePath    = "/<img src=x onerror=alert(1)>"
	hostilePathURI = "/%3Cimg%20src=x%20onerror=alert(1)%3E"
)

// What tunnels there are, and what became of others, is in the JSON, which no browser
// could take for HTML.
func TestStatusJSON(t *testing.T) {
	g := startGateway(t, false, "", "ws_status /ws-status\nws_tunnel /refused "+startOrigin(t, nil, verbatim("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"))+" {\nname strict\n}\nws_tunnel "+echoOrigin(t)+" {\nname chat\n}")
	refused := g.dial()
	refused.send(handshakeOf("/refused", ""))
	refused.readHead()
	c := g.dial()
	c.send(handshakeOf(hostilePathURI, ""))
	c.readHead()
	c.send(textFrame("hi"))
	c.expect(textFrame("hi"))
	liveTunnels(t, 1)

	isChat := func(s statusTunnel) bool { return s.Name == "chat" && s.ToClient == trafficCounts{4, 1} }
	isStrict := func(r statusReason) bool { return r.Name == "strict" && r.Reason == "origin_refused" && r.Total > 0 }
	// The watch may be going on since an earlier test: then the news come later.
	in, next := g.statusEvents()
	for {
		view := next()
		if len(view.Tunnels) == 1 && isChat(view.Tunnels[0]) && slices.ContainsFunc(view.Refused, isStrict) {
			break
		}
	}
	in.Close()
	resp := g.askStatus(http.MethodGet, "", "Accept", "application/json")
	text := bodyOf(t, resp)
	if got := resp.Header.Get("Content-Type"); got != "application/json" || strings.Contains(text, "<") {
		t.Errorf("%s: %s", got, text)
	}
	var view statusView
	if err := json.Unmarshal([]byte(text), &view); err != nil {
		t.Fatal(err)
	}
	if len(view.Tunnels) != 1 {
		t.Fatalf("tunnels %+v", view.Tunnels)
	}
	if shown := view.Tunnels[0]; !isChat(shown) || shown.Path != hostilePath || shown.ClientIP != "127.0.0.1" || shown.State != "open" {
		t.Errorf("tunnel %+v", shown)
	}
	if !slices.ContainsFunc(view.Refused, isStrict) || len(view.History) == 0 || view.History[len(view.History)-1] != view.Now || view.Since.After(view.Now.At) {
		t.Errorf("%+v", view)
	}
	for _, o := range view.Origins.Shown {
		if o.Name == "chat" && o.Tunnels == 1 && o.Up {
			return
		}
	}
	t.Errorf("origins %+v", view.Origins)
}

// Who comes from elsewhere, or could, is refused, and who cannot have come from a
// browser's page by DNS rebinding is not.
func TestStatusAccess(t *testing.T) {
	const global = "servers {\ntrusted_proxies static 127.0.0.0/8\nlistener_wrappers {\nproxy_header {\noptional 127.0.0.0/8\n}\n}\n}"
	g := startGateway(t, false, global, "ws_status /ws-status")
	for field, want := range map[string]int{
		"":                                200,
		"Host: localhost":                 200,
		"Host: LOCALHOST:8080":            200,
		"Host: 127.0.0.1":                 200,
		"Host: [::1]:8080":                200,
		"Host: [::1]":                     200,
		"Host: rebound.example.com":       403,
		"Host: localhost.example.com:80":  403,
		"Host: 127.0.0.1.example.com":     403,
		"X-Forwarded-For: 203.0.113.7":    403,
		"X-Forwarded-For: 127.0.0.1":      403,
		"Forwarded: for=127.0.0.1":        403,
		"Via: 1.1 proxy":                  403,
		"X-Real-IP: 127.0.0.1":            403,
		"Authorization: Basic YTpi":       200,
		"Origin: https://www.example.com": 403,
		"Origin: null":                    403,
	} {
		name, value, _ := strings.Cut(field, ": ")
		var fields []string
		if name != "" {
			fields = []string{name, value}
		}
		resp := g.askStatus(http.MethodGet, "", fields...)
		if said := bodyOf(t, resp); resp.StatusCode != want || want != 200 && said != "" {
			t.Errorf("%s: %s %q, want %d", field, resp.Status, said, want)
		}
	}
	c := g.dial() // HAProxy's forwardfor is a line of its own
	c.send("GET /ws-status HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For:\r\nX-Forwarded-For: 127.0.0.1\r\nConnection: close\r\n\r\n")
	if resp := c.readAnswer(); resp.StatusCode != 403 {
		t.Errorf("with an empty field before the proxy's: %s", resp.Status)
	}
	for header, want := range map[string]int{
		"PROXY TCP4 203.0.113.7 127.0.0.1 1 2\r\n": 403,
		"PROXY TCP4 127.0.0.2 127.0.0.1 1 2\r\n":   200,
	} {
		c := g.dial()
		c.send(header + "GET /ws-status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		if resp := c.readAnswer(); resp.StatusCode != want {
			t.Errorf("%q: %s", header, resp.Status)
		}
	}

	g = startGateway(t, false, global, "ws_status /ws-status {\nallow_remote\n}")
	for _, fields := range [][]string{{"Host", "gateway.example.com"}, {"X-Forwarded-For", "203.0.113.7"}} {
		if resp := g.askStatus(http.MethodGet, "", fields...); resp.StatusCode != 200 {
			t.Errorf("with allow_remote and %q: %s", fields, resp.Status)
		}
	}
	for origin, want := range map[string]int{"https://gateway.example.com": 200, "https://www.example.com": 403, "null": 403} {
		if resp := g.askStatus(http.MethodGet, "?events", "Host", "gateway.example.com", "Origin", origin); resp.StatusCode != want {
			t.Errorf("with allow_remote and Origin %s: %s", origin, resp.Status)
		} else {
			_ = resp.Body.Close()
		}
	}
}

// A connection from elsewhere is refused whatever its request claims.
func TestStatusAccessFromElsewhere(t *testing.T) {
	for from, want := range map[string]bool{
		"127.0.0.1:1": true, "127.8.9.10:1": true, "[::1]:1": true, "[::ffff:127.0.0.1]:1": true,
		"192.0.2.1:1": false, "[2001:db8::1]:1": false, "@": false, "": false, "0.0.0.0:1": false,
	} {
		r := requestFrom(from, "127.0.0.1")
		if err := checkFromHere(r); (err == nil) != want {
			t.Errorf("%s: %v", from, err)
		}
	}
	for _, client := range []string{"192.0.2.1", "", "localhost"} {
		if checkFromHere(requestFrom("127.0.0.1:1", client)) == nil {
			t.Errorf("a client at %q may look", client)
		}
	}
}

// Every answer keeps a browser from what it need not do, and the page's policy allows
// what is in the page, and only that.
func TestStatusPage(t *testing.T) {
	g := startGateway(t, false, "", "ws_status /ws-status")
	for _, test := range []struct {
		method, query, accept, contentType string
		status                             int
	}{
		{"GET", "", "text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8", 200},
		{"GET", "", "", "text/html; charset=utf-8", 200},
		{"GET", "", "application/json", "application/json", 200},
		{"HEAD", "", "", "text/html; charset=utf-8", 200},
		{"HEAD", "", "application/json", "application/json", 200},
		{"HEAD", "?events", "", "text/event-stream", 200},
		{"HEAD", "", "text/event-stream", "text/event-stream", 200},
		{"POST", "", "", "", 405},
		{"DELETE", "?all=true", "application/json", "", 405},
		{"OPTIONS", "", "", "", 405},
	} {
		resp := g.askStatus(test.method, test.query, "Accept", test.accept)
		body := bodyOf(t, resp)
		if resp.StatusCode != test.status || resp.Header.Get("Content-Type") != test.contentType || (test.method == "HEAD") != (body == "") && test.status == 200 {
			t.Errorf("%+v: %s %v, %d bytes", test, resp.Status, resp.Header, len(body))
		}
		if allow := resp.Header.Get("Allow"); (allow == "GET, HEAD") != (test.status == 405) {
			t.Errorf("%+v: Allow %q", test, allow)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Content-Security-Policy": "frame-ancestors 'none'",
		} {
			if got := resp.Header.Get(name); !strings.Contains(got, want) {
				t.Errorf("%+v: %s %q", test, name, got)
			}
		}
		if strings.Contains(resp.Header.Get("Content-Security-Policy"), "unsafe") {
			t.Error("the policy allows what it should not")
		}
		if test.contentType != "text/html; charset=utf-8" || test.method != "GET" {
			continue
		}
		inside := regexp.MustCompile(`(?s)<(script|style)>(.*?)</(?:script|style)>`).FindAllStringSubmatch(body, -1)
		if len(inside) != 2 {
			t.Fatalf("%d scripts and styles", len(inside))
		}
		for _, m := range inside {
			sum := sha256.Sum256([]byte(m[2]))
			allowed := m[1] + "-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
			if !strings.Contains(resp.Header.Get("Content-Security-Policy"), allowed) {
				t.Errorf("%s is not allowed", m[1])
			}
		}
		if m := regexp.MustCompile(`(?i)\bsrc=|href=|url\(|@import|innerHTML|\son[a-z]+=| style=`).FindString(body); m != "" {
			t.Errorf("the page has %q", m)
		}
	}
}

// Rates are those since it was counted before, and the tunnels that are shown are the
// busiest.
func TestStatusRates(t *testing.T) {
	g := startGateway(t, false, "", "ws_tunnel "+echoOrigin(t)+" {\nname chat\n}")
	var all []*peer
	for range maxStatusTunnels + 5 {
		all = append(all, g.open())
	}
	liveTunnels(t, len(all))
	var count statusCount
	at := time.Now()
	if view := count.take(at); view.Now.Opened != 0 || view.Now.ToOrigin != (statusRates{}) || view.Now.Open != len(all) {
		t.Errorf("at first %+v", view.Now)
	}
	for _, p := range all[len(all)-3:] {
		p.send(textFrame("hi"))
		p.expect(textFrame("hi"))
	}
	busiest := all[len(all)-2]
	busiest.send(textFrame("more"))
	busiest.expect(textFrame("more"))
	all = append(all, g.open())
	all[0].Close()
	g.expectEnd("client_gone", "client")
	liveTunnels(t, len(all)-1)

	view := count.take(at.Add(4 * time.Second))
	if view.Now.Open != len(all)-1 || view.Now.Opened != 0.25 || view.Now.Ended != 0.25 || view.Now.ToOrigin != (statusRates{4.5, 1}) {
		t.Errorf("%+v", view.Now)
	}
	if len(view.Tunnels) != maxStatusTunnels {
		t.Errorf("%d tunnels", len(view.Tunnels))
	}
	// All are of one origin, the tunnel that has ended, too.
	origin := originNamed(t, view, "chat")
	if origin.PerSecond.Opened != 0.25 || origin.PerSecond.ToOrigin != (statusRates{4.5, 1}) || origin.PerSecond.ToClient != (statusRates{4.5, 1}) {
		t.Errorf("the origin's rates are %+v", origin.PerSecond)
	}
	if origin.Tunnels != len(all)-1 || origin.Opened != uint64(len(all)) || origin.ToOrigin != (trafficCounts{18, 4}) || origin.ToClient != (trafficCounts{18, 4}) {
		t.Errorf("the origin has %+v", origin)
	}
	for i, want := range []statusRates{{2.5, 0.5}, {1, 0.25}, {1, 0.25}, {}} {
		if got := view.Tunnels[i].PerSecond.ToClient; got != want {
			t.Errorf("tunnel %d carries %+v, want %+v", i, got, want)
		}
	}
	if first, last := view.Tunnels[3], view.Tunnels[maxStatusTunnels-1]; first.Opened.After(last.Opened) {
		t.Error("of those that carry as much the oldest should come first")
	}

	// A tunnel whose counts are not to be had for once does not undo others'.
	before := view.Totals
	for shown, n := range count.tunnels {
		n.toOrigin.Bytes += 1000
		count.tunnels[shown] = n
		before.ToOrigin.Bytes += 1000
		break
	}
	if view = count.take(at.Add(6 * time.Second)); view.Totals != before || view.Now.ToClient != (statusRates{}) {
		t.Errorf("%+v %+v, want %+v", view.Totals, view.Now, before)
	}

	// Nor does one that is about to end: the origin's traffic is as it was.
	origin = originNamed(t, view, "chat")
	name := originName{origin.Name, origin.Origin}
	seen := count.origins[name]
	seen.traffic.toClient.Bytes += 500
	count.origins[name] = seen
	if got := originNamed(t, count.take(at.Add(8*time.Second)), "chat"); got.ToClient.Bytes != origin.ToClient.Bytes+500 || got.PerSecond.ToClient != (statusRates{}) {
		t.Errorf("%+v after %+v", got, origin)
	}
	// An origin that was forgotten and is known anew begins with nothing.
	seen.opened = origin.Opened + 1
	count.origins[name] = seen
	if got := originNamed(t, count.take(at.Add(10*time.Second)), "chat"); got.ToClient != origin.ToClient || got.PerSecond.ToClient != (statusRates{}) || got.PerSecond.Opened != 0 {
		t.Errorf("%+v after %+v", got, origin)
	}
}

// originNamed is the only origin of a handler.
func originNamed(t *testing.T, view *statusView, name string) (found statusOrigin) {
	t.Helper()
	for _, o := range view.Origins.Shown {
		if o.Name == name {
			if found.Name != "" {
				t.Fatalf("two origins: %+v and %+v", found, o)
			}
			found = o
		}
	}
	return found
}

func TestStatusCaddyfile(t *testing.T) {
	for input, want := range map[string]string{
		"ws_status":                                  `{}`,
		"ws_status {\nallow_remote\n}":               `{"allow_remote":true}`,
		"ws_status page":                             "as in ws_status /ws-status",
		"ws_status {\nallow\n}":                      `unknown ws_status option "allow": use allow_remote`,
		"ws_status {\nallow_remote on\n}":            "takes no value",
		"ws_status {\nallow_remote\n\n\tbad\n}":      "Testfile:4",
		"ws_status {\nallow_remote\nallow_remote\n}": "given twice",
	} {
		var s Status
		got, err := "", s.UnmarshalCaddyfile(caddyfile.NewTestDispenser(input))
		if err != nil {
			got = err.Error()
		} else if text, err := json.Marshal(s); err == nil {
			got = string(text)
		}
		if !strings.Contains(got, want) {
			t.Errorf("%q: %s, want %s", input, got, want)
		}
	}
}

// It goes ahead of what answers everything.
func TestStatusOrder(t *testing.T) {
	g := startGateway(t, false, "", "reverse_proxy "+echoOrigin(t)+"\nws_tunnel "+echoOrigin(t)+"\nws_status /ws-status")
	if resp := g.askStatus(http.MethodGet, ""); resp.StatusCode != 200 || resp.Header.Get("Content-Security-Policy") == "" {
		t.Errorf("%s %v", resp.Status, resp.Header)
	}
}

// The page of the documentation has JSON as it is.
func TestStatusDocs(t *testing.T) {
	for _, block := range docBlocks(t, "docs/status.md") {
		if block.fragment != "json" {
			continue
		}
		var view statusView
		decoder := json.NewDecoder(strings.NewReader(block.text))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&view); err != nil {
			t.Error(err)
		}
		if again, err := json.Marshal(view); err != nil || string(again)+"\n" != block.text {
			t.Errorf("%s: it would be %s", block, again)
		}
		return
	}
	t.Error("no JSON")
}

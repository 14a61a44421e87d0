// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/frame"
)

// askAdmin asks one of the admin API's handlers, and returns the answer into to.
func askAdmin(t *testing.T, handler caddy.AdminHandlerFunc, method, uri string, to any) (status int, said string) {
	t.Helper()
	w := httptest.NewRecorder()
	err := handler(w, httptest.NewRequest(method, "http://localhost:2019"+uri, nil))
	var apiErr caddy.APIError
	if errors.As(err, &apiErr) {
		return apiErr.HTTPStatus, apiErr.Err.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(w.Body.Bytes(), to); err != nil {
		t.Fatalf("%q: %v", w.Body, err)
	}
	return w.Code, ""
}

func listed(t *testing.T, query string) (list tunnelList) {
	t.Helper()
	if status, said := askAdmin(t, adminTunnels, http.MethodGet, "/ws_tunnel/tunnels?"+query, &list); status != http.StatusOK {
		t.Fatalf("%s: %d %s", query, status, said)
	}
	return list
}

// Each parameter holds the tunnels that it should, and only those.
func TestAdminList(t *testing.T) {
	g := startGateway(t, false, "servers {\ntrusted_proxies static 127.0.0.0/8\n}",
		"ws_tunnel /a* "+echoOrigin(t)+" {\nname a\n}\nws_tunnel "+echoOrigin(t)+" {\nname b\n}")
	open := func(path, from string) *peer {
		p := g.dial()
		p.send(handshakeOf(path, "X-Forwarded-For: "+from+"\r\n"))
		p.readHead()
		p.send(textFrame("hi"))
		p.expect(textFrame("hi"))
		return p
	}
	open("/a/1", "203.0.113.7")
	open("/a/2", "203.0.113.99")
	third := open("/b", "2001:db8::1")
	liveTunnels(t, 3)

	all := listed(t, "")
	if all.Total != 3 || len(all.Tunnels) != 3 {
		t.Fatalf("%+v", all)
	}
	first := all.Tunnels[0]
	if first.Path != "/a/1" || first.ClientIP != "203.0.113.7" || first.Host != "site.test" || first.Name != "a" || first.State != "open" ||
		first.Proto != "HTTP/1.1" || len(first.ID) != 16 || first.Age <= 0 || first.Opened.IsZero() || first.Engine == "" || first.OriginAddr == "" ||
		first.ToOrigin != (trafficCounts{4, 1}) || first.ToClient != (trafficCounts{4, 1}) {
		t.Errorf("%+v", first)
	}
	for query, want := range map[string][]string{
		"id=" + first.ID:               {"/a/1"},
		"name=a":                       {"/a/1", "/a/2"},
		"name=a&sort=-opened":          {"/a/2", "/a/1"},
		"client_ip=203.0.113.7":        {"/a/1"},
		"client_ip=203.0.113.0/26":     {"/a/1"},
		"client_ip=2001:db8::/32":      {"/b"},
		"client_ip=2001:0db8:0::1":     {"/b"},
		"host=SITE.test":               {"/a/1", "/a/2", "/b"},
		"host=other.test":              nil,
		"path=/a/":                     {"/a/1", "/a/2"},
		"path=/a/&client_ip=127.0.0.1": nil,
		"origin=" + first.Origin:       {"/a/1", "/a/2"},
		"proto=HTTP/2.0":               nil,
		"older=1h":                     nil,
		"younger=1h":                   {"/a/1", "/a/2", "/b"},
		"state=open":                   {"/a/1", "/a/2", "/b"},
		"state=closing":                nil,
		"sort=client_ip&limit=1":       {"/b"}, // 2001 comes before 203
		"limit=1&offset=2":             {"/b"},
		"offset=9":                     nil,
	} {
		var paths []string
		for _, tunnel := range listed(t, query).Tunnels {
			paths = append(paths, tunnel.Path)
		}
		if !slices.Equal(paths, want) {
			t.Errorf("%s: %q, want %q", query, paths, want)
		}
	}
	third.Close()
	g.expectEnd("client_gone", "client")
	if n := listed(t, "").Total; n != 2 {
		t.Errorf("%d tunnels after one ended", n)
	}
}

// DELETE ends what the parameters hold, with the code that it is told, and leaves
// the rest alone.
func TestAdminClose(t *testing.T) {
	g := startGateway(t, false, "", "ws_tunnel /a "+echoOrigin(t)+" {\nname a\n}\nws_tunnel "+echoOrigin(t)+" {\nname b\n}")
	open := func(path string) *peer {
		p := g.dial()
		p.send(handshakeOf(path, ""))
		p.readHead()
		return p
	}
	a, b := open("/a"), open("/b")
	liveTunnels(t, 2)
	var answer struct{ Closing int }
	if askAdmin(t, adminTunnels, http.MethodDelete, "/ws_tunnel/tunnels?name=a&code=4001&reason=moved+away", &answer); answer.Closing != 1 {
		t.Errorf("%+v", answer)
	}
	if f, err := frame.Read(a.r, 125); err != nil || string(f.Payload) != "\x0f\xa1moved away" {
		t.Errorf("got %+v (%v)", f, err)
	}
	a.Close()
	g.expectEnd("admin", "gateway")
	g.expectAlive(b)
	if askAdmin(t, adminTunnels, http.MethodDelete, "/ws_tunnel/tunnels?all=true&over=1ms", &answer); answer.Closing != 1 {
		t.Errorf("%+v", answer)
	}
	b.expectClose(1001)
	b.Close()
	g.expectEnd("admin", "gateway")
	if r := g.await("drained tunnels"); r["name"] != "b" {
		t.Errorf("%v", r)
	}
}

// A tunnel that several drains are to end counts as one, and the first to come to it
// ends it.
func TestDrainsOverlap(t *testing.T) {
	g := startGateway(t, false, "", "ws_tunnel "+echoOrigin(t)+" {\nname overlapping\n}")
	p := g.openRunning()
	liveTunnels(t, 1)
	var answer struct{ Closing int }
	drain := func(over string) {
		t.Helper()
		if status, said := askAdmin(t, adminTunnels, http.MethodDelete, "/ws_tunnel/tunnels?name=overlapping&over="+over, &answer); answer.Closing != 1 {
			t.Fatalf("%d %s", status, said)
		}
		g.await("draining tunnels")
		if n := originMetric(t, "caddy_ws_tunnel_draining", "overlapping"); n != 1 {
			t.Errorf("%v tunnels are being drained", n)
		}
	}
	drain("2h")
	drain("1h")
	if list := listed(t, "state=draining"); list.Total != 1 || list.Tunnels[0].State != "draining" || listed(t, "state=open").Total != 0 {
		t.Errorf("%+v", list)
	}
	if status, said := askAdmin(t, adminTunnels, http.MethodDelete, "/ws_tunnel/tunnels?name=overlapping", &answer); answer.Closing != 1 {
		t.Fatalf("%d %s", status, said)
	}
	p.expectClose(1001)
	p.Close()
	g.expectEnd("admin", "gateway")
	g.await("drained tunnels")
	g.await("drained tunnels")
	if n := originMetric(t, "caddy_ws_tunnel_draining", "overlapping"); n != 0 {
		t.Errorf("%v tunnels are still being drained", n)
	}
}

// A tunnel that ends by itself, or by another drain, is not counted until its turn.
func TestDrainCountsWhatIsLeft(t *testing.T) {
	g := startGateway(t, false, "", "ws_tunnel "+echoOrigin(t)+" {\nname left\n}")
	p, q, r := g.openRunning(), g.openRunning(), g.openRunning()
	liveTunnels(t, 3)
	closing := func(query string, want int) {
		t.Helper()
		var answer struct{ Closing int }
		if status, said := askAdmin(t, adminTunnels, http.MethodDelete, "/ws_tunnel/tunnels?name=left"+query, &answer); answer.Closing != want {
			t.Fatalf("%d %s", status, said)
		}
	}
	left := func(want float64) {
		t.Helper()
		if n := originMetric(t, "caddy_ws_tunnel_draining", "left"); n != want {
			t.Errorf("%v tunnels are being drained, want %v", n, want)
		}
	}
	closing("&over=2h", 3)
	g.await("draining tunnels")
	left(3)
	p.Close()
	g.expectEnd("client_gone", "client")
	left(2)
	closing("", 2)
	for _, p := range []*peer{q, r} {
		p.expectClose(1001)
		p.Close()
		g.expectEnd("admin", "gateway")
	}
	g.await("drained tunnels")
	left(0)
}

// What is not understood ends nothing and says what would be right.
func TestAdminTunnelMistakes(t *testing.T) {
	for request, want := range map[string]string{
		"POST ":                    "use GET or DELETE",
		"DELETE ":                  "this would end all tunnels",
		"DELETE ?nmae=a":           `unknown parameter "nmae"`,
		"DELETE ?name=":            "name is empty",
		"DELETE ?name=a&name=b":    "name is given twice",
		"DELETE ?name=a&code=1005": "no close code that can be sent",
		"DELETE ?name=a&reason=" + strings.Repeat("x", 124): "at most 123 bytes",
		"DELETE ?name=a&over=soon":                          "as 30s",
		"DELETE ?client_ip=10.0.0.0/99":                     "is no network",
		"DELETE ?name=%zz":                                  "reading the query",
		"DELETE ?name=a&sort=host":                          `unknown parameter "sort"`,
		"GET ?sort=colour":                                  "use opened, client_ip",
		"GET ?limit=many":                                   "from 0 to 10000",
		"GET ?older=old":                                    "as 1h",
		"DELETE ?name=a&younger=0s":                         "no tunnel is younger",
		"GET ?state=gone":                                   "use open, draining or closing",
		"GET ?client_ip=example":                            "is no address, as 203.0.113.7",
		"DELETE ?proto=h2":                                  "use HTTP/1.1, HTTP/2.0 or HTTP/3.0",
		"GET ?all=true":                                     `unknown parameter "all"`,
	} {
		method, query, _ := strings.Cut(request, " ")
		status, said := askAdmin(t, adminTunnels, method, "/ws_tunnel/tunnels"+query, nil)
		if status/100 != 4 || !strings.Contains(said, want) {
			t.Errorf("%s: %d %q, want %q", request, status, said, want)
		}
	}
}

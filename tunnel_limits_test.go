// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"crypto/rand"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/pool"
)

// askAs makes a handshake with a field that limits of these tests count by.
func (g *gateway) askAs(path, key string) (*peer, *http.Response) {
	g.t.Helper()
	p := g.dial()
	p.send(handshakeOf(path, "X-Key: "+key+"\r\n"))
	return p, p.readAnswer()
}

// openAs makes a tunnel.
func (g *gateway) openAs(key string) *peer {
	g.t.Helper()
	p, resp := g.askAs("/ws", key)
	if resp.StatusCode != http.StatusSwitchingProtocols {
		g.t.Fatalf("%q: status %s", key, resp.Status)
	}
	return p
}

// expectTooMany makes a handshake that is refused, and returns the seconds of
// Retry-After and what the record says.
func (g *gateway) expectTooMany(reason, key string) (retryAfter int, said string) {
	g.t.Helper()
	_, resp := g.askAs("/ws", key)
	retryAfter, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if resp.StatusCode != http.StatusTooManyRequests || err != nil || retryAfter < 1 || !resp.Close {
		g.t.Errorf("%q: status %s, Retry-After %q, close %t", key, resp.Status, resp.Header.Get("Retry-After"), resp.Close)
	}
	r := g.expectRefusal(reason)
	if r["status"] != 429.0 || r["origin"] != "" { // none was chosen
		g.t.Errorf("record %v", r)
	}
	said, _ = r["error"].(string)
	return retryAfter, said
}

// nothingCounted fails the test unless the counts of tunnels come to nothing.
func nothingCounted(t *testing.T) {
	t.Helper()
	counted := func(s pool.Status) bool { return s.Tunnels != 0 }
	for deadline := time.Now().Add(patience); tunnelTally.Len() > 0 || slices.ContainsFunc(origins.Statuses(), counted); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d keys are still counted, and origins %+v", tunnelTally.Len(), origins.Statuses())
		}
	}
}

// The limit is that of the process: a reload neither forgets the tunnels there
// are nor counts them twice.
func TestMaxTunnels(t *testing.T) {
	g := startGateway(t, false, "", "ws_tunnel "+echoOrigin(t)+" {\nmax_tunnels 2\nname bounded\n}")
	counted := func() float64 {
		var m dto.Metric
		if err := metrics.refused.WithLabelValues("bounded", "max_tunnels").Write(&m); err != nil {
			t.Fatal(err)
		}
		return m.GetCounter().GetValue()
	}
	before := counted()
	first, second := g.open(), g.open()
	for range 2 {
		if wait, said := g.expectTooMany("max_tunnels", ""); wait != 10 || said != "max_tunnels 2 is reached" {
			t.Errorf("wait %d, %q", wait, said)
		}
		if err := g.load(); err != nil {
			t.Fatal(err)
		}
	}
	first.Close()
	g.expectEnd("client_gone", "client")
	third := g.open()
	g.expectTooMany("max_tunnels", "")
	g.config = strings.Replace(g.config, "max_tunnels 2", "max_tunnels 3", 1)
	if err := g.load(); err != nil {
		t.Fatal(err)
	}
	fourth := g.open()
	g.expectTooMany("max_tunnels", "")
	if n := counted() - before; n != 4 {
		t.Errorf("the metric counts %v refusals, want 4", n)
	}
	for _, p := range []*peer{second, third, fourth} {
		p.Close()
	}
	nothingCounted(t)
}

// Tunnels that were there before the limit count, and so do those of another
// handler with the same name.
func TestMaxTunnelsCountsByName(t *testing.T) {
	origin := echoOrigin(t)
	g := startGateway(t, false, "", "ws_tunnel /other "+origin+" {\nname shared\n}\nws_tunnel "+origin+" {\nname shared\n}")
	one := g.open()
	other, resp := g.askAs("/other", "")
	if resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(resp.Status)
	}
	g.config = strings.ReplaceAll(g.config, "name shared", "name shared\nmax_tunnels 2")
	if err := g.load(); err != nil {
		t.Fatal(err)
	}
	g.expectTooMany("max_tunnels", "")
	g.config = strings.ReplaceAll(g.config, "name shared", "name another")
	if err := g.load(); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*peer{one, other, g.open()} {
		p.Close()
	}
	nothingCounted(t)
}

func TestLimit(t *testing.T) {
	g := startGateway(t, false, "", "ws_tunnel "+echoOrigin(t)+` {
		limit {header.X-Key} 1
		limit {header.X-Key} 2 {
			ipv6_prefix 32
		}
		limit {client_ip} 7
	}`)
	open := make(map[string]*peer)
	for _, key := range []string{"192.0.2.1", "2001:db8:0:1::1", "2001:db8:0:2::1", "somebody", ""} {
		open[key] = g.openAs(key)
	}
	const one, two = "limit {http.request.header.X-Key} 1 is reached", "limit {http.request.header.X-Key} 2 is reached"
	for _, tc := range []struct{ key, said string }{
		{"192.0.2.1", one + " for 192.0.2.1"},
		{"::ffff:192.0.2.1", one + " for 192.0.2.1"},
		{"2001:db8:0:1:ffff::", one + " for 2001:db8:0:1::/64"},
		{"2001:db8:0:3::1", two + " for 2001:db8::/32"},
		{"somebody", one}, // who may be a token
		{"", one},
	} {
		if wait, said := g.expectTooMany("limit", tc.key); wait != 10 || said != tc.said {
			t.Errorf("%q: wait %d, %q; want %q", tc.key, wait, said, tc.said)
		}
	}
	if err := g.load(); err != nil {
		t.Fatal(err)
	}
	g.expectTooMany("limit", "192.0.2.1")
	open["192.0.2.1"].Close()
	g.expectEnd("client_gone", "client")
	open["192.0.2.1"] = g.openAs("::ffff:192.0.2.1")
	open["else"], open["more"] = g.openAs("else"), g.openAs("more")
	if _, said := g.expectTooMany("limit", "yet another"); said != "limit {http.vars.client_ip} 7 is reached for 127.0.0.1" {
		t.Error(said)
	}
	for _, p := range open {
		p.Close()
	}
	nothingCounted(t)
}

func TestHandshakeRate(t *testing.T) {
	g := startGateway(t, false, "", "ws_tunnel "+echoOrigin(t)+` {
		handshake_rate {header.X-Key} 2 1h
		handshake_rate {header.X-Key} 1000 1h {
			ipv6_prefix 48
		}
	}`)
	key := rand.Text() // what an earlier run has used up stays so
	for range 2 {
		g.openAs(key).Close()
		g.expectEnd("client_gone", "client")
		if err := g.load(); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // a refusal does not make it longer
		wait, said := g.expectTooMany("handshake_rate", key)
		if wait > 1800 || said != "handshake_rate {http.request.header.X-Key} 2 1h0m0s is exceeded" {
			t.Errorf("wait %d, %q", wait, said)
		}
	}
	g.openAs(key + "2").Close()
	nothingCounted(t)
}

// Who is refused by the origin can try again while the answer is still coming.
func TestRefusalKeepsNoPlace(t *testing.T) {
	over := make(chan struct{})
	origin := startOrigin(t, nil, func(p *peer) {
		p.readHead()
		p.send("HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n10000\r\n" + strings.Repeat("x", 1<<16) + "\r\n")
		<-over
	})
	g := startGateway(t, false, "", "ws_tunnel "+origin+" {\nmax_tunnels 1\nlimit {client_ip} 1\n}")
	defer close(over)
	for range 2 {
		if _, resp := g.askAs("/ws", ""); resp.StatusCode != http.StatusForbidden {
			t.Fatal(resp.Status)
		}
	}
	nothingCounted(t)
}

// A handshake under way has its place, and gives it back when the client goes.
// The origin never hears of whom there is no place for.
func TestHandshakeUnderWayCounts(t *testing.T) {
	var dialled atomic.Int32
	asked, gone := make(chan struct{}), make(chan struct{})
	g := startGateway(t, false, "", "ws_tunnel "+startOrigin(t, nil, func(p *peer) {
		dialled.Add(1)
		p.readHead()
		asked <- struct{}{}
		p.expectEOF()
		close(gone)
	})+" {\nlimit {client_ip} 1\n}")
	c := g.dial()
	c.send(handshakeOf("/ws", ""))
	<-asked
	g.expectTooMany("limit", "")
	c.Close()
	<-gone
	g.expectRefusal("client_left")
	if n := dialled.Load(); n != 1 {
		t.Errorf("the origin was dialled %d times", n)
	}
	nothingCounted(t)
}

// A stream is refused like a connection, and a reload that ends it gives its
// place back.
func TestStreamLimit(t *testing.T) {
	for _, version := range streamVersions {
		t.Run(version, func(t *testing.T) {
			g := startGateway(t, true, "", "ws_tunnel "+echoOrigin(t)+" {\nlimit {client_ip} 1\nmax_tunnels 2\n}")
			c := g.openVersion(version)
			resp, refused := g.connect(version)
			if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") != "10" {
				t.Errorf("%s %v", resp.Status, resp.Header)
			}
			refused.Close()
			if err := g.load(); err != nil {
				t.Fatal(err)
			}
			c.expectClose(1012)
			c.send(closeFrame(1012))
			g.expectEnd("reload", "gateway")
			c.Close()
			nothingCounted(t)
		})
	}
}

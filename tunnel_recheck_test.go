// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// recheckClock is the clock of time_window. A matcher that has one in it tells
// by asking what time it is that it was asked.
type recheckClock struct {
	t     *testing.T
	now   atomic.Pointer[time.Time]
	asked chan struct{}
}

// recheckOpen is a part of a matcher that holds until the clock is told to close.
const recheckOpen = "\ntime_window 09:00-18:00 UTC\n"

// newRecheckClock must be called before the gateway is started, so that it is
// there for as long as anything asks.
func newRecheckClock(t *testing.T) *recheckClock {
	c := &recheckClock{t: t, asked: make(chan struct{})}
	noon := instant(t, "2026-01-05T12:00:00Z")
	c.now.Store(&noon)
	t.Cleanup(func() { windowClock = time.Now })
	windowClock = func() time.Time {
		select {
		case c.asked <- struct{}{}:
		default:
		}
		return *c.now.Load()
	}
	return c
}

// rounds waits until somebody has asked a few times.
func (c *recheckClock) rounds() {
	c.t.Helper()
	for range 4 {
		select {
		case <-c.asked:
		case <-time.After(patience):
			c.t.Fatal("nobody asks")
		}
	}
}

func (c *recheckClock) close() {
	evening := instant(c.t, "2026-01-05T18:00:00Z")
	c.now.Store(&evening)
}

// expectPolicy waits for the end of a tunnel that does not match any more.
func (g *gateway) expectPolicy(p *peer) record {
	g.t.Helper()
	p.expectClose(1008)
	p.send(closeFrame(1008))
	r := g.expectEnd("policy", "gateway")
	p.Close()
	return r
}

func (g *gateway) expectAlive(p *peer) {
	g.t.Helper()
	p.send(textFrame("still here"))
	p.expect(textFrame("still here"))
}

// change loads the config with something in it replaced.
func (g *gateway) change(old, now string) {
	g.t.Helper()
	if !strings.Contains(g.config, old) {
		g.t.Fatalf("no %q in the config", old)
	}
	g.config = strings.ReplaceAll(g.config, old, now)
	if err := g.load(); err != nil {
		g.t.Fatal(err)
	}
}

// nobodyAsks waits until no goroutine is left that asks.
func nobodyAsks(t *testing.T) {
	t.Helper()
	awaitStacks(t, nobodyRuns("(*rounds).run("))
}

// A tunnel stays open while its time does, in every version of HTTP.
func TestRecheckTimeWindow(t *testing.T) {
	for _, version := range append([]string{"HTTP/1.1"}, streamVersions...) {
		t.Run(version, func(t *testing.T) {
			clock := newRecheckClock(t)
			g := startGateway(t, true, "", "@open {"+recheckOpen+"}\nws_tunnel "+echoOrigin(t)+" {\nrecheck 5ms @open\n}")
			p := g.openVersion(version)
			clock.rounds()
			g.expectAlive(p)
			clock.close()
			g.expectPolicy(p)
			nothingLeft(t)
		})
	}
}

// Every matcher sees again what it saw at the handshake: none of these holds
// for any other request, and its opposite, which a reload brings, ends the
// tunnel.
func TestRecheckMatchers(t *testing.T) {
	for _, matcher := range []string{
		"client_ip 203.0.113.7",
		"expression `{http.vars.client_ip} == '203.0.113.7' && websocket({'origin': 'same'}) && path('/new/*')`",
		"expression `path('/new/' + {http.vars.part}) && {http.request.orig_uri} == '/ws'`",
		"header X-Key *cret",
		"header_regexp X-Key ^[a-z]{6}$",
		"host site.test",
		"method GET",
		"not path /ws",
		"path {http.vars.whole}",
		"path_regexp ^/(new)/ws$",
		"protocol http/1.1",
		"query a=b",
		"remote_ip 127.0.0.1",
		"url_pattern /new/:what",
		"vars {http.request.orig_uri.path} /ws",
		"vars count 3",
		"vars_regexp {http.request.local.host} ^127\\.0\\.0\\.1$",
		"websocket {\norigin same\nsubprotocol chat\n}",
	} {
		t.Run(matcher, func(t *testing.T) {
			clock := newRecheckClock(t)
			g := startGateway(t, false, "servers {\ntrusted_proxies static 127.0.0.1\n}", `
				@m {
					`+matcher+recheckOpen+`
				}
				route {
					vars {
						part w*
						whole /new/ws
						count 3
					}
					rewrite * /new{path}?a=b
					ws_tunnel `+echoOrigin(t)+` {
						name chat
						recheck 5ms @m
					}
				}`)
			p := g.openVersion("HTTP/1.1", "X-Forwarded-For", "203.0.113.7", "X-Key", "secret",
				"Origin", "http://site.test", "Sec-WebSocket-Protocol", "chat")
			clock.rounds()
			g.expectAlive(p)
			g.change(matcher, "not {\n"+matcher+"\n}")
			g.expectPolicy(p)
		})
	}
}

// A list that a reload has changed holds for the tunnels of earlier configs, and
// a config that never starts asks nothing of them. HTTP/2 and HTTP/3 end at any
// reload.
func TestRecheckAfterReload(t *testing.T) {
	clock := newRecheckClock(t)
	g := startGateway(t, false, "", "@office {\nclient_ip 127.0.0.1"+recheckOpen+"}\nws_tunnel "+echoOrigin(t)+" {\nname chat\nrecheck 5ms @office\n}")
	old := g.open()
	g.change("5ms", "4ms")
	p := g.open()
	clock.rounds()

	good := g.config
	g.config = strings.ReplaceAll(good, "127.0.0.1"+recheckOpen, "192.0.2.1"+recheckOpen) +
		"http://:80 {\nbind unix/" + t.TempDir() + "/none/sock\nrespond x\n}\n"
	if err := g.load(); err == nil {
		t.Fatal("the config was to fail")
	}
	g.config = good
	clock.rounds()
	g.expectAlive(p)
	g.expectAlive(old)

	g.change("client_ip 127.0.0.1", "client_ip 192.0.2.0/24")
	for _, c := range []*peer{old, p} {
		c.expectClose(1008)
		c.Close()
	}
	for range 2 {
		g.expectEnd("policy", "gateway")
	}
}

// A handler without recheck asks nothing, and nothing is known about a tunnel
// that was opened under one.
func TestRecheckComesAndGoes(t *testing.T) {
	const recheck = "recheck 5ms @office"
	clock := newRecheckClock(t)
	g := startGateway(t, false, "", "@office {\nclient_ip 127.0.0.1"+recheckOpen+"}\nws_tunnel "+echoOrigin(t)+" {\nname chat\n"+recheck+"\n}")
	p := g.open()
	clock.rounds()
	g.change(recheck, "linger 5s")
	nobodyAsks(t)
	unknown := g.open()
	g.change("linger 5s", recheck)
	clock.rounds()
	g.expectAlive(p)
	clock.close()
	g.expectPolicy(p)
	g.expectAlive(unknown)
	unknown.Close()
	g.expectEnd("client_gone", "client")
}

// Where two handlers share a name, each asks about its own, and after a reload
// that changes neither still does.
func TestRecheckOfTheSameName(t *testing.T) {
	clock := newRecheckClock(t)
	origin := echoOrigin(t)
	g := startGateway(t, false, "", "@open {"+recheckOpen+"}\n@other method GET\nws_tunnel /ws "+origin+" {\nrecheck 5ms @open\n}\nws_tunnel "+origin+" {\nrecheck 1m @other\n}")
	p := g.open()
	clock.rounds()
	if err := g.load(); err != nil {
		t.Fatal(err)
	}
	clock.rounds()
	clock.close()
	g.expectPolicy(p)
}

// A PROXY header is known as long as its connection's tunnel.
func TestRecheckProxyHeader(t *testing.T) {
	clock := newRecheckClock(t)
	g := startGateway(t, false, "servers {\nlistener_wrappers {\nproxy_header 127.0.0.1\n}\n}", `
		@link {
			proxy_header destination.port {http.proxy_header.destination.port}
			proxy_header version 1
			vars {http.proxy_header.source.host} 203.0.113.7
			client_ip 203.0.113.7`+recheckOpen+`}
		ws_tunnel `+echoOrigin(t)+` {
			recheck 5ms @link
			name chat
		}`)
	p := g.dial()
	p.send(phLineV1 + handshakeOf("/ws", ""))
	p.readHead()
	clock.rounds()
	g.expectAlive(p)
	g.change("version 1", "version 2")
	g.expectPolicy(p)
}

// A matcher that cannot say ends the tunnel.
func TestRecheckFails(t *testing.T) {
	g := startGateway(t, false, "", "@bad expression `int({header.X-Key}) > 0`\nws_tunnel "+echoOrigin(t)+" {\nrecheck 5ms @bad\n}")
	p := g.openVersion("HTTP/1.1", "X-Key", "secret")
	if r := g.await("cannot recheck a tunnel, so it is ended"); r["level"] != "error" || r["error"] == "" || r["path"] != "/ws" {
		t.Errorf("record %v", r)
	}
	g.expectPolicy(p)

	k := &rechecker{Recheck: &Recheck{matchers: caddyhttp.MatcherSets{{panicking{}}}}}
	if matches, err := k.matches(&head{url: new(url.URL)}); matches || err == nil || err.Error() != "panic: a defect" {
		t.Errorf("a matcher that panics: %t, %v", matches, err)
	}
}

type panicking struct{}

func (panicking) MatchWithError(*http.Request) (bool, error) { panic("a defect") }

// Whoever asks is gone with its config.
func TestRecheckEnds(t *testing.T) {
	t.Run("running", func(t *testing.T) {
		clock := newRecheckClock(t)
		g := startGateway(t, false, "", "@open {"+recheckOpen+"}\nws_tunnel "+echoOrigin(t)+" {\nrecheck 5ms @open\n}")
		p := g.open()
		clock.rounds()
		g.change("@open", "@still")
		clock.rounds()
		p.Close()
		g.expectEnd("client_gone", "client")
	})
	nobodyAsks(t)
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// switchSites is a gateway whose storage is the test's, and which answers 200 at a
// path whose matcher matches.
func switchSites(t *testing.T, matchers map[string]string) *gateway {
	t.Helper()
	var site strings.Builder
	for path, matcher := range matchers {
		fmt.Fprintf(&site, "@%s {\npath /%[1]s\n%s\n}\nrespond @%[1]s 200\n", path, matcher)
	}
	return startGateway(t, false, "storage wstunnel_test", site.String()+"respond 403\n")
}

func (g *gateway) expectStatus(path string, want int) {
	g.t.Helper()
	resp, err := http.Get("http://" + g.address + "/" + path)
	if err != nil {
		g.t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != want {
		g.t.Errorf("/%s: %d, want %d", path, resp.StatusCode, want)
	}
}

// The same switch is the same in every form, from the first request on.
func TestMatchSwitch(t *testing.T) {
	storage := newSwitchStorage(t)
	storage.put("shop", `{"on":false}`)
	g := switchSites(t, map[string]string{
		"plain": "ws_switch chat",
		"code":  "expression `ws_switch('chat') && method('GET')`",
		"not":   "not ws_switch chat",
		"shop":  "ws_switch shop",
		"both":  "expression `ws_switch('chat') && ws_switch('shop')`",
	})
	expect := func(open string) {
		t.Helper()
		for _, path := range []string{"plain", "code", "not", "shop", "both"} {
			status := http.StatusForbidden
			if strings.Contains(open, path) {
				status = http.StatusOK
			}
			g.expectStatus(path, status)
		}
	}
	expect("plain code")
	setSwitch(t, "shop", `{"on":true}`)
	expect("plain code shop both")
	setSwitch(t, "chat", `{"on":false}`)
	expect("not shop")
	if err := g.load(); err != nil {
		t.Fatal(err)
	}
	expect("not shop")
	storage.down(true) // a new config has nobody to ask but this process
	if err := g.load(); err != nil {
		t.Fatal(err)
	}
	expect("not shop")
	g.await("cannot read switches from storage, so they stay as they are")
}

// Whoever watches is gone with its config, also one that was not good.
func TestSwitchboardEndsWithConfig(t *testing.T) {
	newSwitchStorage(t)
	t.Run("running", func(t *testing.T) {
		g := switchSites(t, map[string]string{"a": "ws_switch chat", "b": "ws_switch shop"})
		const watch = ").watch("
		count := func(n int) func(string) bool {
			return func(all string) bool { return strings.Count(all, "(*switchboard"+watch) == n }
		}
		awaitStacks(t, count(1))
		good := g.config
		g.config += "http://:80 {\nbind unix/" + t.TempDir() + "/none/sock\nrespond x\n}\n"
		if err := g.load(); err == nil {
			t.Fatal("the config was to fail")
		}
		awaitStacks(t, count(1))
		g.config = good
		g.change("path /a", "path /other")
		awaitStacks(t, count(1))
		g.change("ws_switch", "path")
		awaitStacks(t, count(0))
		g.change("path chat", "ws_switch chat")
		awaitStacks(t, count(1))
	})
	awaitStacks(t, nobodyRuns("(*switchboard).watch"))
}

func TestMatchSwitchCaddyfile(t *testing.T) {
	for _, name := range []string{"chat", "a", "A-b_c.d", "0", "-x", strings.Repeat("x", 64)} {
		var m MatchSwitch
		if err := m.UnmarshalCaddyfile(caddyfile.NewTestDispenser("ws_switch " + name)); err != nil {
			t.Fatal(err)
		}
		if got, err := json.Marshal(m); err != nil || string(got) != `{"name":"`+name+`"}` {
			t.Errorf("%s: %s (%v)", name, got, err)
		}
	}
}

func TestMatchSwitchMistakes(t *testing.T) {
	const name = "write 1 to 64 letters, digits, dots, hyphens and underscores, not beginning with a dot"
	for matcher, want := range map[string]string{
		"ws_switch":                            "takes the name of one switch, as in ws_switch chat",
		"ws_switch a b":                        "takes the name of one switch",
		"ws_switch .a":                         name,
		"ws_switch a/b":                        name,
		"ws_switch {query.a}":                  name,
		"ws_switch " + strings.Repeat("x", 65): name,
		"ws_switch \"\"":                       name,
		"ws_switch a {\nb\n}":                  "takes no block",
		"{\nws_switch a\nws_switch b\n}":       "write expression ws_switch('a') && ws_switch('b')",
	} {
		_, err := phAdapt("http://localhost:8080 {\n\t@m " + matcher + "\n\trespond @m x\n}\n")
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "Testfile:") {
			t.Errorf("%s: got %v, want it to name the line and to say %q", matcher, err, want)
		}
	}
	for matcher, want := range map[string]string{
		`{"ws_switch": {}}`:                       name,
		`{"ws_switch": {"name": "a b"}}`:          name,
		`{"ws_switch": {"nmae": "a"}}`:            "nmae",
		`{"expression": "ws_switch('a/b')"}`:      name,
		`{"expression": "ws_switch()"}`:           "ws_switch",
		`{"expression": "ws_switch({query.a})"}`:  "takes a name that is written out",
		`{"expression": "ws_switch('a'+{path})"}`: "takes a name that is written out",
	} {
		config := `{"apps": {"http": {"servers": {"s": {"routes": [{"match": [` + matcher + `]}]}}}}}`
		if !json.Valid([]byte(config)) {
			t.Fatal(config)
		}
		if err := phValidate([]byte(config)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", matcher, err, want)
		}
	}
}

// A switch that goes off takes the tunnels along that are bound to it, and lets no
// new one in; after that it does nothing to those of another.
func TestRecheckSwitch(t *testing.T) {
	for _, matcher := range []string{"ws_switch chat", "expression `ws_switch('chat') && websocket()`", "not not ws_switch chat"} {
		t.Run(matcher, func(t *testing.T) {
			newSwitchStorage(t)
			g := startGateway(t, false, "storage wstunnel_test", `
				@open `+matcher+`
				route {
					ws_tunnel /other `+echoOrigin(t)+` {
						name other
					}
					ws_tunnel @open `+echoOrigin(t)+` {
						recheck 5ms @open
						name chat
					}
					respond 403
				}`)
			p, other := g.open(), g.dial()
			other.send(handshakeOf("/other", ""))
			other.readHead()
			setSwitch(t, "chat", `{"on":false,"by":"alice"}`)
			if r := g.await("switch is off"); r["switch"] != "chat" || r["by"] != "alice" {
				t.Errorf("%v", r)
			}
			g.expectPolicy(p)
			g.expectAlive(other)
			late := g.dial()
			late.send(handshakeOf("/ws", ""))
			if head := late.readHead(); !strings.HasPrefix(head, "HTTP/1.1 403 ") {
				t.Errorf("a late one is answered %q", head)
			}
			setSwitch(t, "chat", `{"on":true}`)
			g.open()
		})
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"
	"weak"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Tunnels live on over any number of reloads and keep nothing of the configs
// that they were opened under.
func TestOldConfigsAreFreed(t *testing.T) {
	const reloads, each = 50, 20
	for _, test := range []struct {
		withTLS bool
		options string
	}{{false, ""}, {true, ""}, {true, "recheck 1ms @local"}} {
		t.Run(fmt.Sprintf("TLS %t %s", test.withTLS, test.options), func(t *testing.T) {
			g := startGateway(t, test.withTLS, "skip_install_trust", "log\n@local `client_ip('127.0.0.1')`\nws_tunnel "+echoOrigin(t)+" {\nname chat\n"+test.options+"\n}")
			var open []*peer
			var old []weak.Pointer[caddyhttp.App]
			for range reloads {
				for range each {
					open = append(open, g.open())
				}
				app, err := caddy.ActiveContext().AppIfConfigured("http")
				if err != nil {
					t.Fatal(err)
				}
				old = append(old, weak.Make(app.(*caddyhttp.App)))
				// On its port, the old listener would still get connections and
				// reset them when it is closed.
				if _, port, _ := net.SplitHostPort(g.address); test.withTLS {
					g.config = strings.Replace(g.config, ":"+port+" {", ":"+freePort(t)+" {", 1)
				}
				if err := g.load(); err != nil {
					t.Fatal(err)
				}
			}
			deadline := time.Now().Add(patience)
			for left := len(old); left > 0; {
				runtime.GC()
				left = 0
				for _, app := range old {
					if app.Value() != nil {
						left++
					}
				}
				if time.Now().After(deadline) {
					t.Fatalf("of %d old configs %d are still there", reloads, left)
				}
			}
			for _, c := range open {
				c.send(textFrame("still here"))
				c.expect(textFrame("still here"))
			}
			for _, c := range open {
				c.Close()
			}
			nothingLeft(t)
		})
	}
}

// on_reload says what becomes of tunnels whose handler is changed or gone. One
// whose handler is the same lives on in any case.
func TestOnReload(t *testing.T) {
	tests := []struct {
		name, options, change string
		ends                  bool
	}{
		{"keep, changed", "", "linger 4s", false},
		{"keep, gone", "on_reload keep", "-", false},
		{"close, the same", "on_reload close", "", false},
		{"close, changed", "on_reload close", "linger 4s", true},
		{"close, gone", "on_reload close", "-", true},
		{"drain, the same", "on_reload drain\ndrain 10ms", "", false},
		{"drain, changed", "on_reload drain\ndrain 10ms", "linger 4s", true},
		{"drain, gone", "on_reload drain\ndrain 10ms", "-", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			site := "ws_tunnel " + echoOrigin(t) + " {\nname chat\n" + test.options + "\n}"
			g := startGateway(t, false, "", site)
			c := g.open()
			if err := g.load(); err != nil { // as it is, which never ends anything
				t.Fatal(err)
			}
			after := strings.Replace(site, "name chat", "name chat\n"+test.change, 1)
			if test.change == "-" {
				after = "respond gone"
			}
			g.config = strings.Replace(g.config, site, after+"\nheader X-Changed yes", 1)
			if err := g.load(); err != nil {
				t.Fatal(err)
			}
			if test.ends {
				c.expectClose(1012)
				c.Close()
				g.expectEnd("reload", "gateway")
				return
			}
			if strings.HasPrefix(test.name, "keep") {
				if r := g.await("tunnels go on without their handler"); r["tunnels"] != 1.0 || r["name"] != "chat" {
					t.Errorf("the log says %v", r)
				}
			}
			c.send(textFrame("still here"))
			c.expect(textFrame("still here"))
			c.Close()
			g.expectEnd("client_gone", "client")
		})
	}
}

// exitAfterwards has Caddy's next stop taken for the end of the process.
func exitAfterwards(t *testing.T) {
	exiting = func() bool { return true }
	t.Cleanup(func() {
		exiting = caddy.Exiting
		tunnels.mu.Lock()
		tunnels.exiting = false
		tunnels.mu.Unlock()
	})
}

// stopGateway stops Caddy as at the end of the process.
func stopGateway(t *testing.T) (stopped <-chan error) {
	exitAfterwards(t)
	done := make(chan error, 1)
	go func() { done <- caddy.Stop() }()
	return done
}

// Where drain is set, the end of the process ends tunnels one by one, refuses new
// ones meanwhile, and waits for the last.
func TestDrainAtTheEnd(t *testing.T) {
	g := startGateway(t, false, "", "ws_tunnel "+echoOrigin(t)+" {\ndrain 2s\nlinger 1m\n}")
	const tunnels = 6
	for range tunnels {
		c := g.openRunning()
		go func() {
			c.expectClose(1001)
			c.Close()
		}()
	}
	stopped := stopGateway(t)
	g.await("draining tunnels")
	late := g.dial()
	late.send(handshakeOf("/ws", ""))
	if resp := late.readAnswer(); resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "5" {
		t.Errorf("answered %d with Retry-After %q", resp.StatusCode, resp.Header.Get("Retry-After"))
	}
	g.expectRefusal("draining")
	for range tunnels {
		g.expectEnd("shutdown", "gateway")
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// openRunning opens a tunnel and waits until it carries something: later ones
// are younger.
func (g *gateway) openRunning() *peer {
	g.t.Helper()
	c := g.open()
	c.send(textFrame("open"))
	c.expect(textFrame("open"))
	return c
}

// A drain begins with the oldest tunnels and gives each its part of the time.
func TestDrainOrder(t *testing.T) {
	g := startGateway(t, false, "", "ws_tunnel "+echoOrigin(t))
	const n = 20
	var addresses []string
	for range n {
		addresses = append(addresses, g.openRunning().LocalAddr().String())
	}
	all := liveTunnels(t, n)
	d := newDrain("", all, n*time.Second)
	for i, address := range addresses {
		if !strings.Contains(d.tunnels[i].opened.text, address) {
			t.Errorf("number %d is another tunnel", i)
		}
		if due := d.due(i); due < time.Duration(i)*time.Second || due > time.Duration(i+1)*time.Second {
			t.Errorf("number %d is due after %v", i, due)
		}
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"crypto/tls"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// patience is how long a test waits for what must happen before it fails.
const patience = wstest.Patience

// gateway is a running Caddy with one server that tests talk to.
type gateway struct {
	t       *testing.T
	address string
	client  *tls.Config // trusts the gateway; nil without TLS
	config  string
	records chan record
	passed  []record // that came while another was awaited
}

// startGateway runs Caddy with one site. global is a part of the global
// options, body that of the site; withTLS serves site.test over TLS.
func startGateway(t *testing.T, withTLS bool, global, body string) *gateway {
	t.Helper()
	nothingLeft(t) // of an earlier test, whose records would pass for ours
	g := &gateway{t: t, records: testRecords}
	for len(testRecords) > 0 {
		<-testRecords // of an earlier test
	}
	site := "http://:0"
	if withTLS {
		var files string
		files, g.client = phCertificate(t)
		site, body = "https://site.test:"+freePort(t), "tls "+files+"\n"+body
	}
	g.config = fmt.Sprintf(`{
	admin off
	persist_config off
	auto_https disable_redirects
	log {
		output wstunnel_test
		level DEBUG
	}
	%s
}
%s {
	bind 127.0.0.1
	%s
}
`, global, site, body)
	if err := g.load(); err != nil {
		t.Fatal(err)
	}
	stopAfterwards(t)
	return g
}

// load loads the gateway's config, for the first time or again.
func (g *gateway) load() error {
	config, err := phAdapt(g.config)
	if err != nil {
		return err
	}
	if err := loadOrdered(config); err != nil {
		return err
	}
	g.address, err = serverAddress()
	return err
}

// freePort is a port for Caddy to listen on, with TCP and for HTTP/3 with UDP: with
// port 0 the two would differ.
func freePort(t *testing.T) string { return wstest.CaddyPort(t) }

func (g *gateway) dial() *peer {
	g.t.Helper()
	var c net.Conn
	var err error
	if g.client != nil {
		c, err = tls.Dial("tcp", g.address, g.client)
	} else {
		c, err = net.Dial("tcp", g.address)
	}
	if err != nil {
		g.t.Fatal(err)
	}
	return newPeer(g.t, c)
}

// open makes a tunnel.
func (g *gateway) open() *peer {
	g.t.Helper()
	p := g.dial()
	p.send(handshakeOf("/ws", ""))
	if head := p.readHead(); !strings.HasPrefix(head, "HTTP/1.1 101 ") {
		g.t.Fatalf("answer %q", head)
	}
	return p
}

// liveTunnels waits until n tunnels are open and returns them.
func liveTunnels(t *testing.T, n int) (open []*tunnel) {
	t.Helper()
	for deadline := time.Now().Add(patience); len(open) < n; runtime.Gosched() {
		open = nil
		tunnels.mu.Lock()
		for _, tunnel := range tunnels.live {
			if tunnel.relay != nil {
				open = append(open, tunnel)
			}
		}
		tunnels.mu.Unlock()
		if time.Now().After(deadline) {
			t.Fatalf("%d tunnels are open, not %d", len(open), n)
		}
	}
	return open
}

// nothingLeft fails the test unless the tunnels are gone from the registry and
// no goroutine of theirs remains.
func nothingLeft(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		tunnels.mu.Lock()
		live := len(tunnels.live)
		tunnels.mu.Unlock()
		all, running := stacks(), 0
		for stack := range strings.SplitSeq(all, "\n\n") {
			ours := strings.Contains(stack, "internal/relay.(") || strings.Contains(stack, "(*attempt)") || strings.Contains(stack, "(*tunnel).end(")
			if ours && !strings.Contains(stack, "internal/relay.(*epoll).run(") { // those stay
				running++
			}
		}
		if live == 0 && running == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d tunnels and %d goroutines are left:\n%s", live, running, all)
		}
		runtime.Gosched()
	}
}

// stacks are those of all goroutines.
func stacks() string {
	all := make([]byte, 1<<20)
	return string(all[:runtime.Stack(all, true)])
}

// awaitStacks waits until the stacks of all goroutines are as they should be.
func awaitStacks(t *testing.T, ok func(stacks string) bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; runtime.Gosched() {
		all := stacks()
		if ok(all) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("they stay as they are:\n%s", all)
		}
	}
}

// runs tells whether a goroutine is in a function, by what a stack calls it.
func runs(function string) func(stacks string) bool {
	return func(stacks string) bool { return strings.Contains(stacks, function) }
}

func nobodyRuns(function string) func(stacks string) bool {
	return func(stacks string) bool { return !strings.Contains(stacks, function) }
}

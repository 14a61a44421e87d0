// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// switchNode is one gateway of a fleet, which lets nobody in while the switch chat is
// off.
type switchNode struct {
	*program
	admin, port string
}

func startSwitchNode(t *testing.T, storage, origin string) switchNode {
	t.Helper()
	n := switchNode{admin: "127.0.0.1:" + wstest.FreePort(t), port: wstest.FreePort(t)}
	n.program = startCaddyfile(t, caddyfile(n.admin, "\tstorage file_system "+storage+"\n", fmt.Sprintf(`
http://127.0.0.1:%s {
	bind 127.0.0.1
	@open ws_switch chat
	route {
		ws_tunnel @open 127.0.0.1:%s {
			recheck 50ms @open
		}
		respond @open open
		respond closed 503
	}
}
`, n.port, origin)))
	n.listens(t, n.port, nil)
	return n
}

// awaitSwitch waits until the node takes the switch to be on or off.
func (n switchNode) awaitSwitch(t *testing.T, on bool) {
	t.Helper()
	timeout := time.After(wstest.Patience)
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		var state struct{ On bool }
		resp, err := http.Get("http://" + n.admin + "/ws_tunnel/switches/chat")
		if err == nil {
			err = json.NewDecoder(resp.Body).Decode(&state)
			resp.Body.Close()
		}
		if err == nil && state.On == on {
			return
		}
		select {
		case <-again.C:
		case <-timeout:
			t.Fatalf("the switch is not seen as on=%t: %v, %v", on, state, err)
		}
	}
}

func (n switchNode) expectOpen(t *testing.T, open bool) {
	t.Helper()
	resp, err := http.Get("http://127.0.0.1:" + n.port)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := resp.StatusCode == http.StatusOK; got != open {
		t.Errorf("open is %t, want %t", got, open)
	}
}

// set sets the switch at this node, by the command line.
func (n switchNode) set(t *testing.T, args ...string) string {
	t.Helper()
	args = append([]string{"ws-tunnel", "switch", "chat", "--address", n.admin}, args...)
	p := start(t, "..", nil, caddy, args...)
	p.succeeds(t)
	return p.said()
}

// expectCloseCode reads what there is until a tunnel is closed.
func expectCloseCode(t *testing.T, c *websocket.Conn, want websocket.StatusCode) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wstest.Patience)
	defer cancel()
	var err error
	for err == nil {
		_, _, err = c.Read(ctx)
	}
	if got := websocket.CloseStatus(err); got != want {
		t.Errorf("closed with %d (%v), want %d", got, err, want)
	}
}

// A switch that is set at one gateway is seen by all that have the same storage: it
// ends their tunnels, and a gateway that starts then is closed from its first request
// on.
func TestSwitchOfAFleet(t *testing.T) {
	storage, origin := t.TempDir(), wstest.FreePort(t)
	startCaddy(t, "", "http://127.0.0.1:"+origin+" {\n\tbind 127.0.0.1\n\tws_echo\n}\n").listens(t, origin, nil)
	var nodes []switchNode
	for range 3 {
		nodes = append(nodes, startSwitchNode(t, storage, origin))
	}
	var tunnels []*websocket.Conn
	for _, n := range nodes {
		n.awaitSwitch(t, true)
		n.expectOpen(t, true)
		c, _, err := websocket.Dial(t.Context(), "ws://127.0.0.1:"+n.port+"/ws", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer c.CloseNow()
		tunnels = append(tunnels, c)
	}

	if said := nodes[0].set(t, "off", "--by", "alice"); !strings.Contains(said, "chat is off, set by alice at ") {
		t.Errorf("the command said %q", said)
	}
	nodes[0].expectOpen(t, false)
	for i, n := range nodes {
		n.awaitSwitch(t, false)
		n.expectOpen(t, false)
		expectCloseCode(t, tunnels[i], websocket.StatusPolicyViolation)
		n.says(t, `"switch is off"`, `"by":"alice"`)
	}
	startSwitchNode(t, storage, origin).expectOpen(t, false)

	nodes[2].set(t, "on")
	for _, n := range nodes {
		n.awaitSwitch(t, true)
		n.expectOpen(t, true)
	}
}

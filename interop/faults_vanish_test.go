// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"golang.org/x/sys/unix"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// A host that vanishes, without a word to anybody, takes its own tunnels with it, be it
// a client's or an origin's. It is a network namespace of which the cable is pulled.
func TestHostVanishes(t *testing.T) {
	host := newHost(t)
	var origin net.Listener
	host.inside(t, func() (err error) {
		origin, err = net.Listen("tcp", host.address+":0")
		return err
	})
	server := httptest.NewUnstartedServer(coderEcho(new(websocket.AcceptOptions)))
	server.Listener.Close()
	server.Listener = origin
	server.Start()
	t.Cleanup(server.Close)
	port := wstest.FreePort(t)
	l := labPlan{
		originPort: coderOrigin(t, websocket.CompressionDisabled), global: "\tmetrics\n",
		sites:   "http://" + host.gateway + ":" + port + " {\n\tbind " + host.gateway + "\n\timport chat\n}\n",
		routes:  "\tws_tunnel /there " + origin.Addr().String() + " {\n\t\tdial_timeout 1s\n\t\theartbeat 1s 1s\n\t}\n",
		options: "heartbeat 1s 1s",
	}.start(t)
	before := l.warmUp(t)
	bystanders := l.standBy(t, 3)

	near := dialCoder(t, "ws://"+l.http+"/there")
	near.echoes(t, []byte("hello"))
	far := dialCoderWith(t, "ws://"+host.gateway+":"+port+"/chat/far", &websocket.DialOptions{HTTPClient: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (conn net.Conn, err error) {
			host.inside(t, func() error {
				conn, err = new(net.Dialer).DialContext(ctx, network, address)
				return nil
			})
			return conn, err
		},
	}}})
	far.echoes(t, []byte("hello"))

	host.vanish(t)
	if saw := near.end(); saw != (ending{1001, true}) {
		t.Errorf("the client of the origin that vanished saw %+v", saw)
	}
	if r := l.record(t, "/there"); r.Reason != "heartbeat_timeout" || r.Side != "origin" {
		t.Errorf("the record of the origin that vanished is %+v", r)
	}
	if r := l.record(t, "/chat/far"); r.Reason != "heartbeat_timeout" || r.Side != "client" {
		t.Errorf("the record of the client that vanished is %+v", r)
	}
	_, port, _ = strings.Cut(l.http, ":")
	if a := ask(t, port, nil, l.http, "/there", wstest.Upgrade); a.StatusCode != http.StatusGatewayTimeout && a.StatusCode != http.StatusBadGateway {
		t.Errorf("who wants to go there is answered %s", a.Status)
	}
	bystanders.goOn(t)
	bystanders.leaveWell(t)
	l.leavesNothing(t, before)
}

// host is a network namespace with a cable to this one.
type host struct {
	name, cable      string
	address, gateway string // its own, and ours
}

func newHost(t *testing.T) *host {
	t.Helper()
	n := os.Getpid()
	h := &host{
		name: fmt.Sprintf("wstunnel-%d", n), cable: fmt.Sprintf("wst%d", n),
		gateway: fmt.Sprintf("198.18.%d.1", n%256), address: fmt.Sprintf("198.18.%d.2", n%256), // RFC 2544: for tests
	}
	t.Cleanup(func() {
		_ = exec.Command("ip", "link", "delete", h.cable).Run()
		_ = exec.Command("ip", "netns", "delete", h.name).Run()
	})
	h.ip(t, "netns", "add", h.name)
	h.ip(t, "link", "add", h.cable, "type", "veth", "peer", "name", "eth0", "netns", h.name)
	h.ip(t, "address", "add", h.gateway+"/30", "dev", h.cable)
	h.ip(t, "link", "set", h.cable, "up")
	h.ip(t, "-n", h.name, "address", "add", h.address+"/30", "dev", "eth0")
	h.ip(t, "-n", h.name, "link", "set", "eth0", "up")
	return h
}

func (h *host) vanish(t *testing.T) {
	t.Helper()
	h.ip(t, "-n", h.name, "link", "set", "eth0", "down")
}

func (h *host) ip(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s, for which the test needs root: %v: %s", strings.Join(args, " "), err, out)
	}
}

// inside calls a function in the host. The sockets that it makes stay there.
func (h *host) inside(t *testing.T, do func() error) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // for ever: the thread ends with the goroutine
		namespace, err := os.Open("/var/run/netns/" + h.name)
		if err == nil {
			defer namespace.Close()
			err = unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET)
		}
		if err == nil {
			err = do()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Errorf("in the host: %v", err)
	}
}

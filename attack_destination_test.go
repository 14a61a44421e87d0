// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// What a client says cannot make another kind of origin of the config's, nor lead out
// of the name that the config has for it.
func TestAttackOriginByPlaceholder(t *testing.T) {
	const header = "{http.request.header.X}"
	tests := []struct {
		origin, says string
		want         string // nothing: refused
	}{
		{header + ":8000", "backend-2", "ws://backend-2:8000"},
		{header + ":8000", "10.0.0.7", "ws://10.0.0.7:8000"},
		{header + ":8000", "10.0.0.7:22/", ""},
		{header + ":8000", "10.0.0.7:22#", ""},
		{header + ":8000", "10.0.0.7:22", ""},
		{header + ":8000", "wss://10.0.0.7", ""},
		{header + ":8000", "unix//run/docker.sock", ""},
		{header + ":8000", "user@10.0.0.7", ""},
		{header + ":8000", "[fe80::1", ""},
		{header + ":8000", "a b", ""},
		{header + ":8000", "a\x1b[2J", ""},
		{header + ":8000", "b\u00fccher", ""},
		{header + ":8000", "169.254.169.254", ""},
		{header + ":8000", "0.0.0.0", ""},
		{header + ":8000", "{env.PATH}", ""},
		{header + ".svc.internal:8000", "tenant", "ws://tenant.svc.internal:8000"},
		{header + ".svc.internal:8000", "a.tenant", "ws://a.tenant.svc.internal:8000"},
		{header + ".svc.internal:8000", "evil.test/", ""},
		{header + ".svc.internal:8000", "evil.test#", ""},
		{header + ".svc.internal:8000", "unix//tmp/x", ""},
		{"wss://" + header + ".svc.internal", "evil.test:443", ""},
		{"wss://10.0.0." + header + ":8443", "7", "wss://10.0.0.7:8443"},
		{"wss://10.0.0." + header + ":8443", "7.evil.test", ""},
		{"wss://10.0.0." + header, "7:22", ""},
		{"ws://169.254.169." + header, "254", ""},
		{"ws://[" + header + "]:8000", "2001:db8::1", "ws://[2001:db8::1]:8000"},
		{"ws://[" + header + "]:8000", "::ffff:169.254.169.254", ""},
		{"ws://[" + header + "]:8000", "64:ff9b::a9fe:a9fe", ""},
		{"ws://[" + header + "]:8000", "fe80::1%eth0", ""},
		{"ws://[" + header + "]:8000", "::1]:22/[", ""},
		{"localhost:" + header, "9000", "ws://localhost:9000"},
		{"localhost:" + header, "9000@evil.test", ""},
		{"unix//run/" + header + ".sock", "app", "unix//run/app.sock"},
		{"unix//run/" + header + ".sock", "../docker", ""},
		{"unix//run/" + header + "/app.sock", "..", ""},
		{"unix//run/" + header + ".sock", "docker.sock\x00", ""},
		{header, "10.0.0.7:8000", "ws://10.0.0.7:8000"}, // as the config says
		{header, "wss://app.test", "wss://app.test:443"},
		{header, "unix//run/docker.sock", ""},
		{"unix/" + header, "/run/docker.sock", ""},
		{header, "169.254.169.254:80", ""},
		{header, "[fd00:ec2::254]:80", ""},
		{header, "127.0.0.1:2019", ""},
		{header, "ws://[::1]:2019", ""},
		{"ws://" + header, "[::1", ""},
		{"{http.vars.x}", "unix//run/app.sock", "unix//run/app.sock"}, // a map of the config has it
		{"{http.vars.x}", "169.254.169.254:80", ""},
		{"{env.ATTACK_ORIGIN}", "169.254.7.7:80", "ws://169.254.7.7:80"},
		{"localhost:" + header + "{", "9000", ""},
	}
	for _, test := range tests {
		t.Run(test.origin+" "+test.says, func(t *testing.T) {
			t.Setenv("ATTACK_ORIGIN", strings.ReplaceAll(test.says, "\x00", ""))
			repl := caddy.NewReplacer()
			repl.Set("http.request.header.X", test.says)
			repl.Set("http.vars.x", test.says)
			o, err := new(Handler).resolve(test.origin, repl)
			if test.want == "" {
				if err == nil {
					t.Errorf("leads to %s", o)
				}
			} else if err != nil || o.String() != test.want {
				t.Errorf("leads to %s (%v), want %s", o, err, test.want)
			}
		})
	}
}

// A name is as good as an address: what it stands for is looked at before a
// connection is made.
func TestAttackOriginByName(t *testing.T) {
	reached := startOrigin(t, nil, func(*peer) { t.Error("the origin was bothered") })
	_, port, err := net.SplitHostPort(reached)
	if err != nil {
		t.Fatal(err)
	}
	for _, local := range []string{"", "local_address 127.0.0.1\n"} {
		g := startGateway(t, false, "", "ws_tunnel {header.X-Target} {\n"+local+"}")
		for _, name := range []string{"localhost", "2130706433", "127.1"} { // the latter as inet_aton has them
			c := g.dial()
			c.send(handshakeOf("/", "X-Target: "+name+":"+port+"\r\n"))
			if resp := c.readAnswer(); resp.StatusCode != http.StatusBadGateway {
				t.Errorf("%s: %s", name, resp.Status)
			}
			g.expectRefusal("dial_failed")
		}
	}
}

// The config itself may lead anywhere, and to this machine where it says the port.
func TestAttackOriginOfConfig(t *testing.T) {
	reached := echoOrigin(t)
	host, port, err := net.SplitHostPort(reached)
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"{header.X-Target}:" + port, host + ":{header.X-Port}", "{http.vars.to}", "{env.ATTACK_ORIGIN}"} {
		t.Setenv("ATTACK_ORIGIN", reached)
		g := startGateway(t, false, "", "vars to "+reached+"\nws_tunnel "+to)
		c := g.dial()
		c.send(handshakeOf("/", "X-Target: localhost\r\nX-Port: "+port+"\r\n"))
		if head := c.readHead(); !strings.HasPrefix(head, "HTTP/1.1 101 ") {
			t.Errorf("%s: %q", to, head)
		}
		c.Close()
		g.expectEnd("client_gone", "client")
	}
}

// A path leads to no socket and to no other host, whatever is in it.
func TestAttackOriginByPath(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "secret.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	serveOrigin(t, l, func(*peer) { t.Error("the socket was reached") })
	for _, to := range []string{"{http.request.uri.path}", "unix/{http.request.uri.path}", "unix//run/x{http.request.uri.path.file}", "{path.0}:80", "{query.to}", "ws://{query.to}", "{http.regexp.to.0}", "unix/{re.to.0}"} {
		g := startGateway(t, false, "", "@all path_regexp to /.*\nws_tunnel @all "+to)
		for _, path := range []string{socket, "/unix/" + socket, "/?to=unix/" + socket, "/..%2f..%2f" + strings.ReplaceAll(socket, "/", "%2f"), "/?to=169.254.169.254", "http://169.254.169.254/"} {
			c := g.dial()
			c.send(handshakeOf(path, ""))
			if resp := c.readAnswer(); resp.StatusCode != http.StatusServiceUnavailable && resp.StatusCode != http.StatusBadGateway {
				t.Errorf("%s, %s: %s", to, path, resp.Status)
			}
		}
	}
}

// What one looks up dynamically, by a client's words, is looked at too.
func TestAttackDynamicOrigin(t *testing.T) {
	g := startGateway(t, false, "", "ws_tunnel {\ndynamic a {header.X-Target} 80\n}")
	c := g.dial()
	c.send(handshakeOf("/", "X-Target: 169.254.169.254\r\n"))
	if resp := c.readAnswer(); resp.StatusCode != http.StatusBadGateway {
		t.Error(resp.Status)
	}
	if r := g.expectRefusal("dial_failed"); !strings.Contains(r["error"].(string), errReserved.Error()) {
		t.Errorf("%v", r)
	}
}

func FuzzOriginFill(f *testing.F) {
	for _, value := range []string{"a", "a.b", "1:22/", "unix//x", "::1", "..", "169.254.169.254", "\u2024", "a%00"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		repl := caddy.NewReplacer()
		repl.Set("http.request.header.X", value)
		h := new(Handler)
		if o, err := h.resolve("{http.request.header.X}.svc.internal:8000", repl); err == nil && (o.network != "tcp" || o.tls || o.port != "8000" || !strings.HasSuffix(o.host, ".svc.internal")) {
			t.Errorf("%q leads to %s", value, o)
		}
		if o, err := h.resolve("ws://10.0.0.{http.request.header.X}", repl); err == nil && (o.port != "80" || strings.Count(o.host, ".") != 3 || !strings.HasPrefix(o.host, "10.0.0.")) {
			t.Errorf("%q leads to %s", value, o)
		}
		if o, err := h.resolve("unix//run/{http.request.header.X}.sock", repl); err == nil && (o.network != "unix" || filepath.Dir(o.host) != "/run") {
			t.Errorf("%q leads to %s", value, o)
		}
		if o, err := h.resolve("{http.request.header.X}", repl); err == nil {
			if ip, err := netip.ParseAddr(o.host); o.network != "tcp" || err == nil && (ip.Unmap().IsLoopback() || ip.Unmap().IsLinkLocalUnicast()) {
				t.Errorf("%q leads to %s", value, o)
			}
		}
	})
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/frame"
)

// expectFrame reads a whole frame.
func (p *peer) expectFrame(opcode frame.Opcode) frame.Frame {
	p.t.Helper()
	f, err := frame.Read(p.r, 1<<20)
	if err != nil || f.Opcode != opcode {
		p.t.Fatalf("got %+v (%v), want opcode %d", f, err, opcode)
	}
	return f
}

func TestEcho(t *testing.T) {
	for _, version := range []string{"HTTP/1.1", "HTTP/2.0", "HTTP/3.0"} {
		t.Run(version, func(t *testing.T) {
			g := startGateway(t, true, "servers {\nlistener_wrappers {\nproxy_header {\noptional 127.0.0.0/8\n}\ntls\n}\n}", "ws_echo")
			c := g.openVersion(version, "X-Asked", "yes")
			var first saw
			if err := json.Unmarshal(c.expectFrame(frame.Text).Payload, &first); err != nil {
				t.Fatal(err)
			}
			if first.Headers.Get("X-Asked") != "yes" || first.Host != "site.test" || first.ServerName != "site.test" ||
				first.ClientIP != "127.0.0.1" || first.ProxyHeader != nil {
				t.Errorf("saw %+v", first)
			}
			c.send(textFrame("hi"))
			c.expect(textFrame("hi"))
			c.send(string(frame.AppendPing(nil, []byte("p"), true)))
			if f := c.expectFrame(frame.Pong); string(f.Payload) != "p" {
				t.Errorf("pong %q", f.Payload)
			}
			c.send("\x8a\x00" + "\x01\x01a" + "\x80\x01b") // a pong nobody asked for, a message in two fragments
			c.expect("\x01\x01a" + "\x80\x01b")
			c.send(closeFrame(1000))
			c.expectClose(1000)
			c.Close()
		})
	}
}

// What the PROXY header of a connection said is part of what the origin saw.
func TestEchoTellsProxyHeader(t *testing.T) {
	g := startGateway(t, false, "servers {\nlistener_wrappers {\nproxy_header 127.0.0.0/8\n}\n}", "ws_echo")
	c := g.dial()
	c.send(phLineV1 + handshakeOf("/", ""))
	c.readHead()
	text := string(c.expectFrame(frame.Text).Payload)
	for _, want := range []string{`"source":"203.0.113.7:56324"`, `"destination":"198.51.100.22:443"`, `"version":"1"`, `"remote_addr":"203.0.113.7:56324"`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	c.Close()
}

// Over HTTP/1.1 it goes on across reloads, as the tunnels to it do.
func TestEchoOutlivesItsConfig(t *testing.T) {
	g := startGateway(t, false, "", "ws_echo")
	c := g.open()
	if _, err := frame.Read(c.r, 1<<20); err != nil {
		t.Fatal(err)
	}
	if err := g.load(); err != nil {
		t.Fatal(err)
	}
	c.send(string(frame.Frame{Fin: true, Opcode: frame.Text, Payload: []byte("still here")}.Append(nil)))
	if f, err := frame.Read(c.r, 1<<20); err != nil || string(f.Payload) != "still here" {
		t.Errorf("got %+v (%v)", f, err)
	}
	c.Close()
}

func TestEchoRefusesBadHandshakes(t *testing.T) {
	g := startGateway(t, false, "", "route {\nws_echo\nrespond passed\n}")
	c := g.dial()
	c.send(strings.Replace(handshakeOf("/", ""), testKey, "x", 1))
	if resp := c.readAnswer(); resp.StatusCode != 400 || !resp.Close {
		t.Errorf("status %s, close %v", resp.Status, resp.Close)
	}
}

// An echo over a stream lives in the server's connection: it ends with its
// config, or the server could not stop.
func TestEchoEndsWithItsConfig(t *testing.T) {
	for _, version := range streamVersions {
		t.Run(version, func(t *testing.T) {
			g := startGateway(t, true, "", "ws_echo")
			c := g.openVersion(version)
			c.expectFrame(frame.Text)
			if err := g.load(); err != nil {
				t.Fatal(err)
			}
			if _, err := frame.Read(c.r, 1); err == nil {
				t.Error("it goes on")
			}
			c.Close()
		})
	}
}

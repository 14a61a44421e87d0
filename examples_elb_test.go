// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"io"
	"net"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

const (
	exClientLine = "PROXY TCP4 124.100.123.123 10.0.8.154 53971 8888"
	exClientSees = "124.100.123.123 came through 127.0.0.1 to 10.0.8.154:8888\n"
)

func exampleELB(t *testing.T, file string) {
	origin, partner := wstest.NewOrigin(t), wstest.NewOrigin(t)
	s := exRun(t, file, map[string]string{"8000": origin.Address, "8001": partner.Address})
	vpce := phVector(t, "sender-aws-nlb-vpce-example")

	for _, listener := range []struct {
		name, port string
		tls        bool
	}{{"plain", "8888", false}, {"TLS", "8443", true}} {
		t.Run(listener.name, func(t *testing.T) {
			ask := func(proxy, fields string) wstest.Answer {
				t.Helper()
				return s.ask(t, exAsk{port: listener.port, tls: listener.tls, proxy: proxy, host: "localhost", path: "/", fields: fields})
			}
			if got := ask(exClientLine+"\r\n", wstest.Plain).Text; got != exClientSees {
				t.Errorf("version 1: %q", got)
			}
			if got := ask(vpce, wstest.Plain).Text; got != "172.31.7.113 came through 127.0.0.1 to 172.31.10.31:80\n" {
				t.Errorf("version 2: %q", got)
			}

			ask(exClientLine+"\r\n", wstest.Upgrade).Echoes(t, "Hello")
			asked := origin.Next(t)
			if asked.Proxy != exClientLine || asked.Header.Get("X-Forwarded-For") != "124.100.123.123" {
				t.Errorf("origin saw %q and %v", asked.Proxy, asked.Header)
			}

			ask(vpce, wstest.Upgrade).Echoes(t, "Hello")
			asked = partner.Next(t)
			if asked.Proxy != "" || asked.Header.Get("X-VPC-Endpoint") != "vpce-08d2bf15fac5001c9" {
				t.Errorf("the partner's origin saw %q and %v", asked.Proxy, asked.Header)
			}
		})
	}
	t.Run("health checks", func(t *testing.T) {
		for name, sent := range map[string]string{"connect": "", "ELB": exClientLine + "\r\n", "NLB": phVector(t, "sender-aws-nlb-health-check")} {
			conn := wstest.Dial(t, s.ports["8888"])
			_, _ = io.WriteString(conn, sent)
			_ = conn.(*net.TCPConn).CloseWrite()
			if got, err := io.ReadAll(conn); err != nil || len(got) > 0 {
				t.Errorf("%s: answered %q, %v", name, got, err)
			}
		}
		if lines := s.logs.lines(t, "connection ended without a byte"); len(lines) != 1 || lines[0]["level"] != "debug" {
			t.Errorf("logged %v", lines)
		}
		if lines := s.logs.lines(t, "connection rejected"); len(lines) != 0 {
			t.Errorf("logged %v", lines)
		}
	})
	t.Run("no header", func(t *testing.T) {
		conn := wstest.Dial(t, s.ports["8888"])
		_, _ = io.WriteString(conn, phGet)
		if got, _ := io.ReadAll(conn); len(got) > 0 {
			t.Errorf("answered %q", got)
		}
	})
}

// TestExampleELBEcho has the example's own echo server say what it was sent.
func TestExampleELBEcho(t *testing.T) {
	s := exRun(t, "examples/aws-elb-proxy-protocol.caddyfile", map[string]string{"8001": wstest.Listen(t).Addr().String()})
	tunnel := s.ask(t, exAsk{port: "8888", proxy: exClientLine + "\r\n", host: "localhost", path: "/", fields: wstest.Upgrade})
	saw := tunnel.Saw(t)
	if saw.ProxyHeader["version"] != "1" || saw.ProxyHeader["source"] != "124.100.123.123:53971" ||
		saw.ProxyHeader["destination"] != "10.0.8.154:8888" || saw.RemoteAddr != "124.100.123.123:53971" {
		t.Errorf("the echo server saw %v from %s", saw.ProxyHeader, saw.RemoteAddr)
	}
	tunnel.Echoes(t, "Quit")
}

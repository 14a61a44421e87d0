// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"io"
	"net"
	"testing"
)

const (
	exClientLine = "PROXY TCP4 124.100.123.123 10.0.8.154 53971 8888"
	exClientSees = "124.100.123.123 came through 127.0.0.1 to 10.0.8.154:8888\n"
)

func exampleELB(t *testing.T, file string) {
	origin, partner := newExOrigin(t), newExOrigin(t)
	s := exRun(t, file, map[string]string{"8000": origin.address, "8001": partner.address})
	vpce := phVector(t, "sender-aws-nlb-vpce-example")

	for _, listener := range []struct {
		name, port string
		tls        bool
	}{{"plain", "8888", false}, {"TLS", "8443", true}} {
		t.Run(listener.name, func(t *testing.T) {
			ask := func(proxy, fields string) exAnswer {
				t.Helper()
				return s.ask(t, exAsk{port: listener.port, tls: listener.tls, proxy: proxy, host: "localhost", path: "/", fields: fields})
			}
			if got := ask(exClientLine+"\r\n", exPlain).body; got != exClientSees {
				t.Errorf("version 1: %q", got)
			}
			if got := ask(vpce, exPlain).body; got != "172.31.7.113 came through 127.0.0.1 to 172.31.10.31:80\n" {
				t.Errorf("version 2: %q", got)
			}

			ask(exClientLine+"\r\n", exUpgrade).echoes(t, "Hello")
			asked := origin.next(t)
			if asked.proxy != exClientLine || asked.Header.Get("X-Forwarded-For") != "124.100.123.123" {
				t.Errorf("origin saw %q and %v", asked.proxy, asked.Header)
			}

			ask(vpce, exUpgrade).echoes(t, "Hello")
			asked = partner.next(t)
			if asked.proxy != "" || asked.Header.Get("X-VPC-Endpoint") != "vpce-08d2bf15fac5001c9" {
				t.Errorf("the partner's origin saw %q and %v", asked.proxy, asked.Header)
			}
		})
	}
	t.Run("health checks", func(t *testing.T) {
		for name, sent := range map[string]string{"connect": "", "ELB": exClientLine + "\r\n", "NLB": phVector(t, "sender-aws-nlb-health-check")} {
			conn := s.dial(t, "8888")
			_, _ = io.WriteString(conn, sent)
			_ = conn.(*net.TCPConn).CloseWrite()
			if got, err := io.ReadAll(conn); err != nil || len(got) > 0 {
				t.Errorf("%s: answered %q, %v", name, got, err)
			}
		}
		logs := phSite{logs: s.logs}
		if lines := logs.logLines(t, "connection ended without a byte"); len(lines) != 1 || lines[0]["level"] != "debug" {
			t.Errorf("logged %v", lines)
		}
		if lines := logs.logLines(t, "connection rejected"); len(lines) != 0 {
			t.Errorf("logged %v", lines)
		}
	})
	t.Run("no header", func(t *testing.T) {
		conn := s.dial(t, "8888")
		_, _ = io.WriteString(conn, phGet)
		if got, _ := io.ReadAll(conn); len(got) > 0 {
			t.Errorf("answered %q", got)
		}
	})
}

// TestExampleELBEcho has the example's own echo server say what it was sent.
func TestExampleELBEcho(t *testing.T) {
	s := exRun(t, "examples/aws-elb-proxy-protocol.caddyfile", map[string]string{"8001": exSilent(t).Addr().String()})
	tunnel := s.ask(t, exAsk{port: "8888", proxy: exClientLine + "\r\n", host: "localhost", path: "/", fields: exUpgrade})
	saw := tunnel.saw(t)
	if saw.ProxyHeader["version"] != "1" || saw.ProxyHeader["source"] != "124.100.123.123:53971" ||
		saw.ProxyHeader["destination"] != "10.0.8.154:8888" || saw.RemoteAddr != "124.100.123.123:53971" {
		t.Errorf("the echo server saw %v from %s", saw.ProxyHeader, saw.RemoteAddr)
	}
	tunnel.echoes(t, "Quit")
}

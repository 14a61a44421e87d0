// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// examples is what each file of examples/ is said to do.
var examples = map[string]func(t *testing.T, file string){
	"apache-websocket":        exampleApache,
	"aws-elb-proxy-protocol":  exampleELB,
	"cloudflare-origin-rules": exampleCloudflare,
	"demo":                    exampleDemo,
	"haproxy-frontend":        exampleHAProxy,
}

func TestExamples(t *testing.T) {
	files, err := filepath.Glob("examples/*.caddyfile")
	if err != nil || len(files) != len(examples) {
		t.Errorf("there are %d examples and %d tests of them, %v", len(files), len(examples), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".caddyfile")
		t.Run(name, func(t *testing.T) {
			example := examples[name]
			if example == nil {
				t.Fatal("no test")
			}
			exCheckFile(t, file)
			example(t, file)
		})
	}
}

// exCheckFile says what `caddy fmt --diff` and `caddy validate` say.
func exCheckFile(t *testing.T, file string) {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(caddyfile.Format(source), source) {
		t.Error("not formatted")
	}
	dir := t.TempDir()
	t.Setenv("XDG_DATA_HOME", dir) // validating makes an authority
	config := exAdapt(t, file)
	config["storage"] = map[string]any{"module": "file_system", "root": dir}
	raw, err := json.Marshal(config)
	if err == nil {
		err = phValidate(raw)
	}
	if err != nil {
		t.Error(err)
	}
}

func exampleDemo(t *testing.T, file string) {
	s := exRun(t, file, nil)
	if page := s.ask(t, exAsk{port: "8080", host: "localhost", path: "/", fields: exPlain}); !strings.Contains(page.body, "What the origin saw") {
		t.Errorf("%s: %s", page.Status, page.body)
	}
	tunnel := s.ask(t, exAsk{port: "8080", host: "localhost", path: "/ws", fields: exUpgrade})
	saw := tunnel.saw(t)
	if saw.ProxyHeader["version"] != "2" || saw.ProxyHeader["tlv.0x02"] != "6c6f63616c686f7374" || saw.ProxyHeader["tlv.0x05"] == "" {
		t.Errorf("origin saw %v", saw.ProxyHeader)
	}
	tunnel.echoes(t, "hello")
}

func exampleCloudflare(t *testing.T, file string) {
	origin := newExOrigin(t)
	s := exRun(t, file, map[string]string{"8000": origin.address})
	ask := func(path, fields string) exAnswer {
		t.Helper()
		return s.ask(t, exAsk{port: "8443", tls: true, host: "wscat.example.com", path: path, fields: fields})
	}

	t.Run("the rest stays", func(t *testing.T) {
		if got := ask("/page", exPlain).body; got != "The site, asked for wscat.example.com/page\n" {
			t.Errorf("%q", got)
		}
		version12 := strings.Replace(exUpgrade, "13", "12", 1)
		if got := ask("/", version12+exPlain).body; got != "The site, asked for wscat.example.com/\n" {
			t.Errorf("the rule wants version 13, and of 12 %q came", got)
		}
	})
	t.Run("address", func(t *testing.T) {
		for _, fields := range []string{
			exUpgrade,
			strings.Replace(strings.Replace(exUpgrade, "Upgrade\r\n", "keep-alive, upgrade\r\n", 1), "websocket", "WebSocket", 1),
		} {
			ask("/chat?room=1", fields).echoes(t, "hello websocket")
			asked := origin.next(t)
			if asked.Host != "wscat.example.com:8443" || asked.RequestURI != "/chat?room=1" ||
				asked.Header.Get("X-Forwarded-Proto") != "https" || asked.Header.Get("X-Forwarded-For") != "127.0.0.1" {
				t.Errorf("origin saw %s%s, %v", asked.Host, asked.RequestURI, asked.Header)
			}
		}
	})
	for _, test := range []struct{ override, host, serverName string }{
		{"port", "wscat.example.com:8443", ""},
		{"host", "resolve.example.com", ""},
		{"sni", "wscat.example.com:8443", "resolve.example.com"},
		{"all", "app.example.com", "resolve.example.com"},
	} {
		t.Run(test.override, func(t *testing.T) {
			tunnel := ask("/"+test.override, exUpgrade)
			if saw := tunnel.saw(t); saw.Host != test.host || saw.ServerName != test.serverName {
				t.Errorf("origin saw Host %q, SNI %q", saw.Host, saw.ServerName)
			}
			tunnel.echoes(t, "hello websocket")
		})
	}
}

// TestExampleCloudflareWithoutOrigin is the other half of what the example
// claims: where Cloudflare says 522, there is 502 or 504.
func TestExampleCloudflareWithoutOrigin(t *testing.T) {
	impatient := func(config any) {
		exWalk(config, func(object map[string]any) {
			if object["handler"] == "ws_tunnel" {
				object["handshake_timeout"] = "100ms"
			}
		})
	}
	for _, test := range []struct {
		name, origin string
		status       int
	}{
		{"nobody listens", "unix/" + filepath.Join(t.TempDir(), "nobody"), http.StatusBadGateway},
		{"nobody answers", exSilent(t).Addr().String(), http.StatusGatewayTimeout},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := exRun(t, "examples/cloudflare-origin-rules.caddyfile", map[string]string{"8000": test.origin}, impatient)
			answer := s.ask(t, exAsk{port: "8443", tls: true, host: "localhost", path: "/", fields: exUpgrade})
			if answer.StatusCode != test.status {
				t.Errorf("%s", answer.Status)
			}
			if site := s.ask(t, exAsk{port: "8443", tls: true, host: "localhost", path: "/", fields: exPlain}); site.StatusCode != http.StatusOK {
				t.Errorf("the site: %s", site.Status)
			}
		})
	}
}

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

func exampleApache(t *testing.T, file string) {
	var now atomic.Pointer[time.Time]
	clock := windowClock
	t.Cleanup(func() { windowClock = clock })
	windowClock = func() time.Time { return *now.Load() }

	chat, site := newExOrigin(t), newExOrigin(t)
	s := exRun(t, file, map[string]string{"8080": chat.address, "3000": site.address})
	const (
		password  = "Authorization: Basic dXNlcm5hbWU6b3Blbi1zZXNhbWU=\r\n"
		wrong     = "Authorization: Basic dXNlcm5hbWU6c2VzYW1l\r\n"
		trusted   = "Origin: https://trustedsite.com\r\n"
		foreign   = "Origin: https://trustedsite.com.evil.example\r\n"
		lan       = "X-Forwarded-For: 192.168.1.77\r\n"
		office    = "X-Forwarded-For: 10.9.8.7, 203.0.113.9\r\n"
		elsewhere = "X-Forwarded-For: 203.0.113.9, 192.168.2.1\r\n"
	)
	for _, test := range []struct {
		name, path, fields, clock string
		origin                    *exOrigin // nil: not asked
		status                    int
		uri                       string // that the origin saw
	}{
		{"tunnel", "/ws/room?n=1", exUpgrade, "12:00", chat, 101, "/room?n=1"},
		{"not a WebSocket", "/ws/room", exPlain, "12:00", chat, 200, "/room"},
		{"the rest", "/index.html", exPlain, "12:00", site, 200, "/index.html"},
		{"hours, opening", "/hours/a", exUpgrade, "09:00", chat, 101, "/a"},
		{"hours, before", "/hours/a", exPlain, "08:59", site, 200, "/hours/a"},
		{"hours, closing", "/hours/a", exUpgrade, "17:59", chat, 101, "/a"},
		{"hours, after", "/hours/a", exPlain, "18:00", site, 200, "/hours/a"},
		{"address, no", "/lan/a", exUpgrade, "12:00", nil, 403, ""},
		{"address, one", "/lan/a", exUpgrade + lan, "12:00", chat, 101, "/a"},
		{"address, another", "/lan/a", exUpgrade + office, "12:00", chat, 101, "/a"},
		{"address, claimed", "/lan/a", exUpgrade + elsewhere, "12:00", nil, 403, ""},
		{"no password", "/members/a", exUpgrade, "12:00", nil, 401, ""},
		{"wrong password", "/members/a", exUpgrade + wrong, "12:00", nil, 401, ""},
		{"password", "/members/a", exUpgrade + password, "12:00", chat, 101, "/a"},
		{"no Origin", "/page/a", exUpgrade, "12:00", nil, 403, ""},
		{"foreign Origin", "/page/a", exUpgrade + foreign, "12:00", nil, 403, ""},
		{"trusted Origin", "/page/a", exUpgrade + trusted, "12:00", chat, 101, "/a"},
	} {
		t.Run(test.name, func(t *testing.T) {
			at, err := time.ParseInLocation("15:04", test.clock, time.Local)
			if err != nil {
				t.Fatal(err)
			}
			now.Store(&at)
			answer := s.ask(t, exAsk{port: "8443", tls: true, host: "chat.example.com", path: test.path, fields: test.fields})
			if answer.StatusCode != test.status {
				t.Errorf("%s: %s", answer.Status, answer.body)
			}
			if realm := answer.Header.Get("WWW-Authenticate"); test.status == 401 && realm != `Basic realm="Restricted Access"` {
				t.Errorf("WWW-Authenticate: %s", realm)
			}
			if test.status == 101 {
				answer.echoes(t, "hello")
			}
			if test.origin == nil {
				if len(chat.asked)+len(site.asked) > 0 {
					t.Error("an origin was asked")
				}
				return
			}
			if asked := test.origin.next(t); asked.RequestURI != test.uri || !strings.HasPrefix(asked.Host, "localhost:") {
				t.Errorf("origin saw %s%s", asked.Host, asked.RequestURI)
			}
		})
	}
	t.Run("origin with TLS", func(t *testing.T) {
		tunnel := s.ask(t, exAsk{port: "8443", tls: true, host: "chat.example.com", path: "/wss/a", fields: exUpgrade})
		if saw := tunnel.saw(t); saw.URI != "/a" || saw.ServerName != "localhost" || saw.Host != "localhost:8081" {
			t.Errorf("origin saw %s%s, SNI %s", saw.Host, saw.URI, saw.ServerName)
		}
	})
}

func exampleHAProxy(t *testing.T, file string) {
	origin := newExOrigin(t)
	s := exRun(t, file, map[string]string{"8180": origin.address})
	for _, test := range []struct {
		name, host, fields string
		proxied            bool
	}{
		{"WebSocket", "device.example.com", exUpgrade, true},
		{"Upgrade in any case", "device.example.com", strings.Replace(exUpgrade, "websocket", "WebSocket", 1), true},
		{"Host ws", "ws.example.com", exPlain, true},
		{"both", "ws.example.com", exUpgrade, true},
		{"neither", "device.example.com", exPlain, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := s.ask(t, exAsk{port: "8543", tls: true, host: test.host, path: "/a", fields: test.fields})
			if strings.Contains(test.fields, "Key") {
				answer.echoes(t, "hello")
			} else if answer.body != "origin" {
				t.Errorf("%s: %s", answer.Status, answer.body)
			}
			asked := origin.next(t)
			proxied := ""
			if answer.StatusCode == http.StatusSwitchingProtocols {
				_, from, _ := net.SplitHostPort(answer.conn.LocalAddr().String())
				_, to, _ := net.SplitHostPort(answer.conn.RemoteAddr().String())
				proxied = "PROXY TCP4 127.0.0.1 127.0.0.1 " + from + " " + to
			} else if test.proxied {
				proxied = "PROXY TCP4 127.0.0.1 0.0.0.0 0 0" // all that reverse_proxy tells
			}
			if asked.proxy != proxied {
				t.Errorf("origin was sent %q, want %q", asked.proxy, proxied)
			}
			if asked.Host != test.host+":8543" || asked.Header.Get("X-Forwarded-Proto") != "https" {
				t.Errorf("origin saw %s, %v", asked.Host, asked.Header)
			}
		})
	}
}

// TestExampleHAProxyApplication has the application of the example itself take
// both kinds of connections on one port.
func TestExampleHAProxyApplication(t *testing.T) {
	s := exRun(t, "examples/haproxy-frontend.caddyfile", nil)
	tunnel := s.ask(t, exAsk{port: "8543", tls: true, host: "localhost", path: "/", fields: exUpgrade})
	if saw := tunnel.saw(t); saw.ProxyHeader["source"] != tunnel.conn.LocalAddr().String() {
		t.Errorf("the application saw %v", saw.ProxyHeader)
	}
	plain := s.ask(t, exAsk{port: "8543", tls: true, host: "device.example.com", path: "/", fields: exPlain})
	if plain.body != "device.example.com from \n" {
		t.Errorf("%q", plain.body)
	}
	ws := s.ask(t, exAsk{port: "8543", tls: true, host: "ws.example.com", path: "/", fields: exPlain})
	if ws.body != "ws.example.com from 127.0.0.1\n" {
		t.Errorf("%q", ws.body)
	}
}

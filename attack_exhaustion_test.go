// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/frame"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// drip sends drops one after another, as who holds a connection at little cost, until
// it is closed. The last comes again and again.
func (p *peer) drip(drops ...string) {
	p.t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for range ticker.C {
		_, err := io.WriteString(p.Conn, drops[0])
		if err != nil {
			if os.IsTimeout(err) {
				p.t.Error("the connection stays open")
			}
			return
		}
		if len(drops) > 1 {
			drops = drops[1:]
		}
	}
}

// A handshake has its time as a whole, however often a little of it comes.
func TestAttackSlowHandshake(t *testing.T) {
	for name, drops := range map[string][]string{"head": {"HTTP/1.1 101 Switching Protocols\r\nX: ", "x"}, "interim answers": {"HTTP/1.1 100 Continue\r\n\r\n"}} {
		t.Run("origin, "+name, func(t *testing.T) {
			g := startGateway(t, false, "", "ws_tunnel "+startOrigin(t, nil, func(p *peer) {
				p.readHead()
				p.drip(drops...)
			})+" {\nhandshake_timeout 300ms\n}")
			c := g.dial()
			c.send(handshakeOf("/", ""))
			if resp := c.readAnswer(); resp.StatusCode != http.StatusGatewayTimeout {
				t.Error(resp.Status)
			}
			g.expectRefusal("no_answer")
			nothingLeft(t)
		})
	}
	t.Run("client", func(t *testing.T) {
		g := startGateway(t, false, "servers {\ntimeouts {\nread_header 300ms\n}\n}", "ws_tunnel "+startOrigin(t, nil, func(*peer) { t.Error("the origin was bothered") }))
		c := g.dial()
		c.send(strings.TrimSuffix(handshakeOf("/", ""), "\r\n"))
		c.drip("X: y\r\n")
	})
	t.Run("PROXY header", func(t *testing.T) {
		site := phRun(t, "proxy_header {\nrequire 127.0.0.1\ntimeout 300ms\n}", "respond hi")
		c := newPeer(t, wstest.Dial(t, site.address))
		c.drip(strings.Split("PROXY TCP6 2001:db8::", "")...)
		if lines := site.logs.lines(t, `"timeout-incomplete"`); len(lines) != 1 {
			t.Errorf("logged %v", lines)
		}
	})
}

// Who asks for what is refused, and does not read why, holds no connection of the
// origin's.
func TestAttackUnreadRefusal(t *testing.T) {
	for _, version := range allVersions {
		t.Run(version, func(t *testing.T) {
			freed := make(chan struct{})
			g := startGateway(t, true, "", "ws_tunnel "+startOrigin(t, nil, func(p *peer) {
				defer close(freed)
				p.readHead()
				p.send("HTTP/1.1 403 Forbidden\r\n\r\n")
				for err := error(nil); err == nil; {
					_, err = p.Write(make([]byte, 64<<10))
				}
			})+" {\nhandshake_timeout 300ms\n}")
			if version == "HTTP/1.1" {
				g.dial().send(handshakeOf("/", ""))
			} else {
				resp, c := g.connect(version)
				defer c.Close()
				if resp.StatusCode != http.StatusForbidden {
					t.Error(resp.Status)
				}
			}
			g.expectRefusal("origin_refused")
			<-freed
		})
	}
}

// countingOrigin switches, reads so many bytes, and answers with a message.
func countingOrigin(t *testing.T, bytes int64) string {
	return startOrigin(t, nil, func(p *peer) {
		p.send(answer(p.readHead(), ""))
		if n, err := io.CopyN(io.Discard, p.r, bytes); err != nil {
			t.Errorf("%d of %d bytes came (%v)", n, bytes, err)
		}
		p.send(textFrame("all here"))
		_, _ = io.Copy(io.Discard, p.r)
	})
}

// Pings are the origin's to answer: the gateway makes no traffic of its own of them,
// and none of them counts as a message. A heartbeat of its own adds nothing, since who
// pings is alive.
func TestAttackPingFlood(t *testing.T) {
	const flood = 100_000
	ping := string(frame.AppendPing(nil, make([]byte, 125), true))
	for _, version := range allVersions {
		t.Run(version, func(t *testing.T) {
			g := startGateway(t, true, "", "ws_tunnel "+countingOrigin(t, int64(flood*len(ping)))+" {\nheartbeat 1h 1m\n}")
			c := g.openVersion(version)
			some := strings.Repeat(ping, 1000)
			for range flood / 1000 {
				c.send(some)
			}
			c.expect(textFrame("all here")) // and nothing before
			c.Close()
			if r := g.expectEnd("client_gone", "client"); traffic(r, "to_origin", "messages") != 0 || traffic(r, "to_origin", "bytes") != float64(flood*len(ping)) {
				t.Errorf("%v", r)
			}
		})
	}
}

func traffic(r record, way, what string) float64 { return r[way].(map[string]any)[what].(float64) }

// A million frames of nothing are bytes that pass, one message at the end, and too
// long for no limit.
func TestAttackEmptyFrames(t *testing.T) {
	const frames = 1_000_000
	begin, more, end := "\x01\x80mask", "\x00\x80mask", "\x80\x80mask"
	for name, limits := range map[string]string{"without limits": "", "max_message": "max_message 1KiB"} {
		t.Run(name, func(t *testing.T) {
			g := startGateway(t, false, "", "ws_tunnel "+countingOrigin(t, frames*int64(len(more)))+" {\n"+limits+"\n}")
			c := g.open()
			c.send(begin)
			some := strings.Repeat(more, 1000)
			for range frames/1000 - 1 {
				c.send(some)
			}
			c.send(some[:len(some)-2*len(more)] + end)
			c.expect(textFrame("all here"))
			c.Close()
			if r := g.expectEnd("client_gone", "client"); traffic(r, "to_origin", "messages") != 1 {
				t.Errorf("%v", r)
			}
		})
	}
}

// A length is believed only as far as its bytes have come: it takes no memory, and is
// refused as soon as it is known where there is a limit.
func TestAttackDeclaredLength(t *testing.T) {
	const huge, negative = "\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xffmask", "\x82\xff\xff\xff\xff\xff\xff\xff\xff\xffmask"
	hold := func(p *peer) {
		p.send(answer(p.readHead(), ""))
		_, _ = io.Copy(io.Discard, p.r)
	}
	t.Run("without limits", func(t *testing.T) {
		g := startGateway(t, false, "", "ws_tunnel "+countingOrigin(t, int64(len(huge))))
		c := g.open()
		c.send(huge)
		c.expect(textFrame("all here"))
		c.Close()
		if r := g.expectEnd("client_gone", "client"); traffic(r, "to_origin", "messages") != 0 || traffic(r, "to_origin", "bytes") != float64(len(huge)) {
			t.Errorf("%v", r)
		}
	})
	for _, version := range allVersions {
		for name, test := range map[string]struct {
			wire, reason string
			code         int
		}{
			"too long":            {huge, "message_too_big", 1009},
			"too long, in pieces": {"\x02\xfe\x04\x00mask" + strings.Repeat("x", 1024) + "\x80\x81mask", "message_too_big", 1009},
			"no length":           {negative, "protocol_error", 1002},
			"long Ping":           {"\x89\xfe\x7f\xffmask", "protocol_error", 1002},
		} {
			t.Run(version+" "+name, func(t *testing.T) {
				g := startGateway(t, true, "", "ws_tunnel "+startOrigin(t, nil, hold)+" {\nmax_message 1KiB\nlinger 1s\n}")
				c := g.openVersion(version)
				c.send(test.wire)
				c.expectClose(test.code)
				c.Close()
				g.expectEnd(test.reason, "client")
			})
		}
	}
}

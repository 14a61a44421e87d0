// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"crypto/tls"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/frame"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/pool"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/proxyheader"
)

// checkedOrigin answers checks as it is told at the time, and carries tunnels.
type checkedOrigin struct {
	address string
	answer  atomic.Value // string: what it answers a GET; "": it switches
	closes  chan int     // codes of Close frames that came
}

func newCheckedOrigin(t *testing.T, config *tls.Config) *checkedOrigin {
	o := &checkedOrigin{closes: make(chan int, 100)}
	o.answer.Store("")
	o.address = startOrigin(t, config, func(p *peer) {
		head, err := readCheck(p)
		if err != nil {
			return
		}
		if wire := o.answer.Load().(string); wire != "" {
			_, _ = io.WriteString(p.Conn, wire)
			return
		}
		_, _ = io.WriteString(p.Conn, answer(head, ""))
		for {
			f, err := frame.Read(p.r, 125)
			if err != nil {
				return
			}
			if f.Opcode == frame.Close {
				select {
				case o.closes <- int(f.Payload[0])<<8 | int(f.Payload[1]):
				default: // nobody looks at so many
				}
				_, _ = p.Write(frame.AppendClose(nil, 1000, "", false))
				return
			}
		}
	})
	return o
}

// readCheck reads a head, if one comes.
func readCheck(p *peer) (string, error) {
	var head strings.Builder
	for !strings.HasSuffix(head.String(), "\r\n\r\n") {
		b, err := p.r.ReadByte()
		if err != nil {
			return "", err
		}
		head.WriteByte(b)
	}
	return head.String(), nil
}

const (
	answerOK    = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	answerBusy  = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy"
	answerFalse = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n"
)

// Each kind of check finds what it is meant to find, and that it is over.
func TestChecks(t *testing.T) {
	for check, test := range map[string]struct {
		good, bad string
		secure    bool
	}{
		"http /healthz":                     {answerOK, answerBusy, false},
		"http / {\nstatus 503":              {answerBusy, answerOK, false},
		"http":                              {answerOK, "HTTP/9 broken", true},
		"websocket /ws":                     {"", answerOK, false},
		"websocket":                         {"", answerFalse, false},
		"websocket /ws?x=y {\nhost ws.test": {"", answerBusy, true},
	} {
		t.Run(check, func(t *testing.T) {
			files, _ := phCertificate(t)
			var config *tls.Config
			scheme, options := "ws://", ""
			if test.secure {
				pair, err := tls.LoadX509KeyPair(strings.Fields(files)[0], strings.Fields(files)[1])
				if err != nil {
					t.Fatal(err)
				}
				config = &tls.Config{Certificates: []tls.Certificate{pair}}
				scheme, options = "wss://", "sni site.test\ntls {\ntls_trust_pool file "+strings.Fields(files)[0]+"\n}\n"
			}
			o := newCheckedOrigin(t, config)
			o.answer.Store(test.bad)
			health, block, _ := strings.Cut(check, " {\n")
			g := startGateway(t, false, "", "ws_tunnel "+scheme+o.address+" {\nname checked\n"+options+
				"health "+health+" {\ninterval 1ms\nhealthy 1\nunhealthy 1\n"+block+"\n}\n}")
			g.await("origin is unhealthy")
			p := g.dial()
			p.send(handshakeOf("/ws", ""))
			if resp := p.readAnswer(); resp.StatusCode != http.StatusServiceUnavailable {
				t.Errorf("answered %s", resp.Status)
			}
			o.answer.Store(test.good)
			g.await("origin is healthy")
			if strings.HasPrefix(check, "websocket") {
				if code := <-o.closes; code != 1000 {
					t.Errorf("the check closed with %d", code)
				}
			}
		})
	}
}

// What one config found, the next one knows.
func TestHealthSurvivesReloads(t *testing.T) {
	o := newCheckedOrigin(t, nil)
	o.answer.Store(answerBusy)
	g := startGateway(t, false, "", "ws_tunnel "+o.address+" {\nname checked\nhealth http / {\ninterval 1ms\nunhealthy 1\n}\n}")
	g.await("origin is unhealthy")
	g.change("interval 1ms", "interval 1h") // it does not check before the test is over
	p := g.dial()
	p.send(handshakeOf("/ws", ""))
	if resp := p.readAnswer(); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("answered %s", resp.Status)
	}
	if s := origins.Statuses(); !slices.ContainsFunc(s, func(s pool.Status) bool { return s.Name == "checked" && !s.Up }) {
		t.Errorf("%+v", s)
	}
	awaitStacks(t, func(stacks string) bool { return strings.Count(stacks, "(*Handler).checkOrigin(") == 1 })
}

// A check tells the origin that it is the gateway's own, in version 1 by the
// addresses of its connection.
func TestCheckWithProxyHeader(t *testing.T) {
	for version, command := range map[string]proxyheader.Command{"v1": proxyheader.Proxy, "v2": proxyheader.Local} {
		t.Run(version, func(t *testing.T) {
			type check struct {
				header *proxyheader.Header
				peer   string
			}
			checks := make(chan check, 100)
			origin := startOrigin(t, nil, func(p *peer) {
				if h, _, err := (proxyheader.Options{}).Read(p.Conn); err == nil {
					select {
					case checks <- check{h, p.RemoteAddr().String()}:
					default:
					}
				}
			})
			startGateway(t, false, "", "ws_tunnel "+origin+" {\nproxy_protocol "+version+"\nhealth tcp {\ninterval 1ms\n}\n}")
			c := <-checks
			h, peer := c.header, c.peer
			own := h.HasAddresses() && h.Source.String() == peer && h.Destination.String() == origin
			if h.Command != command || own != (version == "v1") || h.HasAddresses() != own {
				t.Errorf("sent %+v", h)
			}
		})
	}
}

// Handshakes that fail take an origin out; a tunnel that ends, however it does,
// does not.
func TestPassiveHealth(t *testing.T) {
	good := several(t, 1)[0]
	dead := deadAddress(t)
	g := startGateway(t, false, "", "ws_tunnel "+dead+" "+good+" {\nlb_policy first\nlb_retries 0\nhealth {\nfail_duration 1h\nmax_fails 2\n}\n}")
	for range 2 {
		p := g.dial()
		p.send(handshakeOf("/ws", ""))
		if resp := p.readAnswer(); resp.StatusCode != http.StatusBadGateway {
			t.Errorf("answered %s", resp.Status)
		}
	}
	if r := g.await("origin is unhealthy"); r["origin"] != "ws://"+dead {
		t.Errorf("it is %v", r["origin"])
	}
	for range 5 {
		p, _ := g.openAt("/ws", "")
		p.Close()
		g.expectEnd("client_gone", "client")
	}
	if _, at := g.openAt("/ws", ""); at != "0" {
		t.Error("ends of tunnels count")
	}
}

// What a client sends may not fit into a PROXY header. That is not the origin's fault.
func TestPassiveHealthOfClientsTLV(t *testing.T) {
	origin := func(name string) string {
		return startOrigin(t, nil, func(p *peer) {
			if _, _, err := (proxyheader.Options{}).Read(p.Conn); err == nil {
				p.send(answer(p.readHead(), "X-Origin: "+name+"\r\n"))
				p.expectEOF()
			}
		})
	}
	g := startGateway(t, false, "", "ws_tunnel "+origin("0")+" "+origin("1")+` {
		lb_policy first
		proxy_protocol v2 {
			tlv unique_id {header.X-Request-Id}
		}
		health {
			fail_duration 1h
			max_fails 1
		}
	}`)
	p := g.dial()
	p.send(handshakeOf("/ws", "X-Request-Id: "+strings.Repeat("a", 129)+"\r\n"))
	if resp := p.readAnswer(); resp.StatusCode != http.StatusBadGateway {
		t.Errorf("answered %s", resp.Status)
	}
	g.expectRefusal("bad_override")
	if _, at := g.openAt("/ws", ""); at != "0" {
		t.Errorf("the next is sent to %s", at)
	}
}

// on_origin_down close ends the tunnels of an origin that goes down, and of no
// other.
func TestOnOriginDown(t *testing.T) {
	failing, other := newCheckedOrigin(t, nil), echoOrigin(t)
	for _, choice := range []string{"keep", "close"} {
		t.Run(choice, func(t *testing.T) {
			failing.answer.Store("")
			g := startGateway(t, false, "", "ws_tunnel /a "+failing.address+" {\nname "+choice+"\non_origin_down "+choice+
				"\nhealth websocket / {\ninterval 1ms\nunhealthy 1\nhealthy 1\n}\n}\nws_tunnel "+other+" {\nname b\n}")
			p := g.dial()
			p.send(handshakeOf("/a", ""))
			p.readHead()
			q := g.open()
			liveTunnels(t, 2)
			failing.answer.Store(answerBusy)
			g.await("origin is unhealthy")
			if choice == "close" {
				p.expectClose(1012)
				p.Close()
				g.expectEnd("drain", "gateway")
			}
			g.expectAlive(q)
			p.Close()
			if choice == "keep" {
				g.expectEnd("client_gone", "client")
			}
		})
	}
}

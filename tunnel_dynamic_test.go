// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"go.uber.org/zap"
	"golang.org/x/net/dns/dnsmessage"
)

// nameServer is a DNS server for a.test, whose address is 127.0.0.1, and
// _ws._tcp.srv.test, which is at some ports of that. It is also the one that
// everything else in the test asks: nothing is asked outside this machine.
type nameServer struct {
	address string
	ports   atomic.Pointer[[]uint16]
	fails   atomic.Bool
}

// theNameServer is that of the test that runs, if it has one.
var theNameServer atomic.Pointer[nameServer]

// The resolver is the same for all tests: HTTP/3 servers look at it whenever they get
// to start.
func init() {
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		if s := theNameServer.Load(); s != nil {
			network, address = "udp", s.address
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
}

func newNameServer(t *testing.T, ports ...uint16) *nameServer {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &nameServer{address: conn.LocalAddr().String()}
	s.ports.Store(&ports)
	theNameServer.Store(s)
	t.Cleanup(func() { theNameServer.Store(nil) })
	done := make(chan struct{})
	t.Cleanup(func() {
		conn.Close()
		<-done
	})
	go func() {
		defer close(done)
		for buf := make([]byte, 512); ; {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var question dnsmessage.Message
			if question.Unpack(buf[:n]) != nil {
				continue
			}
			if answer, err := s.answer(question); err == nil {
				_, _ = conn.WriteTo(answer, from)
			}
		}
	}()
	return s
}

func (s *nameServer) answer(m dnsmessage.Message) ([]byte, error) {
	m.Response, m.Authoritative = true, true
	m.Additionals = nil
	q := m.Questions[0]
	header := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: dnsmessage.ClassINET, TTL: 1}
	switch name := q.Name.String(); {
	case s.fails.Load():
		m.RCode = dnsmessage.RCodeServerFailure
	case q.Type == dnsmessage.TypeA && name == "a.test.":
		m.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.AResource{A: netip.MustParseAddr("127.0.0.1").As4()}}}
	case q.Type == dnsmessage.TypeSRV && name == "_ws._tcp.srv.test.":
		target := dnsmessage.MustNewName("a.test.")
		for _, port := range *s.ports.Load() {
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.SRVResource{Priority: 1, Weight: 1, Port: port, Target: target}})
		}
	case q.Type != dnsmessage.TypeA && q.Type != dnsmessage.TypeAAAA:
		m.RCode = dnsmessage.RCodeNameError
	}
	return m.Pack()
}

func portOf(t *testing.T, address string) uint16 {
	t.Helper()
	_, text, _ := net.SplitHostPort(address)
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	return uint16(port)
}

// Origins are those that a lookup finds now, from Caddy's own sources.
func TestDynamicOrigins(t *testing.T) {
	all := several(t, 2)
	dns := newNameServer(t, portOf(t, all[0]))
	for name, test := range map[string]struct{ options string }{
		"srv":   {"dynamic srv _ws._tcp.srv.test {\nresolvers " + dns.address + "\nrefresh 1ns\n}"},
		"a":     {"dynamic a a.test " + strconv.Itoa(int(portOf(t, all[0]))) + " {\nresolvers " + dns.address + "\n}"},
		"multi": {"dynamic multi {\nsrv _ws._tcp.srv.test {\nresolvers " + dns.address + "\nrefresh 1ns\n}\n}"},
	} {
		t.Run(name, func(t *testing.T) {
			dns.ports.Store(&[]uint16{portOf(t, all[0])})
			g := startGateway(t, false, "", "ws_tunnel {\nname found\n"+test.options+"\n}")
			if _, at := g.openAt("/ws", ""); at != "0" {
				t.Errorf("went to %s", at)
			}
			if name == "a" {
				return
			}
			dns.ports.Store(&[]uint16{portOf(t, all[1])})
			if _, at := g.openAt("/ws", ""); at != "1" {
				t.Errorf("went to %s after the lookup gave another", at)
			}
		})
	}
}

// When a lookup fails the other origins serve, if there are any.
func TestDynamicOriginsFail(t *testing.T) {
	good := several(t, 1)[0]
	dns := newNameServer(t)
	dns.fails.Store(true)
	source := "{\nname found\ndynamic srv _ws._tcp.srv.test {\nresolvers " + dns.address + "\n}\n}"
	g := startGateway(t, false, "", "ws_tunnel /alone "+source+"\nws_tunnel "+good+" "+strings.Replace(source, "found", "both", 1))
	g.openAt("/ws", "")
	g.await("looking up dynamic origins failed; using the others")
	p := g.dial()
	p.send(handshakeOf("/alone", ""))
	if resp := p.readAnswer(); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("answered %s", resp.Status)
	}
	g.expectRefusal("no_origin")
}

// Tunnels come from the addresses of local_address, in turn, and from those that
// can reach the origin.
func TestLocalAddresses(t *testing.T) {
	froms := make(chan string, 10)
	origin := startOrigin(t, nil, func(p *peer) {
		host, _, _ := net.SplitHostPort(p.RemoteAddr().String())
		froms <- host
		switchAndEcho(p)
	})
	g := startGateway(t, false, "", "ws_tunnel "+origin+" {\nlocal_address 127.0.0.2 ::1 127.0.0.3\n}")
	count := make(map[string]int)
	for range 6 {
		g.open()
		count[<-froms]++
	}
	if len(count) != 2 || count["127.0.0.2"] == 0 || count["127.0.0.3"] == 0 {
		t.Errorf("came from %v", count)
	}
	g.change("127.0.0.2 ::1 127.0.0.3", "::1")
	p := g.dial()
	p.send(handshakeOf("/ws", ""))
	if resp := p.readAnswer(); resp.StatusCode != http.StatusBadGateway {
		t.Errorf("answered %s though no address is of the right kind", resp.Status)
	}
}

// An address that is not this machine's, and running out of ports, are told apart,
// and each says what to do.
func TestNoLocalPort(t *testing.T) {
	g := startGateway(t, false, "", "ws_tunnel "+echoOrigin(t)+" {\nlocal_address 192.0.2.1\n}") // of RFC 5737: no machine's
	p := g.dial()
	p.send(handshakeOf("/ws", ""))
	if resp := p.readAnswer(); resp.StatusCode != http.StatusBadGateway {
		t.Errorf("answered %s", resp.Status)
	}
	if r := g.expectRefusal("dial_failed"); !strings.Contains(r["error"].(string), "192.0.2.1") || !strings.Contains(r["error"].(string), "no address of this machine") {
		t.Errorf("said %v", r["error"])
	}

	failed := func(call string) error {
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError(call, syscall.EADDRNOTAVAIL)}
	}
	if err := portsOut(failed("connect")); reasonOf(err, "") != "no_local_port" || !strings.Contains(err.Error(), "add addresses to local_address") {
		t.Errorf("out of ports: %v", err)
	}
	w := httptest.NewRecorder()
	attempt := (&Handler{Name: "ports", logger: zap.NewNop()}).newAttempt(newClient(w, newRequest(w)))
	expectStatus(t, attempt.answerOtherwise(nil, nil, portsOut(failed("connect"))), http.StatusServiceUnavailable)
	if err := portsOut(failed("bind")); reasonOf(err, "") != "" {
		t.Errorf("a foreign address: %v", err)
	}
}

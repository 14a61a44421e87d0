// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest/apachelab"
)

// TestAsHTTPD compares with what httpd 2.4.71 answers. The same cases are run
// through the adapter in package apache, and through httpd in interop.
func TestAsHTTPD(t *testing.T) {
	l := apachelab.New(t)
	for _, c := range apachelab.Cases(t, filepath.Join("testdata", "httpd.txt")) {
		t.Run(c.Title, func(t *testing.T) {
			locations, err := readLocations(l.Fill(c.Conf, "80"))
			if c.Refuse != (err != nil) {
				t.Fatalf("it is refused: %t, with %v", c.Refuse, err)
			}
			for _, p := range c.Probes {
				r := probeRequest(t, p.Request)
				var rules *Rules
				for _, l := range locations {
					if rest, ok := strings.CutPrefix(r.URI, l.path); ok && (rest == "" || rest[0] == '/') {
						rules = Merge(rules, l.rules)
					}
				}
				g, err := rules.Compile(Options{Hosts: NewHosts(names)})
				if err != nil {
					t.Errorf("%s: %v", r.URI, err)
					continue
				}
				if got := outcome(g.Check(r)); got != strings.TrimSuffix(p.Ours, " A "+r.URI) {
					t.Errorf("%s\n got %s\nwant %s", p.Request, got, p.Ours)
				}
			}
		})
	}
}

// outcome is a decision in the lab's words, where an origin answers 200.
func outcome(d Decision) string {
	switch {
	case d.Status == 0:
		return "200"
	case d.Challenge != "":
		return fmt.Sprintf("%d [WWW-Authenticate: %s]", d.Status, d.Challenge)
	}
	return fmt.Sprint(d.Status)
}

// location is a <Location>.
type location struct {
	path  string
	rules *Rules
}

// readLocations reads those of a configuration, and compiles each.
func readLocations(conf string) ([]location, error) {
	tree, err := syntax.Parse("lab.conf", []byte(conf), syntax.Options{})
	if err != nil {
		return nil, err
	}
	nodes := tree.Nodes
	if nodes[0].Is("<VirtualHost") {
		nodes = nodes[0].Nodes
	}
	var locations []location
	for _, n := range nodes {
		if !n.Is("<Location") {
			continue // the frame, which probeRequest stands for
		}
		l := location{n.Args[0], new(Rules)}
		for _, child := range n.Nodes {
			if err := l.rules.Directive(&directive.Context{Place: directive.Location, Path: l.path}, child); err != nil {
				return nil, err
			}
		}
		locations = append(locations, l)
	}
	return locations, nil
}

// readRules reads the directives of a section.
func readRules(text string) (*Rules, error) {
	locations, err := readLocations("<Location />\n" + text + "\n</Location>")
	if err != nil {
		return nil, err
	}
	return locations[0].rules, nil
}

// guardOf compiles the directives of a section.
func guardOf(t *testing.T, text string, o Options) *Guard {
	t.Helper()
	rules, err := readRules(text)
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	g, err := rules.Compile(o)
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	return g
}

// probeRequest makes a request of a probe of the lab: plain /path | Field: value.
func probeRequest(t *testing.T, probe string) *request.Request {
	t.Helper()
	fields := strings.Split(probe, " | ")
	r := newRequest()
	r.URI = strings.TrimPrefix(fields[0], "plain ")
	for _, field := range fields[1:] {
		if method, ok := strings.CutPrefix(field, "method="); ok {
			r.Method = method
			continue
		}
		name, value, _ := strings.Cut(field, ":")
		value = strings.TrimSpace(value)
		r.Header.Add(name, value)
		switch name + " " + value {
		case "X-Env one":
			r.SetEnv("ONE", "1")
		case "X-Env two":
			r.SetEnv("TWO", "")
		}
		if name == "X-Client" {
			r.Remote = netip.AddrPortFrom(netip.MustParseAddr(value), 50000)
		}
	}
	return r
}

func newRequest() *request.Request {
	loopback := netip.MustParseAddrPort("127.0.0.1:50000")
	return &request.Request{
		Method: http.MethodGet, Protocol: "HTTP/1.1", Host: "base.test", URI: "/", Header: http.Header{},
		Server: new(request.Server), Remote: loopback, Peer: loopback, Local: netip.MustParseAddrPort("127.0.0.1:80"),
	}
}

// names are those of a host that knows itself, and of some others: by address, and
// by name. One that is nil cannot be found out.
var names = hostTable{
	"127.0.0.1": {"localhost"}, "localhost": {"127.0.0.1"},
	"192.0.2.1": {"forger.example."}, "forger.example.": {"192.0.2.99"}, // it is not its name
	"192.0.2.2": {"two.example.org.", "too.example.net."}, "two.example.org.": {"192.0.2.2"}, "too.example.net.": {"::ffff:192.0.2.2"},
	"192.0.2.3": nil, "lost.example": nil,
	"192.0.2.4": {"lost.example"},
}

type hostTable map[string][]string

func (h hostTable) look(name string) ([]string, error) {
	found, ok := h[name]
	switch {
	case !ok:
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	case found == nil:
		return nil, errors.New("the name server does not answer")
	}
	return found, nil
}

func (h hostTable) LookupAddr(_ context.Context, addr string) ([]string, error) { return h.look(addr) }

func (h hostTable) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil // as net.Resolver does
	}
	found, err := h.look(host)
	var addrs []netip.Addr
	for _, text := range found {
		addrs = append(addrs, netip.MustParseAddr(text))
	}
	return addrs, err
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package remoteip

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
)

// from is a request of 127.0.0.1 that goes through a finder.
func from(f *Finder, peer, remote string, forwarded ...string) *request.Request {
	r := &request.Request{
		Header: http.Header{},
		Peer:   netip.MustParseAddrPort(peer),
		Remote: netip.MustParseAddrPort(remote),
	}
	if forwarded != nil {
		r.Header["X-Forwarded-For"] = forwarded
	}
	f.Find(r)
	return r
}

func compile(t testing.TB, config string) *Finder {
	t.Helper()
	rs, err := read(config)
	if err != nil {
		t.Fatal(err)
	}
	f, err := rs.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestFind has what httpd 2.4.71 made of requests from 127.0.0.1, but where it
// says otherwise.
func TestFind(t *testing.T) {
	const header = "RemoteIPHeader X-Forwarded-For\n"
	type found struct {
		sent   string
		client string
		left   string // of the field; - if it is gone
		passed string // in X-Forwarded-By
	}
	for _, tc := range []struct {
		name, config string
		requests     []found
	}{
		{"everyone", header, []found{
			{"198.51.100.9", "198.51.100.9", "-", ""},
			{"1.1.1.1, 198.51.100.9", "1.1.1.1", "-", ""},
			{"10.0.0.5", "127.0.0.1", "10.0.0.5", ""},
			{"10.0.0.5, 198.51.100.9", "198.51.100.9", "10.0.0.5", ""},
			{"198.51.100.9, 10.0.0.5", "127.0.0.1", "198.51.100.9, 10.0.0.5", ""},
			{"bad, 198.51.100.9", "198.51.100.9", "bad", ""},
			{"198.51.100.9, bad", "127.0.0.1", "198.51.100.9, bad", ""},
			{"1.1.1.1, bad , 198.51.100.9", "198.51.100.9", "1.1.1.1, bad", ""},
			{"x y , 198.51.100.9", "198.51.100.9", "x y", ""},
			{"198.51.100.9,", "127.0.0.1", "198.51.100.9,", ""},
			{", 198.51.100.9", "198.51.100.9", "", ""},
			{"", "127.0.0.1", "", ""},
			{"2001:db8::1", "2001:db8::1", "-", ""},
			{"fd00::1", "127.0.0.1", "fd00::1", ""},
			{"[2001:db8::1]", "127.0.0.1", "[2001:db8::1]", ""},
			{"198.51.100.9:80", "127.0.0.1", "198.51.100.9:80", ""},
			{"::ffff:198.51.100.9", "198.51.100.9", "-", ""},
			{"::ffff:10.1.2.3", "127.0.0.1", "::ffff:10.1.2.3", ""},
			{"172.15.0.1", "172.15.0.1", "-", ""},
			{"172.31.0.1", "127.0.0.1", "172.31.0.1", ""},
			{"169.254.0.1", "127.0.0.1", "169.254.0.1", ""},
			{"100.64.0.1", "100.64.0.1", "-", ""},
		}},
		{"lab case E14d", header + "RemoteIPInternalProxy 127.0.0.1", []found{
			{"198.51.100.9", "198.51.100.9", "-", ""},
			{"1.1.1.1, 198.51.100.9", "198.51.100.9", "1.1.1.1", ""},
			{"10.0.0.5", "10.0.0.5", "-", ""},
			{"198.51.100.9, 10.0.0.5", "10.0.0.5", "198.51.100.9", ""},
			{"x y , 198.51.100.9", "198.51.100.9", "x y ", ""},
			{"fd00::1", "fd00::1", "-", ""},
			{"::ffff:10.1.2.3", "10.1.2.3", "-", ""},
		}},
		{"trusted", header + "RemoteIPTrustedProxy 127.0.0.1\nRemoteIPProxiesHeader X-Forwarded-By", []found{
			{"198.51.100.9", "198.51.100.9", "-", "127.0.0.1"},
			{"1.1.1.1, 198.51.100.9", "198.51.100.9", "1.1.1.1", "127.0.0.1"},
			{"10.0.0.5", "127.0.0.1", "10.0.0.5", ""},
			{"fd00::1", "127.0.0.1", "fd00::1", ""},
		}},
		{"both", header + "RemoteIPInternalProxy 127.0.0.1 10.0.0.0/8\nRemoteIPTrustedProxy 198.51.100.0/24\nRemoteIPProxiesHeader X-Forwarded-By", []found{
			{"9.9.9.9, 10.0.0.5, 198.51.100.9", "198.51.100.9", "9.9.9.9, 10.0.0.5", ""},
			{"9.9.9.9, 198.51.100.9, 10.0.0.5", "9.9.9.9", "-", "198.51.100.9"},
			{"9.9.9.9, 10.1.1.1, 198.51.100.9, 10.0.0.5", "198.51.100.9", "9.9.9.9, 10.1.1.1", ""},
			{"9.9.9.9, 198.51.100.9, 198.51.100.8", "9.9.9.9", "-", "198.51.100.8, 198.51.100.9"},
			{"192.168.1.1, 9.9.9.9, 10.0.0.5", "9.9.9.9", "192.168.1.1", ""},
		}},
		{"somebody else", header + "RemoteIPInternalProxy 10.0.0.0/8", []found{
			{"9.9.9.9, 10.0.0.5", "127.0.0.1", "9.9.9.9, 10.0.0.5", ""},
		}},
		{"another field", "RemoteIPHeader X-Real-IP", []found{
			{"9.9.9.9", "127.0.0.1", "9.9.9.9", ""},
		}},
		{"no field", "RemoteIPInternalProxy 127.0.0.1", []found{
			{"9.9.9.9", "127.0.0.1", "9.9.9.9", ""},
		}},
		// httpd asks the DNS for the first, and reads the others as C does: 127.0.0.1,
		// 0.0.0.1 and 8.1.1.1. It takes the zone, too.
		{"what is no address here", header + "RemoteIPInternalProxy 127.0.0.1", []found{
			{"localhost", "127.0.0.1", "localhost", ""},
			{"127.1", "127.0.0.1", "127.1", ""},
			{"1", "127.0.0.1", "1", ""},
			{"010.1.1.1", "127.0.0.1", "010.1.1.1", ""},
			{"fe80::1%lo", "127.0.0.1", "fe80::1%lo", ""},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := compile(t, tc.config)
			for _, want := range tc.requests {
				r := from(f, "127.0.0.1:5000", "127.0.0.1:5000", want.sent)
				left, ok := r.Lookup("X-Forwarded-For")
				if !ok {
					left = "-"
				}
				if got := (found{want.sent, r.Remote.Addr().String(), left, r.Get("X-Forwarded-By")}); got != want {
					t.Errorf("got %+v, want %+v", got, want)
				}
			}
		})
	}
}

// TestFields is about header fields that come more than once, not at all, or are
// forged.
func TestFields(t *testing.T) {
	f := compile(t, "RemoteIPHeader x-forwarded-for\nRemoteIPInternalProxy 127.0.0.1\nRemoteIPProxiesHeader X-Forwarded-By")
	r := from(f, "127.0.0.1:5000", "127.0.0.1:5000", "1.1.1.1", "2.2.2.2")
	if r.Remote != netip.MustParseAddrPort("2.2.2.2:0") || !slices.Equal(r.Header["X-Forwarded-For"], []string{"1.1.1.1"}) {
		t.Errorf("two lines: %s, %q", r.Remote, r.Header)
	}
	if r = from(f, "127.0.0.1:5000", "127.0.0.1:5000"); r.Remote != r.Peer || len(r.Header) != 0 {
		t.Errorf("no line: %s, %q", r.Remote, r.Header)
	}
	r = &request.Request{
		Header: http.Header{"X-Forwarded-For": {"9.9.9.9"}, "X-Forwarded-By": {"forged"}},
		Peer:   netip.MustParseAddrPort("[::ffff:127.0.0.1]:5000"),
		Remote: netip.MustParseAddrPort("[::ffff:127.0.0.1]:5000"),
	}
	// httpd lets it through, as long as all proxies are internal.
	if f.Find(r); r.Get("X-Forwarded-By") != "forged" || r.Remote.Addr().String() != "9.9.9.9" {
		t.Errorf("forged: %s, %q", r.Remote, r.Header)
	}
}

// TestProxyHeaderFirst: what a PROXY header has said, no field changes.
func TestProxyHeaderFirst(t *testing.T) {
	const header = "RemoteIPHeader X-Forwarded-For\nRemoteIPInternalProxy 127.0.0.1 203.0.113.0/24\n"
	for _, tc := range []struct{ name, config, remote, want string }{
		{"an address", header, "203.0.113.7:5555", "203.0.113.7:5555"},
		{"LOCAL", header + "RemoteIPProxyProtocol On", "127.0.0.1:5000", "127.0.0.1:5000"},
		{"an exception", header + "RemoteIPProxyProtocol On\nRemoteIPProxyProtocolExceptions 127", "127.0.0.1:5000", "1.1.1.1:0"},
		{"off", header + "RemoteIPProxyProtocol Off", "127.0.0.1:5000", "1.1.1.1:0"},
	} {
		if r := from(compile(t, tc.config), "127.0.0.1:5000", tc.remote, "1.1.1.1"); r.Remote.String() != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, r.Remote, tc.want)
		}
	}
}

func TestLookup(t *testing.T) {
	f := compile(t, "RemoteIPHeader X-Forwarded-For\nRemoteIPInternalProxy localhost")
	if r := from(f, "127.0.0.1:5000", "127.0.0.1:5000", "1.1.1.1"); r.Remote.Addr().String() != "1.1.1.1" {
		t.Errorf("localhost is not trusted, and %s found", r.Remote)
	}
	rs, err := read("RemoteIPInternalProxy no-such-host.invalid")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rs.Compile(); err == nil || !strings.HasPrefix(err.Error(), "test.conf:1: proxy no-such-host.invalid: ") {
		t.Errorf("a name that does not exist: %v", err)
	}
}

// FuzzFind looks for a client that is neither the peer nor in the field, and for
// one of a private network that somebody outside has named.
func FuzzFind(f *testing.F) {
	f.Add("1.1.1.1, 10.0.0.5, 198.51.100.9", "198.51.100.7")
	f.Add(" ,, ::ffff:1.2.3.4 ,", "::1")
	f.Add("fe80::1%eth0,fd00::1", "10.9.9.9")
	finder := compile(f, "RemoteIPHeader X-Forwarded-For\nRemoteIPTrustedProxy 0.0.0.0/1 128.0.0.0/1 ::/1 8000::/1\nRemoteIPProxiesHeader X-Forwarded-By")
	f.Fuzz(func(t *testing.T, field, peer string) {
		addr, err := netip.ParseAddr(peer)
		if err != nil {
			return
		}
		at := netip.AddrPortFrom(addr, 5000)
		r := &request.Request{Header: http.Header{"X-Forwarded-For": {field}}, Peer: at, Remote: at}
		finder.Find(r)
		if r.Remote == at {
			if r.Get("X-Forwarded-For") != field {
				t.Errorf("the field has changed from %q to %q, and the client has not", field, r.Get("X-Forwarded-For"))
			}
			return
		}
		client := r.Remote.Addr()
		if client.IsPrivate() || client.IsLoopback() {
			t.Errorf("%s is the client by %q", client, field)
		}
		if !slices.ContainsFunc(strings.Split(field, ","), func(s string) bool {
			a, err := netip.ParseAddr(strings.Trim(s, " "))
			return err == nil && a.Unmap() == client
		}) {
			t.Errorf("%s is not in %q", client, field)
		}
		if !strings.HasPrefix(field, strings.TrimRight(r.Get("X-Forwarded-For"), " ")) && !strings.Contains(field, r.Get("X-Forwarded-For")) {
			t.Errorf("%q is left of %q", r.Get("X-Forwarded-For"), field)
		}
	})
}

func BenchmarkFind(b *testing.B) {
	f := compile(b, "RemoteIPHeader X-Forwarded-For\nRemoteIPInternalProxy 127.0.0.1 10.0.0.0/8")
	fields := []string{"9.9.9.9, 198.51.100.9, 10.0.0.5"}
	r := &request.Request{Header: http.Header{}, Peer: netip.MustParseAddrPort("127.0.0.1:5000")}
	b.ReportAllocs()
	for b.Loop() {
		r.Remote = r.Peer
		r.Header["X-Forwarded-For"] = fields
		f.Find(r)
	}
}

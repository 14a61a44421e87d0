// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package remoteip

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// read reads the directives of a text, test.conf.
func read(text string) (*Rules, error) {
	c, err := syntax.Parse("test.conf", []byte(text), syntax.Options{})
	if err != nil {
		return nil, err
	}
	rs := new(Rules)
	for _, n := range c.Nodes {
		if !Reads(n.Name) {
			return nil, errors.New(n.Name + " is not read")
		}
		if err := rs.Directive(&directive.Context{ServerRoot: "/no/such"}, n); err != nil {
			return nil, err
		}
	}
	return rs, nil
}

// TestAddresses has which addresses httpd 2.4.71 starts with, and how they are
// read.
func TestAddresses(t *testing.T) {
	for address, want := range map[string]string{ // empty: not at all
		"10":                     "10.0.0.0/8",
		"10.":                    "10.0.0.0/8",
		"10.1":                   "10.1.0.0/16",
		"010.1.2.3":              "10.1.2.3/32",
		"10.1.2.3/8":             "10.0.0.0/8",
		"10.0.0.0/255.0.0.0":     "10.0.0.0/8",
		"10.0.0.0/255.255.255.0": "10.0.0.0/24",
		"::1":                    "::1/128",
		"2001:db8::1/64":         "2001:db8::/64",
		"::ffff:10.0.0.1":        "10.0.0.1/32",
		"10/8":                   "",
		"10.1/16":                "",
		"10.0.0.0/0":             "",
		"10.0.0.0/33":            "",
		"10.0.0.0/255":           "",
		"10.0.0.0/":              "",
		"10.0.0.0/8x":            "",
		"::/0":                   "",
		"::1/129":                "",
		"::ffff:10.0.0.0/104":    "",
		"::ffff:10.0.0.0/8":      "",
		"::1/255.0.0.0":          "",
		"1.2.3.4.5":              "",
		"256.1.1.1":              "",
		"1..2":                   "",
		"fe80::1%lo":             "",
		"":                       "",
		"localhost/8":            "",
		// httpd has masks with holes in them. A prefix has none.
		"10.0.0.0/255.0.255.0": "",
	} {
		rs, err := read(`RemoteIPInternalProxy "` + address + `"`)
		if want == "" {
			if err == nil {
				t.Errorf("%q is accepted", address)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", address, err)
			continue
		}
		f, err := rs.Compile()
		if err != nil || len(f.proxies) != 1 || f.proxies[0].String() != want {
			t.Errorf("%q: %v, %v; want %s", address, f.proxies, err, want)
		}
	}
}

func TestRefused(t *testing.T) {
	for config, want := range map[string]string{
		"RemoteIPHeader":                            "needs more",
		"RemoteIPHeader a b":                        "too many",
		"RemoteIPInternalProxy":                     "needs more",
		"RemoteIPProxyProtocol yes":                 "On or Off",
		"RemoteIPProxyProtocolExceptions localhost": "no address",
		"RemoteIPProxyProtocolExceptions":           "needs more",
		"RemoteIPTrustedProxyList none.lst":         "/no/such/none.lst",
	} {
		if _, err := read(config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %q", config, err, want)
		}
	}
	n := &syntax.Node{Name: "RemoteIPHeader", Args: []string{"X"}}
	if err := new(Rules).Directive(&directive.Context{Place: directive.Location}, n); err == nil || !strings.Contains(err.Error(), "is for servers") {
		t.Errorf("in a section: %v", err)
	}
}

func TestWarning(t *testing.T) {
	var warned []string
	ctx := &directive.Context{Warn: func(p syntax.Problem) { warned = append(warned, p.Message) }}
	n := &syntax.Node{Name: "RemoteIPHeader", Args: []string{"X-Forwarded-For:"}}
	if err := new(Rules).Directive(ctx, n); err != nil || len(warned) != 1 || !strings.Contains(warned[0], "no request has") {
		t.Errorf("%v, %q", err, warned)
	}
}

func TestList(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("good.lst", "# ours\n10.0.0.0/8 192.0.2.1 # and a comment\n\n  \"2001:db8::/32\"\n")
	rs, err := read("RemoteIPInternalProxyList " + good + "\nRemoteIPTrustedProxyList " + write("empty.lst", "# none\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []Proxies{{Internal: []string{"10.0.0.0/8", "192.0.2.1", "2001:db8::/32"}, Line: "test.conf:1"}}
	if !reflect.DeepEqual(rs.Proxies, want) {
		t.Errorf("got %+v, want %+v", rs.Proxies, want)
	}
	bad := write("bad.lst", "10.0.0.1\n10.0.0.0/99\n")
	if _, err := read("RemoteIPTrustedProxyList " + bad); err == nil || !strings.HasPrefix(err.Error(), bad+":2: ") {
		t.Errorf("a bad line: %v", err)
	}
}

func TestMerge(t *testing.T) {
	outer, err := read("RemoteIPHeader X-A\nRemoteIPInternalProxy 10\nRemoteIPProxiesHeader X-By\nRemoteIPProxyProtocol On\nRemoteIPProxyProtocolExceptions 10.1")
	if err != nil {
		t.Fatal(err)
	}
	inner, err := read("RemoteIPHeader X-B\nRemoteIPTrustedProxy 192.0.2.1\nRemoteIPProxyProtocol Off\nRemoteIPProxyProtocolExceptions 10.2")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(Merge(outer, inner))
	const want = `{"header":"X-B","proxies":[{"trusted":["192.0.2.1"],"line":"test.conf:2"}],"proxies_header":"X-By",` +
		`"proxy_protocol":false,"proxy_protocol_exceptions":["10.1.0.0/16","10.2.0.0/16"]}`
	if err != nil || string(text) != want {
		t.Errorf("got %s, %v; want %s", text, err, want)
	}
	if got := Merge(outer, new(Rules)); !reflect.DeepEqual(got, outer) {
		t.Errorf("with nothing: %+v", got)
	}
	if Merge(nil, inner) != inner || Merge(outer, nil) != outer {
		t.Error("with nil")
	}
}

func TestProxyHeader(t *testing.T) {
	rules := func(config string) *Rules {
		rs, err := read(config)
		if err != nil {
			t.Fatal(err)
		}
		return rs
	}
	on, off, none := rules("RemoteIPProxyProtocol On"), rules("RemoteIPProxyProtocol Off"), new(Rules)
	ten, eleven := rules("RemoteIPProxyProtocolExceptions 10"), rules("RemoteIPProxyProtocolExceptions 11 10")
	const require = `{"policy":"require","ranges":["0.0.0.0/0","::/0"]}`
	for _, tc := range []struct {
		name         string
		main         *Rules
		here, others []*Rules
		want         string
	}{
		{"nothing said", none, []*Rules{none}, nil, `null`},
		{"lab case E14c", nil, []*Rules{on, none}, nil, "[" + require + "]"},
		{"of the main server", on, []*Rules{none, nil}, nil, "[" + require + "]"},
		{"elsewhere", none, []*Rules{none}, []*Rules{on}, `null`},
		{"the last word", nil, []*Rules{on, off}, nil, `null`},
		{"main on, here off", on, []*Rules{off, none}, nil, `null`},
		{"exceptions of all", ten, []*Rules{on}, []*Rules{eleven, nil}, `[{"policy":"skip","ranges":["10.0.0.0/8","11.0.0.0/8"]},` + require + `]`},
		{"exceptions alone", ten, nil, nil, `null`},
	} {
		text, err := json.Marshal(ProxyHeader(tc.main, tc.here, tc.others))
		if err != nil || string(text) != tc.want {
			t.Errorf("%s: got %s, %v; want %s", tc.name, text, err, tc.want)
		}
	}
}

// FuzzDirective looks for rules that are accepted and cannot be compiled.
func FuzzDirective(f *testing.F) {
	f.Add("RemoteIPHeader X-Forwarded-For\nRemoteIPInternalProxy 10.0.0.0/8 10. ::1/64\nRemoteIPProxyProtocolExceptions 127 10/255.0.0.0")
	f.Add("RemoteIPProxiesHeader x\nRemoteIPTrustedProxy 1.2.3.4/255.255.0.0 ::ffff:1.2.3.4/9\nRemoteIPProxyProtocol On")
	f.Fuzz(func(t *testing.T, config string) {
		if strings.Contains(strings.ToLower(config), "list") {
			return // no files
		}
		rs, err := read(config)
		if err != nil {
			return
		}
		for i, p := range rs.Proxies {
			for _, list := range [][]string{p.Internal, p.Trusted} {
				for _, a := range list {
					if isName(a) {
						return // no DNS
					}
					if prefix, err := subnet(a); err != nil || prefix.Bits() < 1 || prefix != prefix.Masked() {
						t.Errorf("%d: %q is %s, %v", i, a, prefix, err)
					}
				}
			}
		}
		if _, err := rs.Compile(); err != nil {
			t.Errorf("%v of %q", err, config)
		}
	})
}

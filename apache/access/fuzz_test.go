// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest/apachelab"
)

// FuzzRules reads any directives. What is taken decides, and decides the same
// after a way through JSON; and nobody passes with a gate that is closed in front
// of it, or a section around it that nobody satisfies.
func FuzzRules(f *testing.F) {
	for _, c := range apachelab.Cases(f, filepath.Join("testdata", "httpd.txt")) {
		for section := range strings.SplitSeq(c.Conf, "</Location>") {
			if _, text, ok := strings.Cut(section, "<Location "); ok {
				_, text, _ = strings.Cut(text, "\n")
				f.Add(text)
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		rules, err := readRules(text)
		if err != nil || !utf8.ValidString(text) { // which package config refuses
			return
		}
		o := Options{Hosts: NewHosts(names), ServerRoot: t.TempDir()}
		g, err := rules.Compile(o)
		if err != nil {
			t.Fatalf("what was read does not compile: %v", err)
		}
		encoded, err := json.Marshal(rules)
		if err != nil {
			t.Fatal(err)
		}
		again := new(Rules)
		if err := json.Unmarshal(encoded, again); err != nil {
			t.Fatal(err)
		}
		gAgain, err := again.Compile(o)
		if err != nil {
			t.Fatalf("%s does not compile: %v", encoded, err)
		}
		closed, err := Merge(&Rules{Require: &Require{AllDenied: true}}, &Rules{Require: rules.Require, Merging: "And"}).Compile(o)
		if err != nil {
			t.Fatal(err)
		}
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, "FOO"} {
			for _, client := range []string{"127.0.0.1", "10.1.1.1", "192.0.2.3", "2001:db8::1"} {
				r := newRequest()
				r.Method, r.Remote = method, netip.AddrPortFrom(netip.MustParseAddr(client), 1)
				r.Header.Set("Authorization", "Basic dTpw")
				d := g.Check(r)
				if !slices.Contains([]int{0, 401, 403, 500}, d.Status) || (d.Status == 401) != (d.Challenge != "") || (d.Status == 0) != (d.Reason == "") {
					t.Errorf("%s of %s: %+v", method, client, d)
				}
				if other := gAgain.Check(r); other != d {
					t.Errorf("%s of %s: %+v, and after JSON %+v", method, client, d, other)
				}
				if d := closed.Check(r); d.Status == 0 {
					t.Errorf("%s of %s passes what is closed", method, client)
				}
			}
		}
	})
}

// FuzzSubnet compares with net/netip where that has the same notation.
func FuzzSubnet(f *testing.F) {
	for _, word := range []string{"10.1", "10.1.2.3", "10.1.2.0/24", "10.1.2.0/255.0.255.0", "2001:db8::/33", "::1", "0.0.0.0/0", "010.1.2.3", "1.2.3.4.", "::ffff:10.1.1.1/100"} {
		f.Add(word, "10.1.2.3")
		f.Add(word, "2001:db8::7")
	}
	f.Fuzz(func(t *testing.T, word, text string) {
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return
		}
		addr = addr.Unmap().WithZone("")
		s, err := parseSubnet(word)
		has := err == nil && s.has(addr)
		prefix, errPrefix := netip.ParsePrefix(word)
		if single, err := netip.ParseAddr(word); err == nil && single.Zone() == "" {
			prefix, errPrefix = netip.PrefixFrom(single, single.BitLen()), nil
		}
		switch {
		case errPrefix != nil:
		case prefix.Addr().Is4In6(), prefix.Bits() == 0:
			if err == nil {
				t.Errorf("%s is taken, and httpd refuses it", word)
			}
		case err != nil:
			t.Errorf("%s: %v", word, err)
		case has != prefix.Contains(addr):
			t.Errorf("%s has %s: %t", word, addr, has)
		}
	})
}

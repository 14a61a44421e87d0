// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"crypto/tls"
	"encoding/base64"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/htpasswd"
)

// TestUnknown is about what cannot be found out. httpd takes a name service or a
// group file that does not answer for one that says no, and so lets in whom a
// Require not should keep out.
func TestUnknown(t *testing.T) {
	const login = "AuthType Basic\nAuthName R\nAuthUserFile @users\n"
	for _, tc := range []struct {
		text   string
		client string
		want   int
	}{
		{"Require host example.org", "192.0.2.3", 403},
		{"<RequireAll>\nRequire all granted\nRequire not host example.org\n</RequireAll>", "192.0.2.3", 403},
		{"<RequireAll>\nRequire all granted\nRequire not host example.org\n</RequireAll>", "192.0.2.4", 403},
		{"<RequireAll>\nRequire all granted\nRequire not host example.org\n</RequireAll>", "192.0.2.1", 0},
		{"<RequireAll>\nRequire all granted\nRequire not forward-dns nothing.example lost.example\n</RequireAll>", "192.0.2.1", 403},
		{"<RequireAll>\nRequire all granted\nRequire not forward-dns nothing.example\n</RequireAll>", "192.0.2.1", 0},
		{"<RequireAll>\nRequire all granted\n<RequireNone>\nRequire ip 10.1\nRequire host example.org\n</RequireNone>\n</RequireAll>", "192.0.2.3", 403},
		{"<RequireAll>\nRequire all granted\n<RequireNone>\n<RequireAll>\nRequire not host example.net\nRequire host example.org\n</RequireAll>\n</RequireNone>\n</RequireAll>", "192.0.2.3", 403},
		{"Order allow,deny\nAllow from example.org", "192.0.2.3", 403},
		{"Order allow,deny\nAllow from all\nDeny from example.org", "192.0.2.3", 403},
		{"Order allow,deny\nAllow from all\nDeny from example.org", "192.0.2.1", 0},
		{"Require expr -R '10.0.0.0/8' && file('/nothing') == 'x'", "10.1.1.1", 500},
		{login + "<RequireAll>\nRequire valid-user\nRequire not group banned\n</RequireAll>", "192.0.2.1", 401},
		{login + "AuthGroupFile @nothing\n<RequireAll>\nRequire valid-user\nRequire not group banned\n</RequireAll>", "192.0.2.1", 401},
		{login + "<RequireAll>\nRequire valid-user\nRequire expr file('/nothing') == 'x' || %{REMOTE_USER} == 'x'\n</RequireAll>", "192.0.2.1", 500},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "users"), []byte("ann:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		g := guardOf(t, strings.ReplaceAll(tc.text, "@", dir+"/"), Options{Hosts: NewHosts(names)})
		r := newRequest()
		r.Remote = netip.AddrPortFrom(netip.MustParseAddr(tc.client), 50000)
		r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("ann:secret")))
		if d := g.Check(r); d.Status != tc.want || (d.Reason == "") != (d.Status == 0) {
			t.Errorf("%s\n%s: got %+v, want %d", tc.text, tc.client, d, tc.want)
		}
	}
}

// TestSatisfyAny is about SSLRequireSSL, which httpd lets Satisfy Any overrule.
func TestSatisfyAny(t *testing.T) {
	g := guardOf(t, "SSLRequireSSL\nSatisfy any\nRequire all granted", Options{})
	r := newRequest()
	if d := g.Check(r); d.Status != http.StatusForbidden {
		t.Errorf("without TLS: %+v", d)
	}
	r.TLS = new(tls.ConnectionState)
	if d := g.Check(r); d.Status != 0 {
		t.Errorf("with TLS: %+v", d)
	}
}

// TestUser is about what becomes known of whom.
func TestUser(t *testing.T) {
	g := guardOf(t, "AuthType Basic\nAuthName R\nAuthUserFile users\nRequire valid-user\nRequire ip 10.1", Options{
		ServerRoot: t.TempDir(), Files: htpasswd.NewFiles(),
	})
	r := newRequest()
	r.Header.Set("Authorization", "Basic YTpi")
	r.Remote = netip.MustParseAddrPort("10.1.1.1:1")
	if d := g.Check(r); d.Status != 0 || r.User != "" || r.AuthType != "" {
		t.Errorf("an address suffices: %+v, user %q", d, r.User)
	}
	r.Remote = netip.MustParseAddrPort("10.2.1.1:1")
	if d := g.Check(r); d.Status != http.StatusInternalServerError || r.User != "" {
		t.Errorf("there is no password file: %+v, user %q", d, r.User)
	}
	var nobody *Guard
	if d := nobody.Check(r); d.Status != 0 {
		t.Errorf("no guard: %+v", d)
	}
}

func TestCredentials(t *testing.T) {
	encode := func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }
	for _, tc := range []struct{ header, user, password, want string }{
		{"", "", "", "nobody has logged in"},
		{encode("ann:a:b"), "ann", "a:b", ""},
		{encode("ann"), "ann", "", ""},
		{encode("ann:"), "ann", "", ""},
		{encode(":secret"), "", "", "no user name"},
		{encode("ann\x00:secret"), "", "", "NUL"},
		{encode("ann:secret\x00x"), "", "", "NUL"},
		{"basic\tYTpi", "", "", "another scheme"},
		{"BASIC \t YTpi", "a", "b", ""},
		{"Basic YTpi", "a", "b", ""},
		{"Basic YTpiY", "a", "b", ""},
		{"Basic YTpiYw", "a", "bc", ""},
		{"Basic YTpi-YTpi", "a", "b", ""},
		{"Basic " + strings.Repeat("A", maxAuthorization), "", "", "too long"},
	} {
		user, password, err := credentials(tc.header)
		if user != tc.user || password != tc.password || (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%.40q: got %q, %q, %v", tc.header, user, password, err)
		}
	}
}

func TestEscapeQuotes(t *testing.T) {
	for text, want := range map[string]string{
		`a "b"`:  `a \"b\"`,
		`a \"b`:  `a \"b`,
		`a \\"b`: `a \\\"b`,
		`end\`:   `end\`,
	} {
		if got := escapeQuotes(text); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

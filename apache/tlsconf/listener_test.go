// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package tlsconf

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// server reads the directives of a server.
func server(t *testing.T, text string) *Rules {
	t.Helper()
	rules, _, err := read(&directive.Context{Place: directive.Server}, text)
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	return rules
}

// write writes a file of a test.
func write(t *testing.T, dir, name string, text ...[]byte) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, slices.Concat(text...), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestListener(t *testing.T) {
	require := server(t, "SSLVerifyClient require")
	folder := t.TempDir()
	write(t, folder, "01234567.0")
	write(t, folder, "ca.pem")
	for _, tc := range []struct {
		text     string
		sections []*Rules
		want     Listener
	}{
		{"", nil, Listener{}},
		{"SSLCertificateFile /a", nil, Listener{}},
		{"SSLEngine off\nSSLVerifyClient require", nil, Listener{}},
		{
			"SSLEngine on\nSSLCertificateFile /a\nSSLCertificateFile /b\nSSLCertificateKeyFile /k\nSSLCertificateChainFile /c\nSSLProtocol TLSv1.3", nil,
			Listener{Certificates: []Certificate{{"/a", "/k", "/c"}, {"/b", "/b", "/c"}}, MinVersion: tls.VersionTLS13},
		},
		{
			"SSLEngine on\nSSLCertificateFile /a\nSSLProtocol TLSv1.2\nSSLCipherSuite ECDHE-RSA-AES128-GCM-SHA256:!aNULL:DES-CBC3-SHA:ECDHE-RSA-AES128-GCM-SHA256", nil,
			Listener{
				Certificates: []Certificate{{File: "/a", Key: "/a"}}, MaxVersion: tls.VersionTLS12,
				CipherSuites: []string{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
			},
		},
		{"SSLEngine on\nSSLCertificateFile /a\nSSLCipherSuite ECDHE-RSA-AES128-GCM-SHA256:HIGH", nil, Listener{Certificates: []Certificate{{File: "/a", Key: "/a"}}}},
		{
			"SSLEngine on\nSSLCertificateFile /a\nSSLStrictSNIVHostCheck on", nil,
			Listener{Certificates: []Certificate{{File: "/a", Key: "/a"}}, Requests: server(t, "SSLStrictSNIVHostCheck on")},
		},
		{
			"SSLEngine on\nSSLCertificateFile /a\nSSLVerifyClient require\nSSLVerifyDepth 3\nSSLCACertificateFile /r", nil,
			Listener{
				Certificates: []Certificate{{File: "/a", Key: "/a"}},
				ClientAuth:   &ClientAuth{"require_and_verify", []string{"/r"}}, Requests: server(t, "SSLVerifyClient require\nSSLVerifyDepth 3"),
			},
		},
		{
			"SSLEngine on\nSSLCertificateFile /a\nSSLVerifyClient optional\nSSLCACertificateFile /r\nSSLCACertificatePath " + folder, nil,
			Listener{
				Certificates: []Certificate{{File: "/a", Key: "/a"}},
				ClientAuth:   &ClientAuth{"verify_if_given", []string{"/r", folder + "/01234567.0"}}, Requests: server(t, "SSLVerifyClient optional"),
			},
		},
		{
			"SSLEngine on\nSSLCertificateFile /a\nSSLVerifyClient optional_no_ca", []*Rules{nil, {}},
			Listener{
				Certificates: []Certificate{{File: "/a", Key: "/a"}},
				ClientAuth:   &ClientAuth{Mode: "request"}, Requests: server(t, "SSLVerifyClient optional_no_ca"),
			},
		},
		{
			"SSLEngine on\nSSLCertificateFile /a\nSSLCACertificateFile /r", []*Rules{nil, require},
			Listener{
				Certificates: []Certificate{{File: "/a", Key: "/a"}},
				ClientAuth:   &ClientAuth{"verify_if_given", []string{"/r"}}, Requests: new(Rules),
			},
		},
	} {
		got, err := server(t, tc.text).Listener(Host{Names: []string{"a.test"}, Sections: tc.sections})
		if err != nil {
			t.Errorf("%s\n%v", tc.text, err)
			continue
		}
		if tc.want.Certificates != nil {
			tc.want.Enabled = true
			tc.want.MinVersion, tc.want.MaxVersion = max(tc.want.MinVersion, tls.VersionTLS12), either(tc.want.MaxVersion, tls.VersionTLS13)
		}
		if !reflect.DeepEqual(*got, tc.want) {
			t.Errorf("%s\n got %+v\nwant %+v", tc.text, *got, tc.want)
		}
	}
	for _, tc := range []struct {
		text     string
		sections []*Rules
		want     string
	}{
		{"SSLEngine on", nil, "without a certificate"},
		{"SSLEngine on\nMDomain b.test", nil, "without a certificate"},
		{"SSLEngine on\nSSLCertificateFile /a\nSSLVerifyClient require", nil, "without an authority"},
		{"SSLEngine on\nSSLCertificateFile /a", []*Rules{require}, "without an authority"},
		{"SSLEngine on\nSSLCertificateFile /a\nSSLVerifyClient optional\nSSLCACertificatePath /nothing", nil, "folder of authorities"},
		{"SSLEngine on\nSSLCertificateFile /a\nSSLVerifyClient optional_no_ca", []*Rules{require}, "does not go with"},
	} {
		if _, err := server(t, tc.text).Listener(Host{Names: []string{"a.test"}, Sections: tc.sections}); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s\n got %v\nwant %s", tc.text, err, tc.want)
		}
	}
}

func TestManaged(t *testing.T) {
	for _, tc := range []struct {
		text string
		host Host
		want ACME
	}{
		{"MDomain a.test", Host{Names: []string{"a.test", "b.test"}, Admin: "admin@a.test"}, ACME{Names: []string{"a.test", "b.test"}, Email: "admin@a.test"}},
		{"MDomain a.test manual", Host{Names: []string{"A.test", "b.test"}, Admin: "https://a.test/"}, ACME{Names: []string{"a.test"}}},
		{"MDMembers manual\nMDomain a.test", Host{Names: []string{"a.test", "b.test"}}, ACME{Names: []string{"a.test"}}},
		{"MDMembers manual\nMDomain a.test auto", Host{Names: []string{"a.test", "b.test"}}, ACME{Names: []string{"a.test", "b.test"}}},
		{"MDomain *.a.test", Host{Names: []string{"x.a.test", "y.x.a.test"}}, ACME{Names: []string{"*.a.test", "y.x.a.test"}}},
		{
			"MDContactEmail x@a.test\nMDCertificateAuthority https://ca.test/dir\nMDPrivateKeys p384\nMDCACertificateFile /r\nMDomain b.test\nMDomain a.test",
			Host{Names: []string{"a.test"}, Admin: "y@a.test"},
			ACME{Names: []string{"a.test"}, Email: "x@a.test", Authority: "https://ca.test/dir", KeyType: "p384", RootCAs: "/r"},
		},
		{
			"MDContactEmail x@a.test\n<MDomainSet a.test>\nMDContactEmail y@a.test\nMDPrivateKeys RSA\n</MDomainSet>", Host{Names: []string{"a.test"}},
			ACME{Names: []string{"a.test"}, Email: "y@a.test", KeyType: "rsa2048"},
		},
	} {
		l, err := server(t, "SSLEngine on\n"+tc.text).Listener(tc.host)
		if err != nil {
			t.Errorf("%s\n%v", tc.text, err)
		} else if !reflect.DeepEqual(*l.ACME, tc.want) {
			t.Errorf("%s\n got %+v\nwant %+v", tc.text, *l.ACME, tc.want)
		}
	}
}

// TestPermits is about the clients of places, with chains as crypto/tls finds them.
func TestPermits(t *testing.T) {
	root := &x509.Certificate{RawSubject: []byte("root"), RawIssuer: []byte("root")}
	between := &x509.Certificate{RawSubject: []byte("between"), RawIssuer: []byte("root")}
	client := &x509.Certificate{RawSubject: []byte("client"), RawIssuer: []byte("root")}
	direct := [][]*x509.Certificate{{client, root}}
	deep := [][]*x509.Certificate{{client, between, root}}
	partial := [][]*x509.Certificate{{client, between}}
	for _, tc := range []struct {
		text     string
		chains   [][]*x509.Certificate
		permits  bool
		verified bool
	}{
		{"", nil, true, false},
		{"", direct, true, true},
		{"", deep, true, false},
		{"SSLVerifyClient none", deep, true, false},
		{"SSLVerifyClient optional_no_ca", deep, true, false},
		{"SSLVerifyClient optional", nil, true, false},
		{"SSLVerifyClient optional", direct, true, true},
		{"SSLVerifyClient optional", deep, false, false},
		{"SSLVerifyClient require", nil, false, false},
		{"SSLVerifyClient require", direct, true, true},
		{"SSLVerifyClient require", deep, false, false},
		{"SSLVerifyClient require", partial, false, false},
		{"SSLVerifyClient require", slices.Concat(deep, direct), true, true},
		{"SSLVerifyClient require\nSSLVerifyDepth 2", deep, true, true},
		{"SSLVerifyClient require\nSSLVerifyDepth 2", partial, false, false},
		{"SSLVerifyClient require\nSSLVerifyDepth 0", direct, false, false},
	} {
		state := &tls.ConnectionState{VerifiedChains: tc.chains}
		if tc.chains != nil {
			state.PeerCertificates = tc.chains[0]
		}
		r := &request.Request{TLS: state}
		permits := server(t, tc.text).Permits(r)
		if verified := len(r.TLS.VerifiedChains) > 0; permits != tc.permits || verified != tc.verified {
			t.Errorf("%s: %d chains: permits %t, verified %t", tc.text, len(tc.chains), permits, verified)
		}
		if len(state.VerifiedChains) != len(tc.chains) {
			t.Error("the state of the connection was changed")
		}
	}
	if !server(t, "SSLVerifyClient require").Permits(new(request.Request)) {
		t.Error("without TLS nothing is asked for")
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	root := wstest.NewAuthority(t, "root")
	cert, key := root.Issue(t, x509.Certificate{DNSNames: []string{"a.test"}})
	_, otherKey := root.Issue(t, x509.Certificate{})
	c := Certificate{
		File: write(t, dir, "cert", cert[:len(cert)-1]), // the chain must not begin on its last line
		Key:  write(t, dir, "key", key), Chain: write(t, dir, "chain", root.Certificate),
	}
	loaded, err := c.Load()
	if err != nil || len(loaded.Certificate) != 2 {
		t.Errorf("%d certificates, %v", len(loaded.Certificate), err)
	}
	both := write(t, dir, "both", key, cert, root.Certificate)
	if loaded, err := (Certificate{File: both, Key: both}).Load(); err != nil || len(loaded.Certificate) != 2 {
		t.Errorf("one file for all: %d certificates, %v", len(loaded.Certificate), err)
	}
	for _, tc := range []struct {
		Certificate
		want string
	}{
		{Certificate{File: dir + "/nothing", Key: c.Key}, "SSLCertificateFile: open"},
		{Certificate{File: c.File, Key: dir + "/nothing"}, "SSLCertificateKeyFile: open"},
		{Certificate{File: c.File, Key: c.Key, Chain: dir + "/nothing"}, "SSLCertificateChainFile: open"},
		{Certificate{File: c.File, Key: write(t, dir, "encrypted", []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"))}, "is encrypted"},
		{Certificate{File: c.File, Key: write(t, dir, "other", otherKey)}, "with the key in"},
	} {
		if _, err := tc.Load(); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v\n got %v\nwant %s", tc.Certificate, err, tc.want)
		}
	}
}

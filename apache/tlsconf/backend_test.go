// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package tlsconf

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// TestClient connects to backends with certificates of all kinds. The answers are
// those of httpd 2.4.71 (lab cases E21 to E21h), or of its ssl_engine_io.c.
func TestClient(t *testing.T) {
	dir := t.TempDir()
	root, stranger := wstest.NewAuthority(t, "root"), wstest.NewAuthority(t, "stranger")
	between := root.Authority(t, "between")
	rootFile := write(t, dir, "root", root.Certificate)
	pair := func(a *wstest.Authority, template x509.Certificate, chain ...byte) tls.Certificate {
		cert, key := a.Issue(t, template)
		loaded, err := tls.X509KeyPair(append(cert, chain...), key)
		if err != nil {
			t.Fatal(err)
		}
		return loaded
	}
	past := x509.Certificate{DNSNames: []string{"a.test"}, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour)}
	future := x509.Certificate{DNSNames: []string{"a.test"}, NotBefore: time.Now().Add(time.Hour), NotAfter: time.Now().Add(2 * time.Hour)}
	backends := map[string]tls.Certificate{
		"good":     pair(root, x509.Certificate{DNSNames: []string{"a.test"}}),
		"deep":     pair(between, x509.Certificate{DNSNames: []string{"a.test"}}, between.Certificate...),
		"broken":   pair(between, x509.Certificate{DNSNames: []string{"a.test"}}),
		"stranger": pair(stranger, x509.Certificate{DNSNames: []string{"a.test"}}),
		"past":     pair(root, past),
		"future":   pair(root, future),
		"wildcard": pair(root, x509.Certificate{DNSNames: []string{"*.test"}}),
		"cn":       pair(root, x509.Certificate{Subject: pkix.Name{CommonName: "a.test"}, DNSNames: []string{"b.test"}}),
		"other":    pair(root, x509.Certificate{Subject: pkix.Name{CommonName: "b.test"}, DNSNames: []string{"b.test"}}),
		"address":  pair(root, x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}),
	}
	const verify = "SSLProxyVerify require\nSSLProxyCACertificateFile @"
	for _, tc := range []struct {
		text, name string
		good       string // the backends that are good enough
	}{
		{"", "a.test", "good deep broken stranger wildcard cn"},
		{"", "A.TEST", "good deep broken stranger wildcard cn"},
		{"", "x.a.test", ""},
		{"", "127.0.0.1", ""}, // httpd knows no addresses in certificates
		{"", "", "good deep broken stranger wildcard cn other address"},
		{"SSLProxyCheckPeerExpire off", "a.test", "good deep broken stranger past future wildcard cn"},
		{"SSLProxyCheckPeerName off", "a.test", "good deep broken stranger wildcard cn other address"},
		{"SSLProxyCheckPeerCN off", "a.test", "good deep broken stranger wildcard cn other address"},
		{"SSLProxyCheckPeerCN off\nSSLProxyCheckPeerName on", "a.test", "good deep broken stranger wildcard cn"},
		{"SSLProxyCheckPeerCN on", "a.test", "good deep broken stranger wildcard cn"},
		{"SSLProxyCheckPeerCN on\nSSLProxyCheckPeerName off", "a.test", "cn"},
		{verify, "a.test", "good wildcard cn"},
		{verify + "\nSSLProxyVerifyDepth 2", "a.test", "good deep wildcard cn"},
		{verify + "\nSSLProxyVerifyDepth 0", "a.test", ""},
		{verify + "\nSSLProxyCheckPeerExpire off", "a.test", "good wildcard cn"}, // an expired chain is no chain
		{verify + "\nSSLProxyCheckPeerName off", "a.test", "good wildcard cn other address"},
		{"SSLProxyVerify optional\nSSLProxyCACertificateFile @", "a.test", "good wildcard cn"},
		{"SSLProxyVerify optional_no_ca\nSSLProxyCACertificateFile @", "a.test", "good broken stranger wildcard cn"},
		{"SSLProxyVerify require", "a.test", ""},
	} {
		client, err := server(t, "SSLProxyEngine on\n"+strings.ReplaceAll(tc.text, "@", rootFile)).Backend().Compile()
		if err != nil {
			t.Errorf("%s\n%v", tc.text, err)
			continue
		}
		good := " " + tc.good + " "
		for name, cert := range backends {
			_, err := handshake(client.Config(tc.name), &tls.Config{Certificates: []tls.Certificate{cert}})
			if want := strings.Contains(good, " "+name+" "); (err == nil) != want {
				t.Errorf("%s\n%q with a certificate that is %s: %v, want it %t", tc.text, tc.name, name, err, want)
			}
		}
	}
}

// handshake makes TLS, and returns what the server knows of it.
func handshake(client, server *tls.Config) (tls.ConnectionState, error) {
	near, far := net.Pipe()
	done := make(chan tls.ConnectionState)
	go func() {
		defer far.Close()
		conn := tls.Server(far, server)
		if conn.Handshake() == nil {
			io.WriteString(conn, ".")
		}
		done <- conn.ConnectionState()
	}()
	conn := tls.Client(near, client)
	err := conn.Handshake()
	if err == nil {
		_, err = conn.Read(make([]byte, 1))
	}
	near.Close()
	return <-done, err
}

// TestMachineCertificates is about what is shown to backends, and the versions that
// are spoken with them.
func TestMachineCertificates(t *testing.T) {
	dir := t.TempDir()
	root := wstest.NewAuthority(t, "root")
	between := root.Authority(t, "between")
	certA, keyA := between.Issue(t, x509.Certificate{Subject: pkix.Name{CommonName: "one"}})
	certB, keyB := root.Issue(t, x509.Certificate{Subject: pkix.Name{CommonName: "two"}})
	files := map[string]string{
		"all":       write(t, dir, "all", keyB, certA, keyA, certB, between.Certificate),
		"one":       write(t, dir, "one", certA, keyA),
		"chain":     write(t, dir, "chain", between.Certificate),
		"keyless":   write(t, dir, "keyless", certA),
		"certless":  write(t, dir, "certless", certA, keyB),
		"encrypted": write(t, dir, "encrypted", certA, []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\n-----END ENCRYPTED PRIVATE KEY-----\n")),
		"empty":     write(t, dir, "empty"),
		"garbage":   write(t, dir, "garbage", []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")),
		"nothing":   filepath.Join(dir, "nothing"),
	}
	fill := func(text string) string {
		for name, file := range files {
			text = strings.ReplaceAll(text, "@"+name, file)
		}
		return "SSLProxyEngine on\nSSLProxyCheckPeerName off\n" + text
	}
	origin, err := tls.X509KeyPair(certB, keyB)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		text    string
		certs   int    // that the backend gets
		name    string // of the first
		version uint16
	}{
		{"SSLProxyCipherSuite HIGH", 0, "", tls.VersionTLS13},
		{"SSLProxyProtocol TLSv1.2\nSSLProxyCipherSuite ECDHE-ECDSA-CHACHA20-POLY1305", 0, "", tls.VersionTLS12},
		{"SSLProxyProtocol TLSv1.1", 0, "", tls.VersionTLS11},
		{"SSLProxyMachineCertificateFile @one\nSSLProxyMachineCertificateChainFile @chain", 2, "one", tls.VersionTLS13},
		{"SSLProxyMachineCertificateFile @all", 2, "two", tls.VersionTLS13},
	} {
		client, err := server(t, fill(tc.text)).Backend().Compile()
		if err != nil {
			t.Errorf("%s\n%v", tc.text, err)
			continue
		}
		state, err := handshake(client.Config("a.test"), &tls.Config{
			Certificates: []tls.Certificate{origin}, ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS10,
		})
		name := ""
		if len(state.PeerCertificates) > 0 {
			name = state.PeerCertificates[0].Subject.CommonName
		}
		if err != nil || len(state.PeerCertificates) != tc.certs || name != tc.name || state.Version != tc.version {
			t.Errorf("%s\n%v: %d certificates, of %q, version %x", tc.text, err, len(state.PeerCertificates), name, state.Version)
		}
		if strings.Contains(tc.text, "CHACHA20") && state.CipherSuite != tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 {
			t.Errorf("the cipher is %x", state.CipherSuite)
		}
	}
	for _, tc := range []struct{ text, want string }{
		{"SSLProxyEngine off", "SSLProxyEngine is not on"},
		{"SSLProxyCACertificateFile @nothing", "SSLProxyCACertificateFile: open"},
		{"SSLProxyCACertificateFile @empty", "no certificate in PEM"},
		{"SSLProxyCACertificateFile @garbage", "SSLProxyCACertificateFile"},
		{"SSLProxyCACertificatePath @nothing", "folder of authorities"},
		{"SSLProxyMachineCertificateFile @nothing", "SSLProxyMachineCertificateFile: open"},
		{"SSLProxyMachineCertificateFile @keyless", "has no key"},
		{"SSLProxyMachineCertificateFile @encrypted", "has no key that is not encrypted"},
		{"SSLProxyMachineCertificateFile @certless", "a key without a certificate"},
		{"SSLProxyMachineCertificateFile @one\nSSLProxyMachineCertificateChainFile @nothing", "SSLProxyMachineCertificateChainFile: open"},
	} {
		if _, err := server(t, fill(tc.text)).Backend().Compile(); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s\n got %v\nwant %s", tc.text, err, tc.want)
		}
	}
	if err := new(Backend).VerifyConnection(tls.ConnectionState{}, "a.test"); err == nil {
		t.Error("a backend without a certificate will do")
	}
}

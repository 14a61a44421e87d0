// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package request

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// TestRedirect is about an internal redirect, for which httpd renames what was set.
func TestRedirect(t *testing.T) {
	var r Request
	r.SetEnv("Flag", "1")
	r.Redirect(http.StatusOK)
	r.SetEnv("flag", "2")
	r.Redirect(http.StatusNotFound)
	want := []string{"REDIRECT_REDIRECT_Flag", "REDIRECT_REDIRECT_STATUS", "REDIRECT_STATUS", "REDIRECT_flag"}
	if got := r.EnvNames(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for name, want := range map[string]string{"REDIRECT_STATUS": "404", "REDIRECT_REDIRECT_STATUS": "200", "REDIRECT_FLAG": "2"} {
		if got, _ := r.Env(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestVar(t *testing.T) {
	t.Setenv("OF_THE_SYSTEM", "here")
	r := &Request{
		Method: "GET", Line: "GET /a HTTP/2.0", Protocol: "HTTP/2.0", Host: "chat.test:8080", URI: "/a", Query: "b=c",
		Header: http.Header{"X-Two": {"1", "2"}, "Cookie": {"d=e"}},
		Server: &Server{Name: "site.test", Port: 81, Admin: "admin@site.test", DocumentRoot: "/srv"},
		Remote: netip.MustParseAddrPort("[::ffff:192.0.2.1]:1"), Peer: netip.MustParseAddrPort("192.0.2.2:2"), Local: netip.MustParseAddrPort("192.0.2.3:3"),
		Time: time.Date(2026, 11, 26, 9, 5, 7, 0, time.UTC), User: "ann", AuthType: "Basic",
	}
	r.SetEnv("FLAG", "")
	for name, want := range map[string]string{
		"HTTP:x-two": "1, 2", "http:host": "chat.test:8080", "HTTP:None": "", "ENV:FLAG": "", "ENV:OF_THE_SYSTEM": "here", "SSL:HTTPS": "off", "LA-U:REMOTE_USER": "",
		"HTTP_COOKIE": "d=e", "HTTP_HOST": "chat.test:8080", "HTTPS": "off", "SSL_PROTOCOL": "", "SSL_": "", "NOTHING": "",
		"REMOTE_ADDR": "192.0.2.1", "REMOTE_PORT": "2", "CONN_REMOTE_ADDR": "192.0.2.2", "SERVER_ADDR": "192.0.2.3", "IPV6": "off",
		"SERVER_NAME": "chat.test", "SERVER_PORT": "8080", "REQUEST_SCHEME": "http", "HTTP2": "on",
		"REQUEST_FILENAME": "/a", "SCRIPT_FILENAME": "/a", "REQUEST_STATUS": "200", "REMOTE_USER": "ann", "AUTH_TYPE": "Basic",
		"TIME": "20261126090507", "TIME_HOUR": "09", "TIME_WDAY": "4", "DOCUMENT_ROOT": "/srv", "SERVER_ADMIN": "admin@site.test",
	} {
		if got := r.Var(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	r.Filename, r.Status, r.Remote = "/srv/a", 404, netip.AddrPort{}
	for name, want := range map[string]string{"REQUEST_FILENAME": "/srv/a", "REQUEST_STATUS": "404", "REMOTE_ADDR": ""} {
		if got := r.Var(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]bool{"HTTP:x": true, "env:x": true, "SSL:x": true, "LA-U:x": false, "time_hour": true, "SSL_X": true, "SSL_": false, "X": false} {
		if got := KnownVar(name); got != want {
			t.Errorf("%s is known: %t", name, got)
		}
	}
}

// TestServerName is about the host and the port of URLs that name this server.
func TestServerName(t *testing.T) {
	for _, tc := range []struct {
		host      string
		canonical bool
		port      int
		tls       *tls.ConnectionState
		wantName  string
		wantPort  int
	}{
		{"chat.test", false, 0, nil, "chat.test", 80},
		{"chat.test", false, 0, new(tls.ConnectionState), "chat.test", 443},
		{"chat.test:81", false, 82, nil, "chat.test", 81},
		{"chat.test:x", false, 82, nil, "chat.test", 82},
		{"chat.test:81", true, 82, nil, "site.test", 82},
		{"[::1]:81", false, 0, nil, "::1", 81},
		{"[::1]", false, 0, nil, "::1", 80},
		{"", false, 82, nil, "site.test", 82},
	} {
		r := &Request{Host: tc.host, TLS: tc.tls, Server: &Server{Name: "site.test", Port: tc.port, CanonicalName: tc.canonical}}
		if name, port := r.ServerName(), r.ServerPort(); name != tc.wantName || port != tc.wantPort {
			t.Errorf("%+v: got %s, %d", tc, name, port)
		}
	}
}

func TestSSLVariables(t *testing.T) {
	client := &x509.Certificate{
		Raw: []byte("certificate"), SerialNumber: big.NewInt(0xabc),
		Subject: pkix.Name{CommonName: "ann", Organization: []string{"Chat"}}, Issuer: pkix.Name{CommonName: "root"},
	}
	r := &Request{TLS: &tls.ConnectionState{Version: tls.VersionTLS12, CipherSuite: tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, ServerName: "chat.test"}}
	check := func(name, want string) {
		t.Helper()
		if got := r.Var(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	check("HTTPS", "on")
	check("SSL:ssl_protocol", "TLSv1.2")
	check("SSL_CIPHER", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")
	check("SSL_TLS_SNI", "chat.test")
	check("SSL_SESSION_RESUMED", "Initial")
	check("SSL_CLIENT_VERIFY", "NONE")
	check("SSL_CLIENT_S_DN", "")
	r.TLS.DidResume, r.TLS.Version, r.TLS.PeerCertificates = true, tls.VersionTLS10, []*x509.Certificate{client}
	check("SSL_PROTOCOL", "TLSv1")
	check("SSL_SESSION_RESUMED", "Resumed")
	check("SSL_CLIENT_VERIFY", "GENEROUS")
	check("SSL_CLIENT_S_DN", "CN=ann,O=Chat")
	check("SSL_CLIENT_S_DN_CN", "ann")
	check("SSL_CLIENT_I_DN", "CN=root")
	check("SSL_CLIENT_I_DN_CN", "root")
	check("SSL_CLIENT_M_SERIAL", "ABC")
	check("SSL_CLIENT_CERT", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: client.Raw})))
	check("SSL_CLIENT_A_KEY", "")
	r.TLS.VerifiedChains = [][]*x509.Certificate{{client}}
	check("SSL_CLIENT_VERIFY", "SUCCESS")
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package apache_test

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest/apachelab"
)

// clients have certificates of several authorities: one that is trusted, one below
// it, and one that is not.
type clients struct{ direct, deep, stranger tls.Certificate }

// makeClients writes the trusted authority, the one below it and the certificate of
// the server into the folder of the lab.
func makeClients(t *testing.T, l *lab) clients {
	t.Helper()
	root := wstest.NewAuthority(t, "root")
	between := root.Authority(t, "between")
	pair := func(a *wstest.Authority, name string, chain ...byte) tls.Certificate {
		cert, key := a.Issue(t, x509.Certificate{
			Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		})
		l.Write(t, name+".crt", string(cert))
		l.Write(t, name+".key", string(key))
		loaded, err := tls.X509KeyPair(append(cert, chain...), key)
		if err != nil {
			t.Fatal(err)
		}
		return loaded
	}
	l.Write(t, "root.crt", string(root.Certificate))
	l.Write(t, "between.crt", string(between.Certificate))
	pair(root, "server.test")
	return clients{
		direct: pair(root, "direct.test"), deep: pair(between, "deep.test", between.Certificate...),
		stranger: pair(wstest.NewAuthority(t, "elsewhere"), "stranger.test"),
	}
}

// TestVerifyClient is SSLVerifyClient of a server, with what httpd does: a chain is
// not longer than SSLVerifyDepth, and ends at an authority that signed itself.
func TestVerifyClient(t *testing.T) {
	l := newLab(t)
	c := makeClients(t, l)
	nobody := tls.Certificate{}
	for _, tc := range []struct {
		name, options               string
		none, direct, deep, unknown string // handshake: it fails
	}{
		{"not asked", "", "200 none", "200 none", "200 none", "200 none"},
		{"require", "SSLVerifyClient require\nSSLCACertificateFile @W/root.crt", "handshake", "200 direct.test SUCCESS", "403", "handshake"},
		{"require, depth", "SSLVerifyClient require\nSSLVerifyDepth 2\nSSLCACertificateFile @W/root.crt", "handshake", "200 direct.test SUCCESS", "200 deep.test SUCCESS", "handshake"},
		{"require, depth 0", "SSLVerifyClient require\nSSLVerifyDepth 0\nSSLCACertificateFile @W/root.crt", "handshake", "403", "403", "handshake"},
		{"an authority in between", "SSLVerifyClient require\nSSLVerifyDepth 9\nSSLCACertificateFile @W/between.crt", "handshake", "handshake", "403", "handshake"},
		{"optional", "SSLVerifyClient optional\nSSLCACertificateFile @W/root.crt", "200 none", "200 direct.test SUCCESS", "403", "handshake"},
		{"optional_no_ca", "SSLVerifyClient optional_no_ca", "200 none", "200 direct.test GENEROUS", "200 deep.test GENEROUS", "200 stranger.test GENEROUS"},
		{"in a section that is not asked for", "SSLCACertificateFile @W/root.crt\n<Location /other>\nSSLVerifyClient optional\n</Location>", "200 none", "200 direct.test SUCCESS", "200 deep.test GENEROUS", "handshake"},
		{"in a section", "SSLCACertificateFile @W/root.crt\n<Location /x>\nSSLVerifyClient require\n</Location>", "403", "200 direct.test SUCCESS", "403", "handshake"},
		{"in a section, depth", "SSLCACertificateFile @W/root.crt\n<Location /x>\nSSLVerifyClient require\nSSLVerifyDepth 2\n</Location>", "403", "200 direct.test SUCCESS", "200 deep.test SUCCESS", "handshake"},
		{"by an expression", "SSLVerifyClient optional\nSSLCACertificateFile @W/root.crt\n<Location />\nRequire expr %{SSL_CLIENT_VERIFY} == 'SUCCESS'\n</Location>", "403", "200 direct.test SUCCESS", "403", "handshake"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			port := wstest.CaddyPort(t)
			adapted, err := adapt(l.Fill(`<VirtualHost 127.0.0.1:@P>
ServerName server.test
SSLEngine on
SSLCertificateFile @W/server.test.crt
SSLCertificateKeyFile @W/server.test.key
`+tc.options+`
RequestHeader set X-Who "%{SSL_CLIENT_S_DN_CN}s %{SSL_CLIENT_VERIFY}s"
ProxyPass / ws://@A/
</VirtualHost>`, port))
			if err != nil {
				t.Fatal(err)
			}
			load(t, adapted)
			for _, client := range []struct {
				name string
				cert tls.Certificate
				want string
			}{{"nobody", nobody, tc.none}, {"direct", c.direct, tc.direct}, {"deep", c.deep, tc.deep}, {"stranger", c.stranger, tc.unknown}} {
				if got := knownAs(t, "127.0.0.1:"+port, "server.test", "server.test", client.cert); got != client.want {
					t.Errorf("%s: got %s, want %s", client.name, got, client.want)
				}
			}
		})
	}
}

// knownAs asks with a certificate, and tells who the origin was told it is.
func knownAs(t *testing.T, address, name, host string, cert tls.Certificate) string {
	t.Helper()
	conn := tls.Client(wstest.Dial(t, address), &tls.Config{
		ServerName: name, InsecureSkipVerify: true,
		MaxVersion:           tls.VersionTLS12, // in which a client hears of a refusal in the handshake
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil },
	})
	if err := conn.Handshake(); err != nil {
		return "handshake"
	}
	if _, err := io.WriteString(conn, "GET /x HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, body := apachelab.ReadAnswer(t, conn, "GET")
	got := strings.Fields(strings.NewReplacer("'", "", "X-Who=", "", "None", "", "(null)", "", "NONE", "none", " A /x", "").Replace(apachelab.Tell(resp, body, "X-Who='x'")))
	return strings.Join(slices.Compact(got), " ")
}

// TestVerifyClientByName makes sure that no server name is a way around the virtual
// host that asks for certificates.
func TestVerifyClientByName(t *testing.T) {
	l := newLab(t)
	c := makeClients(t, l)
	port := wstest.CaddyPort(t)
	const certificate = "SSLEngine on\nSSLCertificateFile @W/server.test.crt\nSSLCertificateKeyFile @W/server.test.key\n"
	adapted, err := adapt(l.Fill(`<VirtualHost 127.0.0.1:@P>
ServerName first.test
SSLStrictSNIVHostCheck on
`+certificate+`ProxyPass / ws://@A/
</VirtualHost>
<VirtualHost 127.0.0.1:@P>
ServerName members.test
ServerAlias *.members.test m?mbers.test
SSLVerifyClient require
SSLCACertificateFile @W/root.crt
`+certificate+`ProxyPass / ws://@A/
</VirtualHost>`, port))
	if err != nil {
		t.Fatal(err)
	}
	load(t, adapted)
	for _, tc := range []struct{ name, host, without, with string }{
		{"first.test", "first.test", "200", "200"},
		{"other.test", "other.test", "200", "200"},
		{"", "first.test", "403", "403"},
		{"members.test", "members.test", "handshake", "200"},
		{"MEMBERS.test", "members.test", "handshake", "200"},
		{"a.members.test", "a.members.test", "handshake", "200"},
		{"a.b.members.test", "a.b.members.test", "handshake", "200"},
		{"mxmbers.test", "mxmbers.test", "handshake", "200"},
		{"first.test", "members.test", "421", "421"},
		{"first.test", "a.b.members.test", "421", "421"},
		{"a.b.members.test", "first.test", "handshake", "421"},
		{"", "members.test", "421", "421"},
	} {
		for _, client := range []struct {
			cert tls.Certificate
			want string
		}{{tls.Certificate{}, tc.without}, {c.direct, tc.with}} {
			if got := knownAs(t, "127.0.0.1:"+port, tc.name, tc.host, client.cert); got != client.want {
				t.Errorf("server name %q, Host %s, %d certificates: got %s, want %s", tc.name, tc.host, len(client.cert.Certificate), got, client.want)
			}
		}
	}
}

// TestPoliciesByAddress is about virtual hosts by address on a port that is open for
// all: the TLS of one must not be that of the other.
func TestPoliciesByAddress(t *testing.T) {
	adapted, err := adapt(`Listen 8443
<VirtualHost 192.0.2.1:8443>
SSLEngine on
SSLCertificateFile /one.crt
ProxyPass / ws://localhost:1/
</VirtualHost>
<VirtualHost 192.0.2.2:8443>
SSLEngine on
SSLCertificateFile /two.crt
SSLVerifyClient require
SSLCACertificateFile /root.crt
ProxyPass / ws://localhost:2/
</VirtualHost>`)
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Apps struct {
			HTTP struct {
				Servers map[string]struct {
					Policies []struct {
						Match  map[string]struct{ Ranges []string } `json:"match"`
						Client *struct{ Mode string }               `json:"client_authentication"`
					} `json:"tls_connection_policies"`
				} `json:"servers"`
			} `json:"http"`
		} `json:"apps"`
	}
	if err := json.Unmarshal(adapted, &config); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, server := range config.Apps.HTTP.Servers {
		for _, p := range server.Policies {
			mode := "none"
			if p.Client != nil {
				mode = p.Client.Mode
			}
			got = append(got, strings.Join(p.Match["local_ip"].Ranges, " ")+" "+mode)
		}
	}
	if want := []string{"192.0.2.1 none", "192.0.2.2 require_and_verify"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q\n%s", got, want, adapted)
	}
}

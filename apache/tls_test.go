// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package apache_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest/apachelab"
)

// TestTLSVirtualHosts is lab case E33: the server name chooses the certificate,
// and must belong to the virtual host that Host chooses.
func TestTLSVirtualHosts(t *testing.T) {
	l := newLab(t)
	for _, name := range []string{"a", "b"} {
		cert, key := wstest.Certificate(t, name+".test")
		l.Write(t, name+".crt", string(cert))
		l.Write(t, name+".key", string(key))
	}
	port := wstest.CaddyPort(t)
	adapted, err := adapt(l.Fill(`
<VirtualHost *:@P>
ServerName a.test
SSLEngine on
SSLCertificateFile @W/a.crt
SSLCertificateKeyFile @W/a.key
RequestHeader set X-Proto expr=%{REQUEST_SCHEME}
RequestHeader set X-HTTPS %{HTTPS}s
ProxyPass / ws://@A/
</VirtualHost>
<VirtualHost *:@P>
ServerName b.test
ServerAlias *.b.test
SSLEngine on
SSLCertificateFile @W/b.crt
SSLCertificateKeyFile @W/b.key
SSLCertificateChainFile @W/a.crt
ProxyPass / ws://@B/
</VirtualHost>`, port))
	if err != nil {
		t.Fatal(err)
	}
	load(t, adapted)
	for _, tc := range []struct{ sni, host, certificate, want string }{
		{"a.test", "a.test", "a.test", "200 A /x X-Proto='https' X-HTTPS='on'"},
		{"b.test", "b.test", "b.test", "200 B /x"},
		{"a.test", "b.test", "a.test", "421"},
		{"b.test", "a.test", "b.test", "421"},
		{"", "b.test", "a.test", "421"},
		{"z.test", "b.test", "a.test", "421"},
		{"z.test", "z.test", "a.test", "200 A /x"},
		{"b.test", "x.y.b.test", "b.test", "200 B /x"},
	} {
		conn := tls.Client(wstest.Dial(t, "127.0.0.1:"+port), &tls.Config{ServerName: tc.sni, InsecureSkipVerify: true})
		if _, err := io.WriteString(conn, "GET /x HTTP/1.1\r\nHost: "+tc.host+"\r\nConnection: close\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if got := conn.ConnectionState().PeerCertificates[0].DNSNames[0]; got != tc.certificate {
			t.Errorf("server name %q: the certificate is of %s, want %s", tc.sni, got, tc.certificate)
		}
		resp, body := apachelab.ReadAnswer(t, conn, "GET")
		if got := apachelab.Tell(resp, body, tc.want); got != tc.want {
			t.Errorf("server name %q, Host %s\n got %s\nwant %s", tc.sni, tc.host, got, tc.want)
		}
	}
}

// TestClientCertificates lets only those into a Location who have a certificate of
// its authority.
func TestClientCertificates(t *testing.T) {
	l := newLab(t)
	cert, key := wstest.Certificate(t, "a.test")
	l.Write(t, "a.crt", string(cert))
	l.Write(t, "a.key", string(key))
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	port := wstest.CaddyPort(t)
	adapted, err := adapt(l.Fill(`
<VirtualHost *:@P>
ServerName a.test
SSLEngine on
SSLCertificateFile @W/a.crt
SSLCertificateKeyFile @W/a.key
SSLCACertificateFile @W/a.crt
<Location /members>
SSLVerifyClient require
</Location>
ProxyPass / ws://@A/
</VirtualHost>`, port))
	if err != nil {
		t.Fatal(err)
	}
	load(t, adapted)
	for _, tc := range []struct {
		path, want string
		with       []tls.Certificate
	}{
		{"/x", "200 A /x", nil},
		{"/members", "403", nil},
		{"/members/x", "403", nil},
		{"/members", "200 A /members", []tls.Certificate{pair}},
	} {
		conn := tls.Client(wstest.Dial(t, "127.0.0.1:"+port), &tls.Config{ServerName: "a.test", InsecureSkipVerify: true, Certificates: tc.with})
		if _, err := io.WriteString(conn, "GET "+tc.path+" HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		resp, body := apachelab.ReadAnswer(t, conn, "GET")
		if got := apachelab.Tell(resp, body, ""); got != tc.want {
			t.Errorf("%s with %d certificates: got %s, want %s", tc.path, len(tc.with), got, tc.want)
		}
	}
}

// TestTLSOrigins is lab cases E21 to E21h.
func TestTLSOrigins(t *testing.T) {
	l := newLab(t)
	cert, key := wstest.Certificate(t, "localhost")
	other, _ := wstest.Certificate(t, "localhost")
	l.Write(t, "c.crt", string(cert))
	l.Write(t, "other.crt", string(other))
	port := l.secureOrigin(t, cert, key)
	const require = "SSLProxyEngine on\nSSLProxyVerify require\nSSLProxyCACertificateFile @W/"
	for _, tc := range []struct{ options, host, want string }{
		{"", "127.0.0.1", "500"},
		{"", "localhost", "TLS"}, // httpd: 500, since nothing says that it may
		{"SSLProxyEngine off", "localhost", "500"},
		{"Define CADDY_STRICT", "localhost", "500"},
		{"SSLProxyEngine on", "127.0.0.1", "500"},
		{"SSLProxyEngine on\nSSLProxyVerify none", "127.0.0.1", "500"},
		{"SSLProxyEngine on\nSSLProxyVerify none\nSSLProxyCheckPeerName off", "127.0.0.1", "TLS"},
		{"SSLProxyEngine on\nSSLProxyCheckPeerCN off", "127.0.0.1", "TLS"},
		{"SSLProxyEngine on", "localhost", "TLS"},
		{require + "c.crt", "localhost", "TLS"},
		{require + "other.crt", "localhost", "500"},
		{require + "c.crt", "127.0.0.1", "500"},
		{require + "c.crt\nSSLProxyCheckPeerName off", "127.0.0.1", "TLS"},
		{"SSLProxyEngine on\nProxyPreserveHost On", "127.0.0.1", "500"}, // since Host is base.test
		{"SSLProxyEngine on\nProxyPreserveHost On\nSSLProxyCheckPeerName off", "127.0.0.1", "TLS"},
	} {
		t.Run(tc.host+" "+tc.options, func(t *testing.T) {
			address := l.site(t, "<VirtualHost *>\n"+tc.options+"\nProxyPass / wss://"+tc.host+":"+port+"/\n</VirtualHost>")
			ws, plain := tc.want, tc.want
			if tc.want == "TLS" {
				host := tc.host + ":" + port
				if strings.Contains(tc.options, "ProxyPreserveHost") {
					host = "base.test"
				}
				ws, plain = "101 TLS /x Host='"+host+"'", "200 TLS /x Host='"+host+"'"
			}
			l.expect(t, address, "ws /x", ws)
			l.expect(t, address, "plain /x", plain)
			l.expect(t, address, "plain /x", plain)
		})
	}
}

// TestSecureSite is the virtual host of seed 000, which Cloudflare comes to on
// port 8443, and that of seed 002 with TLS on both sides.
func TestSecureSite(t *testing.T) {
	l := newLab(t)
	cert, key := wstest.Certificate(t, "localhost")
	l.Write(t, "c.crt", string(cert))
	l.Write(t, "c.key", string(key))
	secure := l.secureOrigin(t, cert, key)
	port := wstest.CaddyPort(t)
	adapted, err := adapt(l.Fill(`
Listen 127.0.0.1:@P https
<VirtualHost _default_:@P>
SSLEngine on
SSLCertificateFile @W/c.crt
SSLCertificateKeyFile @W/c.key
SSLCertificateChainFile @W/c.crt
SSLCACertificateFile @W/c.crt
RewriteEngine on
RewriteCond %{HTTP:Connection} =Upgrade [NC]
RewriteCond %{HTTP:Upgrade} =WebSocket [NC]
RewriteRule /(.*) ws://@B/$1 [P,L]
ProxyPreserveHost On
ProxyPass / http://@A/
ProxyPassReverse / http://@A/
</VirtualHost>
<VirtualHost *:@P>
ServerName localhost
SSLEngine on
SSLCertificateFile @W/c.crt
SSLCertificateKeyFile @W/c.key
ProxyPass /wss/ wss://localhost:`+secure+`/
ProxyPassReverse /wss/ wss://localhost:`+secure+`/
<Location /wss/>
Require all granted
</Location>
</VirtualHost>`, port))
	if err != nil {
		t.Fatal(err)
	}
	load(t, adapted)
	for _, tc := range []struct{ host, request, want string }{
		{"chat.test", upgradeOf("/room?n=1"), "101 B /room?n=1 Host='chat.test'"},
		{"chat.test", plainOf("/x"), "200 A /x Host='chat.test'"},
		{"localhost", upgradeOf("/wss/room"), "101 TLS /room Host='localhost:" + secure + "'"},
		{"localhost", plainOf("/wss/x"), "200 TLS /x"},
		{"localhost", plainOf("/x"), "404"},
	} {
		conn := tls.Client(wstest.Dial(t, "127.0.0.1:"+port), &tls.Config{ServerName: tc.host, InsecureSkipVerify: true})
		if _, err := io.WriteString(conn, tc.request+"Host: "+tc.host+"\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		resp, body := apachelab.ReadAnswer(t, conn, "GET")
		if got := apachelab.Tell(resp, body, tc.want); got != tc.want {
			t.Errorf("%s of %s\n got %s\nwant %s", tc.request, tc.host, got, tc.want)
		}
	}
}

func plainOf(target string) string { return "GET " + target + " HTTP/1.1\r\nConnection: close\r\n" }

func upgradeOf(target string) string { return "GET " + target + " HTTP/1.1\r\n" + wstest.Upgrade }

// secureOrigin is an origin that is called TLS, on a port of localhost.
func (l *lab) secureOrigin(t *testing.T, cert, key []byte) (port string) {
	t.Helper()
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(l.Echo("TLS", ""))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	server.StartTLS()
	t.Cleanup(server.Close)
	_, port, err = net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

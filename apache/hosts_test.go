// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package apache_test

import (
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest/apachelab"
)

// TestBalancers is lab case E20.
func TestBalancers(t *testing.T) {
	l := newLab(t)
	dead := wstest.DeadAddress(t)
	address := l.site(t, strings.ReplaceAll(`<VirtualHost *>
Header add Set-Cookie "ROUTEID=.%{BALANCER_WORKER_ROUTE}e; path=/" env=BALANCER_ROUTE_CHANGED
<Proxy balancer://ws>
BalancerMember ws://@A/base route=1
BalancerMember ws://@B route=2 loadfactor=3
ProxySet stickysession=ROUTEID
</Proxy>
<Proxy balancer://http>
BalancerMember http://@A route=1
BalancerMember http://@B route=2
BalancerMember http://@C route=3 status=+H
ProxySet stickysession=ROUTEID lbmethod=bybusyness
</Proxy>
<Proxy balancer://up>
BalancerMember http://@A upgrade=websocket
BalancerMember http://@B upgrade=websocket
</Proxy>
<Proxy balancer://down>
BalancerMember ws://@D retry=2
BalancerMember ws://@B
</Proxy>
<Proxy balancer://alldown>
BalancerMember ws://@D
BalancerMember ws://@D/other
</Proxy>
ProxyPass /b/ balancer://ws/
ProxyPass /up/ balancer://up/
ProxyPass /down/ balancer://down/
ProxyPass /alldown/ balancer://alldown/
ProxyPass /undef/ balancer://nosuch/
RewriteEngine On
RewriteCond %{HTTP:Upgrade} =websocket [NC]
RewriteRule ^/r/(.*) balancer://ws/$1 [P,L]
RewriteCond %{HTTP:Upgrade} !=websocket [NC]
RewriteRule ^/r/(.*) balancer://http/$1 [P,L]
RewriteRule ^/uri/ balancer://ws%{REQUEST_URI} [P,L]
</VirtualHost>`, "@D", dead))
	l.expect(t, address, "ws /b/x?q", "101 B /x?q Host='127.0.0.1:19002' [Set-Cookie: None]")
	l.expect(t, address, "ws /b/x?q", "101 A /base/x?q")
	for _, tc := range []struct {
		request string
		want    map[string]int
	}{
		{"ws /b/x", map[string]int{"A": 2, "B": 6}},
		{"ws /b/x | Cookie: ROUTEID=.2", map[string]int{"B": 8}},
		{"ws /b/x | Cookie: ROUTEID=.1", map[string]int{"A": 8}},
		{"ws /b/x;ROUTEID=.1", map[string]int{"A": 8}},
		{"ws /b/x?ROUTEID=.1", map[string]int{"A": 8}},
		{"ws /up/x", map[string]int{"A": 4, "B": 4}},
		{"ws /down/x", map[string]int{"B": 8}},
		{"ws /uri/x | Cookie: ROUTEID=.2", map[string]int{"B": 8}},
	} {
		got := make(map[string]int)
		for range 8 {
			answer := strings.Fields(l.Ask(t, address, tc.request, "") + " none none")
			got[answer[1]]++
		}
		if !maps.Equal(got, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.request, got, tc.want)
		}
	}
	l.expect(t, address, "plain /r/y | Cookie: ROUTEID=.2", "200 B /y [Set-Cookie: None]")
	l.expect(t, address, "plain /r/y | Cookie: ROUTEID=.9", "200 A /y [Set-Cookie: ROUTEID=.1; path=/]")
	l.expect(t, address, "ws /alldown/x", "503")
	l.expect(t, address, "ws /undef/x", "503")
}

// TestBusyness counts the tunnels that members have, also of an earlier config.
func TestBusyness(t *testing.T) {
	l := newLab(t)
	const conf = `<VirtualHost *>
<Proxy balancer://chat>
BalancerMember ws://@A
BalancerMember ws://@B
ProxySet lbmethod=bybusyness
</Proxy>
ProxyPass / balancer://chat/
</VirtualHost>`
	address := l.site(t, conf)
	open := func() string {
		t.Helper()
		conn := wstest.Dial(t, address)
		if _, err := io.WriteString(conn, "GET /x HTTP/1.1\r\nHost: base.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		resp, body := apachelab.ReadAnswer(t, conn, "GET")
		return apachelab.Tell(resp, body, "")
	}
	evenly := func() {
		t.Helper()
		first := open()
		for range 3 { // requests that are done with count for nothing
			l.Ask(t, address, "plain /x", "")
		}
		if second := open(); first == second {
			t.Errorf("two tunnels, and both are %s", first)
		}
	}
	evenly()
	evenly()
	address = l.site(t, conf) // a balancer that has yet to choose, and four tunnels
	evenly()
}

// TestUnixSockets is lab case E32.
func TestUnixSockets(t *testing.T) {
	l := newLab(t)
	socket := filepath.Join(t.TempDir(), "s")
	ln, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: ln, Config: &http.Server{Handler: l.Echo("UDS", "")}}
	server.Start()
	t.Cleanup(server.Close)
	address := l.site(t, strings.ReplaceAll(`<VirtualHost *>
ProxyPass /u/ unix:@S|http://localhost/x/ upgrade=websocket
ProxyPass /w/ unix:@S|ws://uds.test/y/
RewriteEngine On
RewriteRule ^/r/(.*) unix:@S|ws://rw.test/$1 [P]
</VirtualHost>`, "@S", socket))
	l.expect(t, address, "ws /u/1", "101 UDS /x/1 Host='localhost'")
	l.expect(t, address, "plain /u/1", "200 UDS /x/1 Host='localhost'")
	l.expect(t, address, "ws /w/1?q", "101 UDS /y/1?q Host='uds.test'")
	l.expect(t, address, "ws /r/1", "101 UDS /1 Host='rw.test'")
}

// TestProxyProtocol is lab cases E14 to E14c.
func TestProxyProtocol(t *testing.T) {
	l := newLab(t)
	const conf = `<VirtualHost *>
ServerName a.test
RemoteIPProxyProtocol On
%s
RequestHeader set X-R %%{REMOTE_ADDR}s
RequestHeader set X-Conn "expr=%%{CONN_REMOTE_ADDR}"
<Location />
Require ip 203.0.113.0/24 127.0.0.1 2001:db8::/32
</Location>
ProxyPass / ws://@B/
</VirtualHost>
<VirtualHost *>
ServerName second.test
ProxyPass / ws://@C/
</VirtualHost>`
	ask := func(address, header, host, want string) {
		t.Helper()
		conn := wstest.Dial(t, address)
		if _, err := io.WriteString(conn, header+"GET /x HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if want == "" {
			if n, err := conn.Read(make([]byte, 1)); n > 0 || err == nil {
				t.Errorf("%q: it was answered", header)
			}
			return
		}
		resp, body := apachelab.ReadAnswer(t, conn, "GET")
		if got := l.Canonical(apachelab.Tell(resp, body, want)); got != want {
			t.Errorf("%q\n got %s\nwant %s", header, got, want)
		}
	}
	address := l.site(t, fmt.Sprintf(conf, ""))
	ask(address, "PROXY TCP4 203.0.113.7 192.0.2.1 5555 80\r\n", "a.test", "200 B /x X-R='203.0.113.7' X-Conn='127.0.0.1' X-Forwarded-For='203.0.113.7'")
	ask(address, "PROXY TCP4 203.0.114.7 192.0.2.1 5555 80\r\n", "a.test", "403")
	ask(address, "PROXY TCP6 2001:db8::1 2001:db8::2 5555 80\r\n", "a.test", "200 B /x X-R='2001:db8::1' X-Forwarded-For='2001:db8::1'")
	ask(address, "PROXY TCP4 203.0.113.7 192.0.2.1 5555 80\r\n", "second.test", "200 C /x X-Forwarded-For='203.0.113.7'")
	ask(address, "", "a.test", "")
	ask(address, "PROXY TCP4 x y 1 2\r\n", "a.test", "")
	ask(address, "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x12\xcb\x00\x71\x07\xc0\x00\x02\x01\x15\xb3\x00\x50\x04\x00\x03abc", "a.test", "200 B /x X-R='203.0.113.7'")
}

// TestProxyProtocolExceptions is lab case E14b.
func TestProxyProtocolExceptions(t *testing.T) {
	l := newLab(t)
	address := l.site(t, `<VirtualHost *>
RemoteIPProxyProtocol On
RemoteIPProxyProtocolExceptions 127.0.0.1 10.0.0.0/8
RequestHeader set X-R %{REMOTE_ADDR}s
ProxyPass / ws://@B/
</VirtualHost>`)
	l.expect(t, address, "plain /x", "200 B /x X-R='127.0.0.1'")
}

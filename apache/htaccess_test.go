// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package apache_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest/apachelab"
)

// TestHTAccess is lab cases E6a to E6c, S3, S4 and S4b.
func TestHTAccess(t *testing.T) {
	l := newLab(t)
	l.Write(t, "htdocs/.htaccess", l.Fill(`RewriteEngine On
RewriteRule ^/ws/(.*)$ ws://@B/lead/$1 [P,L]
RewriteRule ^ws/(.*)$ ws://@B/$1 [P,L]
RewriteRule ^wsfix/ ws://@B/ [P]
`, ""))
	l.Write(t, "htdocs/app/.htaccess", l.Fill(`RewriteEngine On
RewriteCond %{HTTP:Upgrade} =websocket [NC]
RewriteRule ^ ws://@B%{REQUEST_URI} [P,L]
RewriteRule ^(.*)$ http://@A/api/$1 [P,L,QSA]
`, ""))
	address := l.site(t, "<VirtualHost *>\nProxyPass /proxied http://@C/\n</VirtualHost>")
	for _, probe := range [][2]string{
		{"ws /ws/x?q=1", "101 B /x?q=1"},
		{"ws /wsfix/abc?q", "101 B /?q"},
		{"plain /index.html", "200"},
		{"ws /app/x?q=1", "101 B /app/x?q=1"},
		{"plain /app/x/y?q=1", "200 A /api/x/y?q=1"},
		{"plain /app/", "200 A /api/index.html"},
		{"plain /app", "301"},
		{"ws /proxied/app/x?q=1", "200 C //app/x?q=1"},
		{"plain /.htaccess", "404"},
		{"plain /nosuch", "404"},
	} {
		l.expect(t, address, probe[0], probe[1])
	}
}

// TestHTAccessAtOnce switches WebSockets off and on by editing a file, without a
// reload, while a tunnel is open, which lives on.
func TestHTAccessAtOnce(t *testing.T) {
	l := newLab(t)
	file := filepath.Join(l.Dir, "htdocs", ".htaccess")
	on := l.Fill("RewriteEngine On\nRewriteRule ^ws/(.*)$ ws://@B/$1 [P]\n", "")
	stamp := time.Now().Add(-time.Hour)
	edit := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		stamp = stamp.Add(time.Second) // as if it had been some time ago
		if err := os.Chtimes(file, stamp, stamp); err != nil {
			t.Fatal(err)
		}
	}
	edit(on)
	address := l.site(t, "<VirtualHost *>\n</VirtualHost>")
	conn := wstest.Dial(t, address)
	if _, err := conn.Write([]byte("GET /ws/a HTTP/1.1\r\nHost: base.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if resp, _ := apachelab.ReadAnswer(t, conn, "GET"); resp.StatusCode != 101 {
		t.Fatalf("no tunnel: %d", resp.StatusCode)
	}

	edit("RewriteEngine On\nRewriteRule ^ws/ - [F]\n")
	l.expect(t, address, "ws /ws/b", "403")
	edit("RewriteEngine On\nRewriteRule ^ws/ - [F,NoSuchFlag]\n")
	l.expect(t, address, "ws /ws/b", "500")
	l.expect(t, address, "plain /app/index.html", "500") // it is below the broken one
	edit("Require all denied\n")
	l.expect(t, address, "plain /index.html", "403")
	edit(on)
	l.expect(t, address, "ws /ws/b", "101 B /b")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	l.expect(t, address, "ws /ws/b", "404")
	l.expect(t, address, "plain /index.html", "200")

	echoed := []byte("\x81\x82\x00\x00\x00\x00hi") // the origin echoes bytes
	if _, err := conn.Write(echoed); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(echoed))
	if _, err := conn.Read(got); err != nil {
		t.Errorf("the tunnel that was open is gone: %v", err)
	}
}

// TestHTAccessNotAllowed does not look at files where AllowOverride has none.
func TestHTAccessNotAllowed(t *testing.T) {
	l := newLab(t)
	l.Write(t, "htdocs/app/.htaccess", "NoSuchDirective\n")
	l.Write(t, "htdocs/sub/.htaccess", "Require all denied\n")
	address := l.site(t, `<VirtualHost *>
<Directory @W/htdocs/app>
AllowOverride None
</Directory>
<Directory @W/htdocs/sub>
AllowOverride FileInfo
</Directory>
</VirtualHost>`)
	l.expect(t, address, "plain /app/index.html", "200")
	l.expect(t, address, "plain /sub/x", "500") // AuthConfig is not allowed: httpd answers 500, too
}

// TestHTAccessVariables finds what Define says anywhere in the configuration, but
// not Caddy's environment, in which there may be secrets.
func TestHTAccessVariables(t *testing.T) {
	t.Setenv("API_TOKEN", "secret")
	l := newLab(t)
	l.Write(t, "htdocs/.htaccess", `RewriteEngine On
RewriteRule ^variables$ /${origin}-${API_TOKEN} [R,NE]
<IfDefine ORIGIN>
Redirect /defined /yes
</IfDefine>
<IfDefine !SWITCH>
Redirect /switch /no
</IfDefine>
`)
	address := l.site(t, "<VirtualHost *>\nDefine ORIGIN one\n</VirtualHost>\nDefine SWITCH\n")
	l.expect(t, address, "plain /variables", "302 [Location: http://base.test/one-${API_TOKEN}]")
	l.expect(t, address, "plain /defined", "302 [Location: http://base.test/yes]")
	l.expect(t, address, "plain /switch", "404")
}

// TestHours is what the seed wants of RewriteCond %{TIME_HOUR} >= 9 with a space:
// the hours as numbers. httpd answers 500 (lab case S4b).
func TestHours(t *testing.T) {
	l := newLab(t)
	l.Write(t, "htdocs/.htaccess", l.Fill(`RewriteEngine On
RewriteCond %{TIME_HOUR} >= 0
RewriteCond %{TIME_HOUR} <= 23
RewriteRule ^ws/ ws://@B/ [P]
RewriteCond %{TIME_HOUR} >= 24
RewriteRule ^never/ ws://@B/ [P]
`, ""))
	address := l.site(t, "<VirtualHost *>\n</VirtualHost>")
	l.expect(t, address, "ws /ws/x", "101 B /")
	l.expect(t, address, "ws /never/x", "404")
}

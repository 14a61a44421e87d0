// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package apache_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	_ "github.com/caddyserver/caddy/v2/modules/logging" // output to files
)

// TestLogs writes httpd's logs: in its format, each request into those whose
// condition holds, and what was refused into the ErrorLog.
func TestLogs(t *testing.T) {
	l := newLab(t)
	address := l.site(t, `
LogFormat "%m %U %H" noquery
<VirtualHost *>
SetEnvIf Request_URI "^/chat/" quiet
CustomLog @W/full.log combined env=!quiet
CustomLog @W/short.log noquery env=quiet
ErrorLog @W/error.log
<Location /no>
Require all denied
</Location>
ProxyPass / http://@A/
</VirtualHost>`)
	l.expect(t, address, "plain /x?token=1 | User-Agent: a\"b", "200 A /x?token=1")
	l.expect(t, address, "plain /chat/y?token=2", "200 A /chat/y?token=2")
	l.expect(t, address, "ws /chat/z?token=3", "200 A /chat/z?token=3")
	l.expect(t, address, "plain /no/1", "403")
	if err := caddy.Stop(); err != nil { // which writes what is still to be written
		t.Fatal(err)
	}
	full := `^127\.0\.0\.1 - - \[[^\]]+\] "GET /x\?token=1 HTTP/1\.1" 200 \d+ "-" "a\\"b"
127\.0\.0\.1 - - \[[^\]]+\] "GET /no/1 HTTP/1\.1" 403 \d+ "-" "-"
$`
	for name, want := range map[string]string{
		"full.log":  full,
		"short.log": "^GET /chat/y HTTP/1\\.1\nGET /chat/z HTTP/1\\.1\n$",
		"error.log": `"reason":"not met: Require of lab\.conf:\d+"`,
	} {
		text, err := os.ReadFile(filepath.Join(l.Dir, name))
		if err != nil {
			t.Error(err)
			continue
		}
		if !regexp.MustCompile(want).Match(text) {
			t.Errorf("%s is\n%s", name, text)
		}
	}
}

// TestNoLogs does not write what no CustomLog asks for.
func TestNoLogs(t *testing.T) {
	l := newLab(t)
	adapted, err := adapt(l.Fill("<VirtualHost *:80>\nServerName a.test\nCustomLog @W/a.log common\nProxyPass / http://@A/\n</VirtualHost>\n<VirtualHost *:80>\nServerName b.test\n</VirtualHost>", ""))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(adapted), `"format":"apache"`); n != 1 {
		t.Errorf("%d logs, want 1:\n%s", n, adapted)
	}
}

// TestLoggedUser has what a place knows of the client and of itself.
func TestLoggedUser(t *testing.T) {
	l := newLab(t)
	address := l.site(t, `
<VirtualHost *>
ServerName v.test:99
RemoteIPHeader X-Client
RequestHeader set X-Early 1 early
SetEnvIf X-Early 1 EARLY
CustomLog @W/a.log "%h %{c}a %u %v:%p %>s" env=EARLY
<Location />
AuthType Basic
AuthName x
AuthUserFile @W/htp
Require valid-user
</Location>
ProxyPass / http://@A/
</VirtualHost>`)
	l.expect(t, address, "plain /x | Authorization: Basic dTpw | X-Client: 192.0.2.9", "200 A /x")
	l.expect(t, address, "plain /x", "401")
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(l.Dir, "a.log"))
	if want := "192.0.2.9 127.0.0.1 u v.test:99 200\n127.0.0.1 127.0.0.1 - v.test:99 401\n"; err != nil || string(got) != want {
		t.Errorf("got\n%s%v, want\n%s", got, err, want)
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package apache_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/caddyauth" // basic_auth

	"github.com/caddy-wstunnel/caddy-wstunnel/apache"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest/apachelab"
)

// TestImportLab runs the lab's cases as Caddyfiles, those that can be said in one
// without anything left. Statuses, origins and paths are to be httpd's; the fields
// that are sent are Caddy's.
func TestImportLab(t *testing.T) {
	l := newLab(t)
	l.AcceptKeys()
	covered := 0
	for _, c := range apachelab.Cases(t, "testdata/lab.txt") {
		if c.Refuse || c.Strict {
			continue
		}
		port := wstest.CaddyPort(t)
		conf := l.Fill(c.On(strings.ReplaceAll(base, "AllowOverride All", "AllowOverride None")), port)
		caddyfile, left, _, err := apache.Caddyfile("lab.conf", []byte(conf))
		if err != nil {
			t.Fatal(err)
		}
		if len(left) > 0 {
			continue
		}
		covered++
		t.Run(c.Title, func(t *testing.T) {
			adapted, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt(append([]byte("{\nauto_https off\ndefault_bind 127.0.0.1\n}\n"), caddyfile...), nil)
			if err != nil {
				t.Fatalf("%v\n%s", err, caddyfile)
			}
			for _, w := range warnings {
				if !strings.Contains(w.Message, "not formatted") { // the options in front are not
					t.Error(w)
				}
			}
			load(t, adapted)
			for _, p := range c.Probes {
				fields := strings.Fields(p.Ours)
				want := strings.Join(fields[:min(3, len(fields))], " ")
				if at := strings.IndexAny(want, "[='"); at > 0 && !strings.Contains(want, "?") {
					want = strings.TrimSpace(want[:at])
				}
				if got := l.Ask(t, "127.0.0.1:"+port, p.Request, ""); got != want && !slices.ContainsFunc(importDiffers, func(d string) bool { return strings.HasPrefix(c.Title+": "+p.Request, d) }) {
					t.Errorf("%s\n got %s\nwant %s", p.Request, got, want)
				}
			}
		})
	}
	if covered < 10 {
		t.Errorf("only %d cases can be said in a Caddyfile", covered)
	}
}

// importDiffers are the beginnings of probes that a Caddyfile answers otherwise, by
// the ways of Caddy: docs/apache.md has them.
var importDiffers = []string{
	// reverse_proxy and ws_tunnel send paths as the client does: with what is
	// encoded, dots and doubled slashes. The matcher path ignores case.
	"E1 ProxyPass / before RewriteRule [P] in the file: ws /a%",
	"E38 ",
	// An upgrade is a WebSocket by the book, or none.
	"E7 upgrade= values on http://: upgrade=foo ",
	"E8 ws:// and plain requests, POST, other upgrade tokens: plain /ws/1 | Upgrade: websocket",
	"E8 ws:// and plain requests, POST, other upgrade tokens: ws /ws/1 | method=POST",
	"E24 ",
	"S6b the same with RewriteEngine on: plain /x | Connection: keep-alive, Upgrade | Upgrade: websocket",
	// What file_server hides is not found.
	"E41 files that are programs: plain /app/config.php",
	// reverse_proxy answers nothing to a 101 that was not asked for.
	"E10c: ws /h/status/bad101",
	"E10c: plain /h/status/bad101",
}

// TestImportSays names what is left, and keeps people out where access control
// could not be said.
func TestImportSays(t *testing.T) {
	dir := t.TempDir()
	passwords := filepath.Join(dir, "users")
	if err := os.WriteFile(passwords, []byte("u:$2y$05$E7373UIhiT7sP1QATCD4S.CaiWGwTQgIRI4hFysB/ynM7hmsVaL3u\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text, left, _, err := apache.Caddyfile("chat.conf", []byte(`<VirtualHost *:80>
ServerName chat.example.com
<Location /a>
Require expr "%{HTTPS} == 'on'"
</Location>
<Location /b>
AuthType Basic
AuthName "Our Chat"
AuthUserFile `+passwords+`
Require valid-user
</Location>
RewriteEngine on
RewriteRule ^/(.+)\.old$ /$1.new [R]
ProxyPass / http://localhost:3000/
</VirtualHost>`))
	if err != nil {
		t.Fatal(err)
	}
	expectCaddyfile(t, text,
		"# NOT chat.conf:3: <Location /a>: its access control is not said, so everybody is kept out\n\t\t@m1 path /a /a/*\n\t\trespond @m1 403\n",
		"basic_auth @m2 bcrypt `Our Chat` {\n\t\t\tu $2y$05$E7373",
		"# NOT chat.conf:13: RewriteRule ^/(.+)\\.old$ /$1.new [R]\n",
		"reverse_proxy localhost:3000 {\n\t\t\t\theader_up Host localhost:3000\n",
	)
	if len(left) != 2 {
		t.Errorf("left: %q", left)
	}
}

// TestImportListens opens no port, and no address, that the file does not, and is no
// stricter with certificates of origins.
func TestImportListens(t *testing.T) {
	text, left, _, err := apache.Caddyfile("chat.conf", []byte(`Listen 127.0.0.1:8443
Listen 8081
<VirtualHost *:8443>
ServerName a.test
SSLEngine on
RemoteIPProxyProtocol On
SSLProxyEngine on
ProxyPass / wss://localhost:3000/
</VirtualHost>
<VirtualHost 127.0.0.2:8081 [::1]:8081 127.0.0.3:8082>
ServerName b.test
SSLProxyEngine on
SSLProxyVerify require
SSLProxyCACertificateFile /etc/ssl/ca.pem
ProxyPass / https://localhost:3000/
</VirtualHost>
<VirtualHost *:8081>
ServerName c.test
ProxyPass / http://localhost:3000/
</VirtualHost>`))
	if err != nil || len(left) != 1 {
		t.Fatal(err, left)
	}
	expectCaddyfile(t, text,
		"# NOT chat.conf:10: it is open at 127.0.0.3:8082, too: repeat the site with that port and another bind\n",
		"{\n\tauto_https disable_redirects\n\tservers 127.0.0.1:8443 {\n",
		"https://a.test:8443 {\n\tbind 127.0.0.1\n",
		"\t\ttls {\n\t\t\t\t\ttls_insecure_skip_verify\n",
		"\tbind 127.0.0.2 ::1\n",
		"transport http {\n\t\t\t\t\ttls_trust_pool file /etc/ssl/ca.pem\n",
		"http://c.test:8081, http://:8081 {\n\troute {\n",
	)
}

// TestImportAsks has requests decided on by what the Caddyfile says of conditions and
// of Require.
func TestImportAsks(t *testing.T) {
	l := newLab(t)
	l.AcceptKeys()
	passwords := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(passwords, []byte("u:$2y$05$E7373UIhiT7sP1QATCD4S.CaiWGwTQgIRI4hFysB/ynM7hmsVaL3u\nv:$2y$05$E7373UIhiT7sP1QATCD4S.CaiWGwTQgIRI4hFysB/ynM7hmsVaL3u\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	port := wstest.CaddyPort(t)
	caddyfile, left, _, err := apache.Caddyfile("lab.conf", []byte(l.Fill(`Listen 127.0.0.1:@P
<VirtualHost *:@P>
ServerName lab.test
RewriteEngine on
RewriteCond %{HTTP_USER_AGENT} ^Bad [NC]
RewriteRule ^/ws/ - [F]
RewriteCond %{REQUEST_URI} ^/ws/secret
RewriteRule ^ - [F]
RewriteCond %{REMOTE_ADDR} ^127\.0\.0\.\d+$
RewriteRule ^/ws/(.*)$ ws://@A/here/$1 [P,L]
RewriteCond %{REMOTE_ADDR} !^127\.
RewriteRule ^/away/(.*)$ ws://@A/away/$1 [P,L]
<Location />
Require all denied
</Location>
<Location /ws>
Require all granted
</Location>
<Location /away>
Require local
</Location>
<Location /users>
AuthType Basic
AuthName "users"
AuthUserFile `+passwords+`
Require user u
</Location>
<Location /both>
AuthType Basic
AuthName "both"
AuthUserFile `+passwords+`
<RequireAll>
Require ip 10.0.0.0/8
Require valid-user
</RequireAll>
</Location>
<Location /either>
AuthType Basic
AuthName "either"
AuthUserFile `+passwords+`
Require ip 127.0.0.0/8
Require valid-user
</Location>
ProxyPass / http://@A/all/
</VirtualHost>`, port)))
	if err != nil || len(left) > 0 {
		t.Fatal(err, left)
	}
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt(append([]byte("{\nauto_https off\n}\n"), caddyfile...), nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, caddyfile)
	}
	load(t, adapted)
	login := func(user string) string {
		return " | Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+strings.Repeat("p", 72)))
	}
	for request, want := range map[string]string{
		"ws /ws/1":                      "101 A /here/1",
		"ws /ws/1 | User-Agent: badger": "403",
		"ws /away/1":                    "200 A /all/away/1", // which httpd passes without the upgrade
		"plain /ws//secret":             "403",
		"plain /ws/x/../secret":         "403",
		"plain /other":                  "403",
		"plain /WS/1":                   "403",
		"plain /wsx":                    "403",
		"plain /users":                  "401",
		"plain /users" + login("u"):     "200 A /all/users",
		"plain /users" + login("v"):     "401",
		"plain /both":                   "403",
		"plain /either":                 "200 A /all/either",
	} {
		if got := l.Ask(t, "127.0.0.1:"+port, request, ""); got != want {
			t.Errorf("%s\n got %s\nwant %s", request, got, want)
		}
	}
	if t.Failed() {
		t.Logf("%s", caddyfile)
	}
}

// TestImportPorts opens a site at all of its ports, each with the PROXY header that
// somebody there asks for.
func TestImportPorts(t *testing.T) {
	text, left, warnings, err := apache.Caddyfile("chat.conf", []byte(`Listen 8080
Listen 8081
RemoteIPProxyProtocol On
<VirtualHost *:8080>
ServerName a.test
RemoteIPProxyProtocolExceptions 10.0.0.0/8
ProxyPass / http://localhost:3000/
</VirtualHost>
<VirtualHost *:8080 *:8081>
ServerName b.test
ProxyPass / http://localhost:3001/
</VirtualHost>
<VirtualHost *:8081>
ServerName b.test
ProxyPass / http://localhost:3002/
</VirtualHost>`))
	if err != nil || len(left) != 1 {
		t.Fatal(err, left)
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "chat.conf:13: ") || !strings.Contains(warnings[0], "takes no request") {
		t.Errorf("warnings: %q", warnings)
	}
	expectCaddyfile(t, text,
		"\tservers :8080 {\n\t\tlistener_wrappers {\n\t\t\tproxy_header {\n\t\t\t\tskip 10.0.0.0/8\n\t\t\t\trequire 0.0.0.0/0 ::/0\n",
		"\tservers :8081 {\n",
		"http://a.test:8080, http://:8080 {\n",
		"http://b.test:8080, http://b.test:8081, http://:8081 {\n",
		"# NOT chat.conf:13: earlier sites have all of its names at port 8081\n",
	)
	text, _, _, err = apache.Caddyfile("chat.conf", []byte("Listen 8080\nListen 127.0.0.1:8081\nRemoteIPProxyProtocol On\nProxyPass / http://localhost:3000/"))
	if err != nil {
		t.Fatal(err)
	}
	expectCaddyfile(t, text, "servers :8080 {\n", "servers 127.0.0.1:8081 {\n", "# NOT the main server: it is open at 127.0.0.1:8081, too")
}

// TestImportAddresses leaves out what Caddy refuses as an address.
func TestImportAddresses(t *testing.T) {
	text, left, _, err := apache.Caddyfile("chat.conf", []byte("Listen 80\nListen 443\n<VirtualHost *:80 *:443>\nServerName ${CHAT_DOMAIN}\nServerAlias a.test *.b.test\nSSLEngine on\nProxyPass / http://localhost:3000/\n</VirtualHost>"))
	if err != nil || len(left) != 3 {
		t.Error(err, left)
	}
	expectCaddyfile(t, text,
		"# NOT chat.conf:3: TLS on port 80, which Caddy refuses\n",
		"# NOT chat.conf:3: ${chat_domain} is no name of a host\n",
		"https://a.test, https://*.b.test {\n",
	)
}

// TestImportKeepsOut lets nobody in where the adapter asks for something that the
// Caddyfile does not.
func TestImportKeepsOut(t *testing.T) {
	const closed = "kept out of the site\n\t\trespond 403\n"
	for _, tc := range []struct{ name, conf, want string }{
		{"an expression for a path", "<LocationMatch ^/a>\nRequire all denied\n</LocationMatch>", closed},
		{"a condition", "<If \"%{REMOTE_ADDR} == '192.0.2.1'\">\nRequire all denied\n</If>", closed},
		{"a proxy", "<Proxy *>\nRequire ip 192.0.2.1\n</Proxy>", closed},
		{"a condition within", "<Location /a>\n<If \"true\">\nRequire all denied\n</If>\n</Location>", "path /a /a/*\n\t\trespond @m1 403\n"},
		{"certificates of a path", "<Location /a>\nSSLVerifyClient require\n</Location>", "path /a /a/*\n\t\trespond @m1 403\n"},
		{"certificates by a folder of authorities", "SSLVerifyClient require\nSSLCACertificatePath @W/ca", closed},
		{"certificates of some depth", "SSLVerifyClient require\nSSLCACertificateFile @W/c.crt\nSSLVerifyDepth 2", closed},
		{"certificates", "SSLVerifyClient require\nSSLCACertificateFile @W/c.crt", "client_auth {\n\t\t\tmode require_and_verify\n\t\t\ttrust_pool file @W/c.crt\n"},
		{"certificates if there are any", "SSLVerifyClient optional\nSSLCACertificateFile @W/c.crt", "mode verify_if_given\n"},
		{"a closed folder", "DocumentRoot @W\n<Directory @W>\nRequire all denied\n</Directory>", "no file is served\n\trespond 403\n"},
		{"files that may have more rules", "DocumentRoot @W\n<Directory @W>\nAllowOverride All\nRequire all granted\n</Directory>", "no file is served\n\trespond 403\n"},
		{"an open folder", "DocumentRoot @W\n<Directory @W>\nRequire all granted\n</Directory>", "file_server {\n\t\thide .ht* *.php"},
		{"programs", "DocumentRoot @W\nAddHandler cgi-script .php .pl\nAddHandler none .txt\nScriptAlias /run/ @W/run/", "*.fcgi *.[pP][hH][pP] *.[pP][hH][pP].* *.[pP][lL] *.[pP][lL].* @W/run\n"},
		{"programs by an expression", "DocumentRoot @W\nScriptAliasMatch ^/run/(.*) @W/run/$1", "no file is served\n\trespond 403\n"},
		{"a rule with a condition", "RewriteEngine on\nRewriteCond %{REMOTE_ADDR} !^127\\.\nRewriteRule ^/internal - [F]", "@m1 {\n\t\t\tnot vars_regexp {client_ip} `^127\\.`\n\t\t\tpath_regexp ^/internal\n\t\t}\n\t\trespond @m1 403\n"},
		{"a rule with a condition of the system", "RewriteEngine on\nRewriteCond %{DOCUMENT_ROOT}%{REQUEST_URI} -f\nRewriteRule ^/internal - [F]", "RewriteCond %{DOCUMENT_ROOT}%{REQUEST_URI} -f: its conditions are not said, so nobody is let in there\n\t\t@m1 path_regexp ^/internal\n\t\trespond @m1 403\n"},
		{"a rule with a choice of conditions", "RewriteEngine on\nRewriteCond %{REMOTE_ADDR} ^127 [OR]\nRewriteCond %{HTTP_USER_AGENT} bot\nRewriteRule ^ - [F]", "its conditions are not said"},
		{"a rule with two conditions", "RewriteEngine on\nRewriteCond %{REMOTE_ADDR} ^127\nRewriteCond %{HTTP_USER_AGENT} bot\nRewriteRule ^ - [F]", "its conditions are not said"},
		{"a rule for who names nothing", "RewriteEngine on\nRewriteCond %{HTTP_REFERER} =\"\"\nRewriteRule ^/a - [F]", "vars_regexp {header.Referer} ^$\n"},
		{"a redirect of what is no WebSocket", "RewriteEngine on\nRewriteCond %{HTTP:Upgrade} !websocket [NC]\nRewriteRule ^/?(.*) https://b.test%{REQUEST_URI} [R]", "@m1 not websocket\n\t\tredir @m1 https://b.test{uri} 302\n"},
		{"an older gate, which holds in later sections", "<Location />\nOrder deny,allow\nDeny from all\n</Location>\n<Location /a>\nRequire all granted\n</Location>", "kept out\n\t\t@m1 path *\n\t\trespond @m1 403\n"},
		{"addresses that a proxy tells", "RemoteIPHeader X-Forwarded-For\n<Location /a>\nRequire ip 10.0.0.0/8\n</Location>", "RemoteIPHeader X-Forwarded-For: write trusted_proxies and client_ip_headers in servers"},
		{"a rule by where a request goes", "RewriteEngine on\nRewriteCond %{REQUEST_URI} !^/pub\nRewriteRule ^ - [F]", "@m1 not path_regexp ^/pub\n"},
		{"a rule by two of those", "RewriteEngine on\nRewriteCond %{REQUEST_URI} ^/a\nRewriteRule b - [F]", "not said, so nobody is let in there\n\t\t@m1 path_regexp b\n"},
		{"a rule by a field that is none to Go", "RewriteEngine on\nRewriteCond %{HTTP:Host} ^admin\nRewriteRule ^/a - [F]", "not said, so nobody is let in there"},
		{"a rule by several fields in one", "RewriteEngine on\nRewriteCond %{HTTP:X-A} \"^a, b$\"\nRewriteRule ^/a - [F]", "not said, so nobody is let in there"},
		{"a rule by a field that is changed", "RequestHeader set X-A https\nRewriteEngine on\nRewriteCond %{HTTP:X-A} !=https\nRewriteRule ^/a - [F]", "not said, so nobody is let in there"},
		{"a rule by a lone sign", "RewriteEngine on\nRewriteCond %{QUERY_STRING} =\nRewriteRule ^/a - [F]", "not said, so nobody is let in there"},
		{"a rule by one name of two", "ServerAlias b.test\nRewriteEngine on\nRewriteCond %{HTTP_HOST} =b.test\nRewriteRule ^/a - [F]", "vars_regexp {hostport} `^b\\.test$`\n\t\t\tpath_regexp ^/a\n"},
		{"a rule with what would be a placeholder", "RewriteEngine on\nRewriteRule ^/{path} - [F]", closed},
		{"a rule with a dot", "RewriteEngine on\nRewriteRule ^/a/.*\\.cfg$ - [F,NC]", "path_regexp `(?si)^/a/.*\\.cfg$`\n"},
		{"a password without Basic", "<Location /a>\nAuthName n\nRequire valid-user\n</Location>", "could not be taken over, so everybody is kept out\n"},
		{"an older gate of some methods", "<Proxy *>\nOrder allow,deny\n<Limit GET>\nAllow from all\n</Limit>\n</Proxy>", closed},
		{"what is not passed on", "ProxyPassMatch ^/secret\\.d !\nProxyPass \"/b c\" !", "@m1 path_regexp `^/secret\\.d`\n\t\thandle @m1 {\n\t\t\trespond 404\n\t\t}\n\t\t# lab.conf:7\n\t\t@m2 path_regexp `^/b c(/|$)`\n"},
		{"what is not passed on by another kind of expression", "ProxyPassMatch ^/(?!public) !", closed},
		{"address and password", "<Location /a>\nAuthType Basic\nAuthName n\nAuthUserFile @W/none\n<RequireAll>\nRequire ip 10.0.0.0/8\nRequire not ip 10.1.0.0/16\nRequire valid-user\n</RequireAll>\n</Location>",
			"not client_ip 10.0.0.0/8\n\t\t}\n\t\trespond @m1 403\n\t\t@m2 {\n\t\t\tpath /a /a/*\n\t\t\tclient_ip 10.1.0.0/16\n\t\t}\n\t\trespond @m2 403\n\t\t# NOT lab.conf:6: the users of @W/none could not be taken over, so everybody is kept out\n\t\t@m3 path /a /a/*\n\t\trespond @m3 403\n"},
		{"something with a section of another kind", "<Location /a>\n<RequireAny>\nRequire ip 10.0.0.0/8\n<RequireAll>\nRequire local\n</RequireAll>\n</RequireAny>\n</Location>", "its access control is not said, so everybody is kept out\n\t\t@m1 path /a /a/*\n"},
		{"a rule for some hours", "RewriteEngine on\nRewriteCond %{TIME_HOUR} >= 9\nRewriteCond %{TIME_HOUR} <=17\nRewriteRule ^/internal - [F]", "time_window 09:00-18:00\n"},
		{"a rule of a status", "RewriteEngine on\nRewriteRule \"\\.bak$\" - [R=404,NC]", "# lab.conf:7\n\t\t@m1 path_regexp `(?i)\\.bak$`\n\t\trespond @m1 404\n"},
		{"a rule for what is gone", "RewriteEngine on\nRewriteRule ^/old/ - [G]", "@m1 path_regexp ^/old/\n\t\trespond @m1 410\n"},
		{"a rule for all but some", "RewriteEngine on\nRewriteRule !^/(a|b) - [F]", "@m1 not path_regexp ^/(a|b)\n\t\trespond @m1 403\n"},
		{"a rule of another kind of expression", "RewriteEngine on\nRewriteRule ^/(?!public) - [F]", closed},
		{"a rule of a path", "<Location /a>\nRewriteEngine on\nRewriteRule ^ - [F]\n</Location>", "path /a /a/*\n\t\trespond @m1 403\n"},
		{"a rule of a folder", "DocumentRoot @W\n<Directory @W>\nRequire all granted\nRewriteEngine on\nRewriteRule \\.bak$ - [F]\n</Directory>", "no file is served\n\trespond 403\n"},
		{"a rule for who has no TLS", "RewriteEngine on\nRewriteCond %{HTTPS} off\nRewriteRule ^ - [F]\nProxyPass /x/ http://@A/", "route {\n\t\t# lab.conf:9\n\t\t@m1 path /x/*\n"},
		{"a page in a section", "<Location /server-status>\nSetHandler server-status\n</Location>", "<location /server-status>: SetHandler server-status: there is no such page"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := newLab(t)
			cert, key := wstest.Certificate(t, "a.test")
			l.Write(t, "c.crt", string(cert))
			l.Write(t, "c.key", string(key))
			l.Write(t, "ca/a.pem", string(cert))
			text, _, _, err := apache.Caddyfile("lab.conf", []byte(l.Fill("<VirtualHost *:8443>\nServerName a.test\nSSLEngine on\nSSLCertificateFile @W/c.crt\nSSLCertificateKeyFile @W/c.key\n"+tc.conf+"\nProxyPass / http://@A/\n</VirtualHost>", "")))
			if err != nil {
				t.Fatal(err)
			}
			expectCaddyfile(t, text, l.Fill(tc.want, ""))
		})
	}
}

// expectCaddyfile wants a text to have some places in it, and to be a Caddyfile.
func expectCaddyfile(t *testing.T, text []byte, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(string(text), want) {
			t.Errorf("there is no\n%s\nin\n%s", want, text)
		}
	}
	if _, _, err := caddyconfig.GetAdapter("caddyfile").Adapt(text, nil); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}

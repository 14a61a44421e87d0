// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package apache_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache"
)

// TestImportIsACaddyfile imports files of random lines, whose words have all that
// means something to a Caddyfile, to a matcher or to a regular expression: what comes
// out is a Caddyfile, whatever they say.
func TestImportIsACaddyfile(t *testing.T) {
	const files = 4000
	imported := 0
	for seed := range uint64(files) {
		conf := (&scribe{rand.New(rand.NewPCG(seed, 1))}).file()
		text, _, _, err := apache.Caddyfile("lab.conf", []byte(conf))
		if err != nil {
			continue // httpd's language has rules, too
		}
		imported++
		if _, _, err := caddyconfig.GetAdapter("caddyfile").Adapt(text, nil); err != nil {
			t.Fatalf("seed %d: %v\n%s\nis from\n%s", seed, err, text, conf)
		}
	}
	if imported < files/8 {
		t.Errorf("only %d of %d files can be read", imported, files)
	}
}

// scribe writes configurations.
type scribe struct{ *rand.Rand }

func (s scribe) one(of ...string) string { return of[s.IntN(len(of))] }

// word is one that nobody expects.
func (s scribe) word() string {
	return s.one("a", "/a", "a b", "`", "a`b", `"`, `a\b`, "{x}", "{$X}", "#", "# x", "a#b", "{", "}", "$1", "%{HTTP_HOST}", "^/a/(.*)$",
		`^/a\d{2,3}`, "(?i)x", "[", "*", "", "é", "<", "a,b", "@m1", "{env.X}", `\`, "%{X", "\t", "!", "=", "=x", "!=x", "-f", "//", ":80",
		"route", "import", `{"a":1}`, "a{2}", "x y`z", "`\\\"")
}

func (s scribe) quoted(of ...string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s.one(of...)) + `"`
}

func (s scribe) path() string { return s.one("/", "/a", "/a/", "/a/b", "/"+s.word()) }

func (s scribe) url() string {
	return s.one("ws", "http", "https", "wss") + "://" + s.one("b.test", "b.test:81", "[::1]:9", "10.0.0.1:8") + s.one("", "/", "/x", "/x/", "/"+s.word())
}

func (s scribe) file() string {
	conf := "Listen 80\nListen 443\nListen 127.0.0.1:8080\n" + s.one("", "", "", s.line(1)+"\n")
	for _, name := range []string{"a.test", "b.test"}[:1+s.IntN(2)] {
		conf += "<VirtualHost " + s.one("*:80", "*:443", "*", "127.0.0.1:8080", "*:80 *:8080") + ">\nServerName " + s.one("a.test", name) + "\n"
		for range 1 + s.IntN(4) {
			conf += s.line(0) + "\n"
		}
		conf += "</VirtualHost>\n"
	}
	return conf
}

func (s scribe) line(depth int) string {
	switch s.IntN(20) {
	case 0:
		return s.one("ProxyPass ", "ProxyPassMatch ") + s.quoted(s.path()) + " " + s.quoted(s.url(), "!")
	case 1, 2:
		return s.rewriting()
	case 3:
		return "ServerAlias " + s.quoted(s.word())
	case 4:
		return "Redirect " + s.quoted(s.path()) + " " + s.quoted(s.url(), s.word())
	case 5:
		return s.one("Header", "RequestHeader") + " set " + s.quoted("X-A", s.word()) + " " + s.quoted(s.word())
	case 6:
		return "DocumentRoot " + s.quoted("/w", s.word())
	case 7:
		return s.one("Alias ", "ScriptAlias ") + s.quoted(s.path()) + " " + s.quoted("/"+s.word())
	case 8:
		return "SSLCertificateFile " + s.quoted("/"+s.word()) + "\nSSLCertificateKeyFile " + s.quoted("/"+s.word())
	case 9:
		return "AuthType Basic\nAuthName " + s.quoted(s.word()) + "\nAuthUserFile " + s.quoted("/"+s.word())
	case 10:
		return "AddHandler cgi-script " + s.quoted("."+s.word())
	case 11:
		return "SSLProxyEngine on\nSSLProxyVerify require\nSSLProxyCACertificateFile " + s.quoted("/"+s.word())
	case 12:
		return "ErrorDocument 404 " + s.quoted(s.word())
	case 13:
		return s.one("SSLEngine on", "ProxyPreserveHost On", "RemoteIPProxyProtocol On", "AuthMerging And", "AuthMerging Or")
	case 14, 15:
		kind := s.one("RequireAll", "RequireAny", "RequireNone")
		return "<" + kind + ">\n" + s.require() + s.require() + "</" + kind + ">"
	case 16:
		return s.require()
	}
	if depth > 1 {
		return s.require()
	}
	section := "<Location " + s.quoted(s.path()) + ">\n"
	for range 1 + s.IntN(3) {
		section += s.line(depth+1) + "\n"
	}
	return section + "</Location>"
}

func (s scribe) require() string {
	return "Require " + s.one("all granted", "all denied", "ip 10.0.0.0/8", "ip 10.1", "not ip 10.1", "valid-user", "user u v", "local", "host a.test") + "\n"
}

func (s scribe) rewriting() string {
	lines := "RewriteEngine on\n"
	for range s.IntN(3) {
		test := s.quoted("%{REMOTE_ADDR}", "%{HTTP:Upgrade}", "%{HTTPS}", "%{TIME_HOUR}", "%{HTTP_USER_AGENT}", "%{HTTP:"+s.word()+"}", s.word())
		lines += "RewriteCond " + test + " " + s.quoted(s.word(), "websocket", "off", ">=09", "!^"+s.word()) + s.one("", " [NC]", " [OR]") + "\n"
	}
	return lines + "RewriteRule " + s.quoted("^/a/(.*)$", "^/?(.*)", "^", s.word()) + " " +
		s.quoted("-", s.url()+"/$1", "https://%{HTTP_HOST}%{REQUEST_URI}", s.word()) + s.one("", " [P]", " [F]", " [R=301,L]", " [G,NC]", " [P,L]")
}

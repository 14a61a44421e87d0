// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// TestTableInDocs holds the table of docs/apache.md against the code.
func TestTableInDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/apache.md")
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	want.WriteString("| directive | here | |\n|---|---|---|\n")
	for _, e := range Table() {
		name := e.Name
		if strings.HasPrefix(name, "<") {
			name += ">"
		}
		fmt.Fprintf(&want, "| `%s` | %s | %s |\n", name, e.Class, e.Note)
	}
	if !strings.Contains(string(page), want.String()) {
		t.Errorf("docs/apache.md does not have this table:\n%s", want.String())
	}
}

// TestTableIsRead gives each directive that works to the reader: one of them has
// to take it, whatever it says to the arguments.
func TestTableIsRead(t *testing.T) {
	for _, e := range Table() {
		if e.Class == Accepted || e.Class == Refused || strings.HasPrefix(e.Name, "<") {
			continue
		}
		switch strings.ToLower(e.Name) {
		case "define", "undefine", "include", "includeoptional":
			continue // syntax reads them
		}
		text := e.Name + " On\n"
		if e.places&inServer == 0 {
			text = "<Directory /x>\n" + text + "</Directory>\n"
		}
		_, err := Read("/etc/site.conf", []byte(text), Options{})
		if err == nil {
			continue
		}
		for _, nothing := range []string{"nothing reads", "is no directive", "is none of", "unknown directive"} {
			if strings.Contains(err.Error(), nothing) {
				t.Errorf("%s: %v", e.Name, err)
			}
		}
	}
}

func TestUnknownDirective(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"ProxyPas / http://localhost/", "/etc/site.conf:1: unknown directive ProxyPas: did you mean ProxyPass?"},
		{"<Lokation />\n</Lokation>", "/etc/site.conf:1: unknown directive Lokation: did you mean Location?"},
		{"\nNoSuchThing 1", "/etc/site.conf:2: unknown directive NoSuchThing: if the site does without it, put a # in front"},
		{"WSGIScriptAlias / /app.wsgi", "/etc/site.conf:1: WSGIScriptAlias is not supported: run the application with a WSGI server, and proxy to that"},
		{"ProxyRequests On", "/etc/site.conf:1: ProxyRequests On makes this a proxy to anywhere, for anyone; a reverse proxy does not need it: ProxyRequests Off"},
		{"<Location />\nAuthType openid-connect\n</Location>", "AuthType openid-connect needs mod_auth_openidc"},
		{"<Location />\nDocumentRoot /x\n</Location>", "/etc/site.conf:2: DocumentRoot cannot be in <Location>"},
		{"<VirtualHost *:80>\nListen 81\n</VirtualHost>", "/etc/site.conf:2: Listen cannot be in <VirtualHost>"},
		{"<Location />\nRequire not user \xe9\n</Location>", "/etc/site.conf:2: Require has bytes that are no UTF-8"},
		{"<VirtualHost *:99999>\n</VirtualHost>", "is not a port"},
	} {
		_, err := Read("/etc/site.conf", []byte(tc.text), Options{})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q: %v, want %s", tc.text, err, tc.want)
		}
	}
}

func TestHTAccessOverrides(t *testing.T) {
	for _, tc := range []struct {
		text      string
		overrides []string
		want      string // part of the error; empty: none
	}{
		{"RewriteEngine On", []string{"all"}, ""},
		{"RewriteEngine On", []string{"fileinfo"}, ""},
		{"RewriteEngine On", []string{"authconfig"}, "AllowOverride does not have FileInfo"},
		{"Require all denied", []string{"fileinfo"}, "AllowOverride does not have AuthConfig"},
		{"ProxyPass / http://localhost/", []string{"all"}, "not allowed in .htaccess"},
		{"<Files x>\nRequire all denied\n</Files>", []string{"authconfig"}, ""},
		{"<If \"true\">\nHeader set X y\n</If>", []string{"fileinfo"}, ""},
	} {
		_, _, err := ReadHTAccess("/var/www/.htaccess", "/var/www/", []byte(tc.text), tc.overrides, syntax.Defines{})
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%q with %v: %v, want %q", tc.text, tc.overrides, err, tc.want)
		}
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"strings"
	"testing"
)

// TestRefusals tells why a directive is refused, and what to do instead.
func TestRefusals(t *testing.T) {
	for _, tc := range []struct{ conf, want string }{
		{"JkMount /* worker1", "chat.conf:1: JkMount is not supported: let Tomcat speak HTTP"},
		{"OIDCRedirectURI /x", "use a Caddy plugin for OpenID Connect"},
		{"<Location />\nAuthLDAPGroupAttribute member\n</Location>", "only AuthType Basic with password files"},
		{"Substitute s/a/b/", "is not rewritten"},
		{"proxyhtmlenable On", "proxyhtmlenable is not supported"},
		{"SecRule ARGS x deny", "use the Coraza plugin"},
		{"SecAction id:1,deny", "use the Coraza plugin"},
		{"SecRuleEngine On", "SecRuleEngine On restricts access"},
		{"Use VHost a.test 8000", "Use is not supported: expand the macro"},
		{"ProxyPas / ws://localhost:8000/", "did you mean ProxyPass?"},
		{"{% if tls %}", "unknown directive {%: if the site does without it"},
		{"ProxyPass / ajp://localhost:8009/", "ajp:// is not supported: http, https, ws, wss, h2, h2c and balancer are; let the application server speak HTTP"},
		{"ProxyPass / fcgi://localhost:9000/", "Caddy's php_fastcgi speaks FastCGI"},
		{"<FilesMatch .php$>\nSetHandler proxy:fcgi://localhost:9000\n</FilesMatch>", "Caddy's php_fastcgi"},
		{"<Proxy ~ ^ws>\nProxySet timeout=3\n</Proxy>", "use <ProxyMatch ^ws>"},
		{"Listen chat.test:80", `"chat.test" is not an IP address`},
	} {
		_, err := Read("/etc/chat.conf", []byte(tc.conf), Options{})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s\n got %v\nwant %q", tc.conf, err, tc.want)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("%s\nhas more than one error: %v", tc.conf, err)
		}
	}
}

// TestHarmless takes what has nothing to do here, and what keeps nobody out.
func TestHarmless(t *testing.T) {
	for _, conf := range []string{
		"<Location /hook>\nSecRuleEngine Off\n</Location>",
		"SecRuleEngine DetectionOnly\nSecAuditLog /var/log/audit.log",
		"AllowConnect 7777",
		"Listen localhost:8080",
		"<Proxy http://localhost:3000/ retry=0>\n</Proxy>",
	} {
		if _, err := Read("/etc/chat.conf", []byte(conf), Options{}); err != nil {
			t.Errorf("%s\n%v", conf, err)
		}
	}
}

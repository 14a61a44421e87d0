// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package apache_test

import (
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest/apachelab"
)

// TestAccess runs the cases of access control that httpd was measured with: what a
// section asks, and which of several sections hold.
func TestAccess(t *testing.T) {
	l := newLab(t)
	for _, file := range []string{"access/testdata/httpd.txt", "testdata/sections.txt"} {
		for _, c := range apachelab.Cases(t, file) {
			t.Run(c.Title, func(t *testing.T) { l.run(t, c) })
		}
	}
}

// TestClientsPathStaysInRoot has rules that make a file of what the client says. It is
// one of the document root, and not of a folder beside it or above; a rule itself may
// name any.
func TestClientsPathStaysInRoot(t *testing.T) {
	l := newLab(t)
	rules := l.Fill(`<Directory @W>
Require all granted
</Directory>
<VirtualHost *>
RewriteEngine On
RewriteCond %{QUERY_STRING} ^p=(.*)
RewriteRule ^/q %1 [L]
RewriteRule ^/named$ @W/htdocs-old/s.txt [L]
</VirtualHost>`, "")
	address := l.site(t, rules)
	for path, want := range map[string]string{
		"/q?p=" + l.Dir + "/htdocs/app/index.html":          "200",
		"/q?p=" + l.Dir + "/htdocs/./app/../app/index.html": "200",
		"/q?p=" + l.Dir + "/htdocs-old/s.txt":               "404",
		"/q?p=" + l.Dir + "/htdocs/../htdocs-old/s.txt":     "404",
		"/q?p=" + l.Dir + "/htdocs/app/../../htp":           "404",
		"/q?p=/htdocs/../../etc/passwd":                     "403",
		"/named":                                            "200",
	} {
		l.expect(t, address, "plain "+path, want)
	}
}

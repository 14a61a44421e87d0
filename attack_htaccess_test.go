// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// Expressions that take for ever, or far too much, in the files of who may write no
// more than .htaccess: each request is answered, none is let in by that, and the
// others do not notice.
func TestAttackSlowExpressions(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	deep := strings.Repeat("(", 100_000) + "a" + strings.Repeat(")", 100_000)
	rules := map[string]string{
		"rewrite":      "RewriteEngine On\nRewriteRule ^(?!x)(a+)+$ - [F]",
		"rewritelist":  "RewriteEngine On\nRewriteRule ^(a|aa|a.)+\\1{9}!$ - [F]",
		"condition":    "RewriteEngine On\nRewriteCond %{HTTP_USER_AGENT} ^(?=a)(a*)*$\nRewriteRule ^ - [F]",
		"linear":       "RewriteEngine On\nRewriteCond %{HTTP_USER_AGENT} (?:a?){1000}b\nRewriteRule ^ - [F]",
		"repeats":      "RewriteEngine On\nRewriteCond %{HTTP_USER_AGENT} (?=a)((a{0,60000}){0,60000}){0,60000}b\nRewriteRule ^ - [F]",
		"rounds":       "RewriteEngine On\nRewriteRule ^(.*)$ $1a [N]",
		"setenvif":     "SetEnvIf User-Agent ^(?!x)(a+)+$ bad\nRequire not env bad",
		"requireexpr":  "Require expr %{HTTP_USER_AGENT} !~ m#^(?!x)(a+)+$#",
		"redirect":     "RedirectMatch 403 ^/redirect/(?!x)(a+)+$",
		"header":       "Header edit X-Agent ^(?!x)(a+)+$ b\nRequestHeader edit User-Agent ^(?!x)(a+)+$ b",
		"files":        "<FilesMatch \"^(?!x)(a+)+$\">\nRequire all denied\n</FilesMatch>",
		"if":           "<If \"%{HTTP_USER_AGENT} =~ /^(?!x)(a+)+$/\">\nRequire all denied\n</If>",
		"deep":         "RewriteEngine On\nRewriteRule ^" + deep + " - [F]",
		"deeplook":     "RewriteEngine On\nRewriteRule ^(?=a)" + deep + " - [F]",
		"large":        "RewriteEngine On\nRewriteRule ^(?=a)(" + strings.Repeat("a|", 200_000) + ") - [F]",
		"manyslow":     "RewriteEngine On\n" + strings.Repeat("RewriteCond %{HTTP_USER_AGENT} ^(?!x)(a+)+$\nRewriteRule ^ - [F]\n", 1000),
		"toomany":      strings.Repeat("SetEnv a b\n", 200_000),
		"nestedexpr":   "Require expr " + strings.Repeat("(", 50_000) + "true" + strings.Repeat(")", 50_000),
		"nestednot":    "Require expr " + strings.Repeat("!", 100_000) + "true",
		"nestedcall":   "Require expr " + strings.Repeat("tolower(", 50_000) + "'a'" + strings.Repeat(")", 50_000) + " == 'a'",
		"nestedfuncs":  "Require expr \"" + strings.Repeat("%{tolower:", 50_000) + "a" + strings.Repeat("}", 50_000) + "\" == 'a'",
		"nestedblocks": strings.Repeat("<RequireAll>\n", 20_000) + "Require all granted\n" + strings.Repeat("</RequireAll>\n", 20_000),
		"nestedif":     strings.Repeat("<IfModule mod_rewrite.c>\n", 10_000) + strings.Repeat("</IfModule>\n", 10_000),
	}
	inTime := map[string]bool{"linear": true} // on most machines; on others it is refused
	file := strings.Repeat("a", 200) + "!"
	for name, text := range rules {
		write(name+"/.htaccess", text+"\n")
		write(name+"/"+file, "a secret")
	}
	write("plain/page", "a page")

	port := freePort(t)
	config, _, err := caddyconfig.GetAdapter("apache").Adapt([]byte("Listen 127.0.0.1:"+port+"\n<VirtualHost *>\nServerName site.test\nDocumentRoot \""+root+
		"\"\n<Directory \""+root+"\">\nAllowOverride All\nRequire all granted\n</Directory>\n</VirtualHost>\n"), map[string]any{"filename": "site.conf"})
	if err != nil {
		t.Fatal(err)
	}
	runConfig(t, config)
	agent := strings.Repeat("a", 8000) + "!"
	ask := func(t *testing.T, path string) string {
		c := wstest.Dial(t, "127.0.0.1:"+port)
		_, _ = io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: site.test\r\nUser-Agent: "+agent+"\r\nConnection: close\r\n\r\n")
		answer, err := io.ReadAll(c)
		if err != nil {
			t.Errorf("%.40s: %v", path, err)
		}
		return string(answer)
	}
	for name := range rules {
		t.Run(name, func(t *testing.T) {
			if answer := ask(t, "/"+name+"/"+file); strings.HasSuffix(answer, "a secret") && !inTime[name] {
				t.Errorf("%.60q", answer)
			}
			if answer := ask(t, "/plain/page"); !strings.HasSuffix(answer, "a page") {
				t.Errorf("the page: %.60q", answer)
			}
		})
	}
}

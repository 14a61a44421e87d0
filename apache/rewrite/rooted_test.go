// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"crypto/rand"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
)

// TestRooted tells files that a rule names from those of the document root.
func TestRooted(t *testing.T) {
	root, nowhere := t.TempDir(), "/"+rand.Text()
	for substitution, rooted := range map[string]bool{
		nowhere + "/x":    true,
		"$0":              true,
		root + "/x":       false,
		root + "-old/x":   false,
		"/etc/hosts":      false,
		"%{QUERY_STRING}": true,
	} {
		rules, _ := read(t, &directive.Context{Place: directive.Server}, "RewriteEngine On\nRewriteRule .* "+substitution)
		engine, err := rules.Compile(CompileOptions{})
		if err != nil {
			t.Fatal(err)
		}
		r := &request.Request{Server: &request.Server{DocumentRoot: root}, URI: "/x", Query: root + "/in"}
		result, err := engine.Server(r)
		if err != nil || result.Kind != Rewritten || result.Rooted != rooted {
			t.Errorf("%s: %v, rooted %t, %v", substitution, result.Kind, result.Rooted, err)
		}
	}
}

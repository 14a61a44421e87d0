// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package syntax

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFiles parses files like those that people have.
func TestFiles(t *testing.T) {
	names, err := filepath.Glob("testdata/*.want")
	if err != nil || len(names) < 3 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		name = strings.TrimSuffix(name, ".want")
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		c, err := Parse(name, text, Options{
			HTAccess: strings.HasSuffix(name, ".htaccess"),
			Missing:  CertbotFile,
			Module: func(name string) bool {
				return name == "mod_ssl.c" || name == "proxy_module" || name == "mod_rewrite.c"
			},
			LookupEnv: func(name string) (string, bool) { return "/var/log/apache2", name == "APACHE_LOG_DIR" },
		})
		if err != nil {
			t.Error(err)
			continue
		}
		if got := c.String(); got != string(want) {
			t.Errorf("%s:\n%s", name, got)
		}
		for _, warning := range c.Warnings {
			if !strings.Contains(warning.Message, "options-ssl-apache.conf") {
				t.Error(warning)
			}
		}
	}
}

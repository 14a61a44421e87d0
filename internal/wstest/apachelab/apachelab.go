// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package apachelab is the laboratory that httpd was measured in: configurations,
// requests to them, and what httpd 2.4.71 answered. Tests run them against httpd
// itself and against the adapter apache. Only tests import it.
package apachelab

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// Lab is what the cases have around them: origins that answer with what they were
// asked, and files.
type Lab struct {
	Dir string

	origins map[string]string // addresses by @A, @B, @C
	accepts atomic.Bool
}

// AcceptKeys lets the origins answer a key as they should, which httpd does not
// miss.
func (l *Lab) AcceptKeys() { l.accepts.Store(true) }

// New starts the origins and writes the files.
func New(t *testing.T) *Lab {
	t.Helper()
	l := &Lab{Dir: t.TempDir(), origins: make(map[string]string)}
	for _, name := range []string{"A", "B", "C"} {
		server := httptest.NewServer(nil)
		server.Config.Handler = l.Echo(name, server.URL)
		t.Cleanup(server.Close)
		l.origins["@"+name] = strings.TrimPrefix(server.URL, "http://")
	}
	l.Write(t, "htdocs/index.html", "root")
	l.Write(t, "htdocs/app/index.html", "static")
	l.Write(t, "htdocs/app/config.php", "<?php $password = 'p';")
	l.Write(t, "htdocs/app/readme.php.txt", "text")
	l.Write(t, "htdocs-old/s.txt", "beside")
	const p = ":$apr1$8lLFAtBC$OJUWXx60Gi8CtakoOkXTs0\n" // of p
	l.Write(t, "htp", "u"+p+"v"+p)
	l.Write(t, "groups", "g: u w\nh: w\n")
	l.Write(t, "map.txt", "s1 "+l.origins["@B"]+"\ns2 "+l.origins["@C"]+"\n")
	return l
}

// Write writes a file in the folder of the lab.
func (l *Lab) Write(t *testing.T, name, text string) {
	t.Helper()
	name = filepath.Join(l.Dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil { //nolint:gosec // httpd reads it as another user
		t.Fatal(err)
	}
}

// Fill replaces what stands for an origin or the lab's folder, and back.
func (l *Lab) Fill(s, port string) string {
	s = strings.ReplaceAll(s, "@P", port)
	for name, address := range l.origins {
		s = strings.ReplaceAll(s, name, address)
	}
	return strings.ReplaceAll(s, "@W", l.Dir)
}

// Canonical puts the names of testdata in the place of addresses and the folder.
func (l *Lab) Canonical(s string) string {
	for i, name := range []string{"@A", "@B", "@C"} {
		s = strings.ReplaceAll(s, l.origins[name], fmt.Sprintf("127.0.0.1:1900%d", i+1))
	}
	return strings.ReplaceAll(s, l.Dir, "@W")
}

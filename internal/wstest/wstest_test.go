// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstest

import (
	"crypto/tls"
	"crypto/x509"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/caddy-wstunnel/caddy-wstunnel"

// TestOnlyTestsImport holds this package and apachelab below it to what their
// comments say: the gateway does without them, and they do without the gateway.
func TestOnlyTestsImport(t *testing.T) {
	allowed := map[string]bool{module + "/internal/frame": true, module + "/internal/handshake": true, "golang.org/x/sys/unix": true}
	importers := 0
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git"):
			return filepath.SkipDir
		case entry.IsDir() || filepath.Ext(path) != ".go":
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		ours := strings.Contains(filepath.ToSlash(path), "internal/wstest/")
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			domain, _, _ := strings.Cut(imported, "/")
			switch peers := strings.HasPrefix(imported, module+"/internal/wstest"); {
			case peers && strings.HasSuffix(path, "_test.go"):
				importers++
			case peers && !ours:
				t.Errorf("%s, which is no test, imports %s", path, imported)
			case ours && !peers && strings.Contains(domain, ".") && !allowed[imported]:
				t.Errorf("%s imports %s", path, imported)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if importers == 0 {
		t.Error("no test imports it: the walk must have missed them")
	}
}

// TestClientAgainstOrigin has the two peers without anything between them.
func TestClientAgainstOrigin(t *testing.T) {
	o := NewOrigin(t)
	const proxy = "PROXY TCP4 192.0.2.1 192.0.2.2 1 2"
	Ask(t, Request{Address: o.Address, Proxy: proxy + "\r\n", Host: "site.test", Path: "/ws", Fields: Upgrade}).Echoes(t, "hello")
	if asked := o.Next(t); asked.Proxy != proxy || asked.Host != "site.test" || asked.RequestURI != "/ws" {
		t.Errorf("asked with %q for %s%s", asked.Proxy, asked.Host, asked.RequestURI)
	}
	a := Ask(t, Request{Address: "127.0.0.1:" + o.Port, Host: "site.test", Path: "/", Fields: Plain})
	if asked := o.Next(t); a.Text != "origin" || asked.Proxy != "" {
		t.Errorf("asked with %q, answered %s: %s", asked.Proxy, a.Status, a.Text)
	}
}

func TestCertificate(t *testing.T) {
	cert, key := Certificate(t, "site.test")
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cert)
	if _, err := pair.Leaf.Verify(x509.VerifyOptions{DNSName: "site.test", Roots: roots}); err != nil {
		t.Error(err)
	}
}

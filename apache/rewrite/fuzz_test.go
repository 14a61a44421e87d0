// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
)

// FuzzRules holds any rules to an end for any path, of a server and of a folder, to
// the same outcome twice.
func FuzzRules(f *testing.F) {
	for _, name := range []string{"server.txt", "folder.txt"} {
		for _, c := range httpdCases(f, name) {
			for _, a := range c.asked {
				f.Add(c.rules, strings.Fields(a.request)[1])
			}
		}
	}
	site := newSite(f)
	f.Fuzz(func(t *testing.T, rules, target string) {
		if strings.Contains(strings.ToLower(rules), "map") || len(strings.Fields(target)) != 1 {
			return // a map can be a program
		}
		if _, err := url.PathUnescape(target); err != nil {
			return
		}
		for _, place := range []directive.Place{directive.Server, directive.HTAccess} {
			rs, _, err := tryRead(&directive.Context{Place: place}, "RewriteEngine On\n"+site.in(rules))
			if err != nil {
				continue
			}
			e, err := rs.Compile(CompileOptions{})
			if err != nil {
				continue
			}
			first, failed := fuzzRun(e, place, newRequest(t, site.root, "GET "+target), site.root)
			second, failedAgain := fuzzRun(e, place, newRequest(t, site.root, "GET "+target), site.root)
			if failed == nil && failedAgain == nil && first != second {
				t.Errorf("%s, then %s", first, second)
			}
		}
	})
}

func fuzzRun(e *Engine, place directive.Place, r *request.Request, root string) (came string, err error) {
	var result Result
	if place == directive.Server {
		result, err = e.Server(r)
	} else {
		r.Filename = filepath.Join(root, filepath.FromSlash(r.URI))
		result, err = e.Directory(r, root+"/", "/")
	}
	if err != nil {
		return "", err
	}
	return outcome(result, r), nil
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"testing/fstest"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

func addConfigs(f *testing.F) {
	f.Helper()
	names, err := filepath.Glob("../syntax/testdata/*.conf")
	if err != nil || len(names) == 0 {
		f.Fatalf("%d seeds (%v)", len(names), err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, e := range Table() {
		f.Add([]byte(e.Name + " On a b\n<Directory /x>\n" + e.Name + " On\n</Directory>\n"))
	}
}

// checkErrors wants each error to say where it is, and what.
func checkErrors(t *testing.T, err error) {
	t.Helper()
	var all syntax.Errors
	if !errors.As(err, &all) || len(all) == 0 {
		t.Fatalf("%T: %v", err, err)
	}
	for _, problem := range all {
		if problem.Line < 1 || problem.File == "" || problem.Message == "" {
			t.Errorf("%+v", problem)
		}
	}
}

// FuzzRead: any text is read to its end, to the same twice, or what is wrong has a
// place.
func FuzzRead(f *testing.F) {
	addConfigs(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, strict := range []bool{false, true} {
			o := Options{Syntax: syntax.Options{FS: fstest.MapFS{}}, Strict: strict}
			c, err := Read("/etc/site.conf", text, o)
			again, errAgain := Read("/etc/site.conf", text, o)
			if (c == nil) != (again == nil) || !reflect.DeepEqual(err, errAgain) {
				t.Fatalf("%v, then %v", err, errAgain)
			}
			if err != nil {
				checkErrors(t, err)
			}
		}
	})
}

// FuzzHTAccess is FuzzRead for the files that anybody may write who has a folder.
func FuzzHTAccess(f *testing.F) {
	addConfigs(f)
	f.Add([]byte("RewriteEngine On\nRewriteRule ^ws/(.*)$ ws://127.0.0.1:1/$1 [P]\n"))
	f.Add([]byte("<RequireAny>\nRequire ip 10\n<RequireNone>\nRequire all denied\n</RequireNone>\n</RequireAny>\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, overrides := range [][]string{{"All"}, {"FileInfo"}, {"AuthConfig", "Limit"}, nil} {
			_, _, err := ReadHTAccess("/srv/.htaccess", "/srv/", text, overrides, syntax.Defines{})
			if err != nil {
				checkErrors(t, err)
			}
		}
	})
}

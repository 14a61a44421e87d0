// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package syntax

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"testing/fstest"
)

// FuzzParse holds the parser to what must be true of any text: it comes to an
// end, says where it failed, does so again, and what it has read can be printed
// and comes out the same.
func FuzzParse(f *testing.F) {
	names, err := filepath.Glob("testdata/*")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		if info, err := os.Stat(name); err != nil || info.IsDir() {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, text := range []string{
		"\"<A b>\" c>\n\"</A b>\"\n", "<A>>\n</A>>\n", "a>> b\n", "\"a\\\\\" \\\n", "<A \\>\n</A>\n", "'#' a\n", "\\\\a\n",
		"Include inc\nInclude *\nInclude d\n", "<IfVersion >= 2>\n<A b\nDefine x ${x}\n</IfVersion>\n", "${Host}${LINES}${Quoted}",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		o := machine()
		o.Missing = CertbotFile
		o.FS = fstest.MapFS{"inc": {Data: []byte("In ${Host}\n")}, "d/self": {Data: []byte("Include d\n")}}
		c, err := Parse("/site.conf", text, o)
		again, errAgain := Parse("/site.conf", text, o)
		if !reflect.DeepEqual(c, again) || !reflect.DeepEqual(err, errAgain) {
			t.Fatal("twice is not the same")
		}
		if err != nil {
			for _, problem := range err.(Errors) {
				if problem.Line < 1 || problem.File == "" || problem.Message == "" {
					t.Errorf("%+v", problem)
				}
			}
			return
		}
		printed := c.String()
		reparsed, err := Parse("/site.conf", []byte(printed), Options{})
		if err != nil {
			t.Fatalf("%q: %v", printed, err)
		}
		withoutPositions(c.Nodes)
		withoutPositions(reparsed.Nodes)
		if !reflect.DeepEqual(c.Nodes, reparsed.Nodes) {
			t.Fatalf("%q became %q", printed, reparsed)
		}
	})
}

func withoutPositions(nodes []*Node) {
	for _, n := range nodes {
		n.Position, n.End = Position{}, 0
		withoutPositions(n.Nodes)
	}
}

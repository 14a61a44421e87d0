// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package syntax

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

// disk has a file for each name, with a directive in it that names it.
func disk(names ...string) fstest.MapFS {
	files := make(fstest.MapFS)
	for _, name := range names {
		files[name] = &fstest.MapFile{Data: []byte("In " + name + "\n")}
	}
	return files
}

func TestInclude(t *testing.T) {
	files := disk("etc/d/b.conf", "etc/d/a.conf", "etc/d/a.conf~", "etc/d/.x", "etc/d/.hid/q", "etc/d/sub/z", "etc/e/a.conf", "etc/my file", "srv/x.conf")
	files["dev/null"] = &fstest.MapFile{Mode: fs.ModeDevice}
	files["etc/empty"] = &fstest.MapFile{Mode: fs.ModeDir}
	for _, tt := range []struct{ in, want string }{
		{"Include d/a.conf", "d/a.conf"},
		{"Include /etc/d/a.conf", "d/a.conf"},
		{"include //etc//d/../d/./a.conf", "d/a.conf"},
		{"Include \"my file\"", "my file"},
		{"Include d", "d/.hid/q d/.x d/a.conf d/a.conf~ d/b.conf d/sub/z"},
		{"Include d/*", "d/a.conf d/a.conf~ d/b.conf d/sub/z"},
		{"Include d/.*", "d/.hid/q d/.x"},
		{"Include d/*.conf", "d/a.conf d/b.conf"},
		{"Include d/?.conf", "d/a.conf d/b.conf"},
		{"Include d/[!b].conf", "d/a.conf"},
		{"Include d/[^b].conf", "d/a.conf"},
		{"Include /etc/?/*.conf", "d/a.conf d/b.conf e/a.conf"},
		{"IncludeOptional /etc/?/b.conf", "d/b.conf"},
		{"Include empty", ""},
		{"Include /dev/null", ""},
		{"IncludeOptional nope", ""},
		{"IncludeOptional nope/*.conf", ""},
		{"IncludeOptional d/*.nope", ""},
		{"ServerRoot /etc/e\nInclude a.conf", "e/a.conf"},
		{"Define D d\nInclude ${D}/b.conf", "d/b.conf"},
		{"<IfFile d/a.conf>\nInclude e/*\n</IfFile>\n<IfFile !/etc/d>\nInclude d\n</IfFile>", "e/a.conf"},
	} {
		c, errs := parse(t, tt.in, Options{FS: files, ServerRoot: "/etc"})
		var got []string
		for _, n := range c.Nodes {
			if n.Is("In") {
				got = append(got, strings.TrimPrefix(n.Raw, "etc/"))
			}
		}
		if errs != nil || strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %v, %v", tt.in, got, errs)
		}
	}
}

func TestIncludeErrors(t *testing.T) {
	files := disk("etc/a")
	files["etc/tty"] = &fstest.MapFile{Mode: fs.ModeDevice}
	files["etc/bad"] = &fstest.MapFile{Data: []byte("A\n</B>\n")}
	files["etc/open"] = &fstest.MapFile{Data: []byte("<B>\n")}
	for _, tt := range []struct{ in, want string }{
		{"Include", "1: Include takes one path; one with spaces in it needs \"quotation marks\"\n"},
		{"Include a b", "1: Include takes one path; one with spaces in it needs \"quotation marks\"\n"},
		{"Include nope", "1: the file /etc/nope does not exist; IncludeOptional does not need it\n"},
		{"Include *.conf", "1: no file matches *.conf in /etc; IncludeOptional does not need one\n"},
		{"Include nope/*", "1: the folder /etc/nope: file does not exist\n"},
		{"Include [a-", "1: the file /etc/[a- does not exist; IncludeOptional does not need it\n"},
		{"Include [a-]", "1: the pattern [a-]: syntax error in pattern\n"},
		{"IncludeOptional tty", "1: /etc/tty is not a regular file\n"},
		{"Include bad\nInclude bad", "/etc/bad:2: </B> ends a section that does not begin in this file\n"},
		{"<B>\nInclude bad\n</B>", "/etc/bad:2: </B> ends a section that does not begin in this file\n"},
		{"Include open\n</B>", "/etc/open:1: <B> is not closed: there has to be a </B> in the same file\n2: </B> ends a section that does not begin in this file\n"},
	} {
		if _, errs := parse(t, tt.in, Options{FS: files, ServerRoot: "/etc"}); texts(errs) != tt.want {
			t.Errorf("%s: %v", tt.in, errs)
		}
	}
	if _, errs := parse(t, "Include a", Options{}); texts(errs) != "1: the file a does not exist; IncludeOptional does not need it\n" {
		t.Error(errs)
	}
}

func TestIncludePlace(t *testing.T) {
	files := fstest.MapFS{"site/inc": {Data: []byte("B\n<C>\n</C>\n")}}
	c, err := Parse("/site/a.conf", []byte("<A>\nX\nInclude inc\nY\n</A>\n"), Options{FS: files})
	if err != nil || c.String() != "<A>\n\tX\n\tB\n\t<C>\n\t</C>\n\tY\n</A>\n" {
		t.Errorf("%s, %v", c, err)
	}
	if b := c.Nodes[0].Nodes[1]; b.Position.String() != "/site/inc:1" {
		t.Error(b.Position)
	}
}

func TestIncludeCycle(t *testing.T) {
	files := fstest.MapFS{
		"a":    {Data: []byte("Include /b\n")},
		"b":    {Data: []byte("ServerRoot /\nDefine X\nInclude /*\n")},
		"once": {Data: []byte("<IfDefine !ONCE>\nDefine ONCE\nInclude /once\nA b\n</IfDefine>\n")},
	}
	_, err := Parse("/main", []byte("Define X\nServerRoot /\nInclude a\n"), Options{FS: files})
	if want := "/b:3: a file that includes itself: /a → /b → /a\n/b:3: a file that includes itself: /b → /b"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Error(err)
	}

	// It ends, and so it is none.
	c, err := Parse("/main", []byte("Include once\n"), Options{FS: files})
	if err != nil || c.String() != "A b\n" {
		t.Errorf("%s, %v", c, err)
	}
}

func TestIncludeDepth(t *testing.T) {
	files := make(fstest.MapFS)
	for i := range maxIncludes + 1 {
		files[fmt.Sprint(i)] = &fstest.MapFile{Data: fmt.Appendf(nil, "A\nInclude /%d\n", i+1)}
	}
	files[fmt.Sprint(maxIncludes)] = &fstest.MapFile{Data: []byte("A\n")}
	if c, err := Parse("/main", []byte("Include 1\n"), Options{FS: files}); err != nil || len(c.Nodes) != maxIncludes {
		t.Error(err)
	}
	_, err := Parse("/main", []byte("Include 0\n"), Options{FS: files})
	if want := "/127:2: files include one another more than 128 deep: … → /121 → /122 → /123 → /124 → /125 → /126 → /127 → /128"; err == nil || err.Error() != want {
		t.Error(err)
	}
}

// TestIncludeBomb doubles with each file.
func TestIncludeBomb(t *testing.T) {
	files := make(fstest.MapFS)
	for i := range 100 {
		files[fmt.Sprint(i)] = &fstest.MapFile{Data: fmt.Appendf(nil, "Include /%d\nInclude /%[1]d\n", i+1)}
	}
	files["100"] = &fstest.MapFile{Data: []byte("A b\n")}
	_, err := Parse("/main", []byte("Include 0\n"), Options{FS: files})
	if err == nil || !strings.Contains(err.Error(), "more than 32 MiB") {
		t.Error(err)
	}
}

func TestCertbotFile(t *testing.T) {
	const text = "Include /etc/letsencrypt/options-ssl-apache.conf\n"
	c, errs := parse(t, text, Options{Missing: CertbotFile})
	if errs != nil || !c.Nodes[0].Is("SSLEngine") || c.Nodes[0].Raw != "on" || len(c.Warnings) != 1 {
		t.Errorf("%s, %v", c, errs)
	}
	here := disk("etc/letsencrypt/options-ssl-apache.conf")
	if c, _ = parse(t, text, Options{FS: here, Missing: CertbotFile}); !c.Nodes[0].Is("In") {
		t.Errorf("%s", c)
	}
	if _, errs = parse(t, "Include other.conf\n", Options{Missing: CertbotFile}); errs == nil {
		t.Error("another file is known too")
	}
}

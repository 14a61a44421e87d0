// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package syntax

import (
	"strings"
	"testing"
)

func TestErrors(t *testing.T) {
	long := strings.Repeat("x", maxHTAccessLine-len("#\n"))
	for _, tt := range []struct {
		name, in, want string
		htaccess       bool
	}{
		{name: "ends nothing", in: "</A>\nB\n", want: "1: </A> ends a section that does not begin in this file\n"},
		{name: "not closed", in: "<A>\n<B>\n</B>\n", want: "1: <A> is not closed: there has to be a </A> in the same file\n"},
		{name: "crossed", in: "<A>\n<B>\n</A>\n</B>\n", want: "3: </A> where <B> of line 2 has to end first\n4: </B> ends a section that does not begin in this file\n"},
		{name: "another end", in: "<A>\n</B>\n</A>\n", want: "2: </B> where <A> of line 1 has to end first\n"},
		{name: "crossed with a condition", in: "<A>\n<IfDefine Flag>\n</A>\n</IfDefine>\n", want: "3: </A> where <IfDefine> of line 2 has to end first\n4: </IfDefine> ends a section that does not begin in this file\n"},
		{name: "crossed with a condition that does not hold", in: "<A>\n<IfDefine X>\n</A>\n</IfDefine>\n</A>\n", want: "3: </A> where <IfDefine> of line 2 has to end first\n"},
		{name: "condition that does not hold is not closed", in: "<IfDefine X>\n", want: "1: <IfDefine> is not closed: there has to be a </IfDefine> in the same file\n"},
		{name: "behind the end of a condition", in: "<IfDefine Flag>\n</IfDefine> # x\n", want: "2: nothing may stand behind </IfDefine>\n"},
		{name: "no bracket", in: "<A b\n</A>\n", want: "1: <A b has no closing >\n"},
		{name: "no bracket at the end", in: "<A>\n</A\n", want: "2: </A has to be followed by > at once\n"},
		{name: "space before the end's bracket", in: "<A>\n</A >\n", want: "2: </A has to be followed by > at once\n"},
		{name: "no name", in: "< A>\n>\n", want: "1: < without a name; one has to follow < at once\n2: > without a name; one has to follow < at once\n"},
		{name: "condition without argument", in: "<IfModule>\n</IfModule>\n", want: "1: <IfModule> needs something to look for: <IfModule mod_ssl.c>\n"},
		{name: "condition without bracket", in: "<IfDefine X\n</IfDefine>\n", want: "1: <IfDefine X has no closing >\n"},

		{name: "Define", in: "Define\nDefine a b c\nDefine \"\" b\nDefine a:b c\n", want: "1: Define takes a name and perhaps a value; a value with spaces in it needs \"quotation marks\"\n2: Define takes a name and perhaps a value; a value with spaces in it needs \"quotation marks\"\n3: Define takes a name and perhaps a value; a value with spaces in it needs \"quotation marks\"\n4: Define: the name a:b must not have a colon in it\n"},
		{name: "UnDefine", in: "UnDefine a b\nundefine\nUnDefine a:b", want: "1: UnDefine takes the name of a variable, and nothing behind it\n2: undefine takes the name of a variable, and nothing behind it\n3: UnDefine: the name a:b must not have a colon in it\n"},

		{name: "NUL", in: "A b\x00c\nB\n", want: "1: a NUL byte; is the file in UTF-16? save it in UTF-8\n"},
		{name: "BOM", in: bom + "A b\n", want: "1: a byte order mark, which httpd takes for a part of the first directive; save the file without it\n"},
		{name: ".htaccess", htaccess: true, in: "Define a\nUnDefine a\nInclude a\nIncludeOptional a\nServerRoot /\nA b\n", want: "1: Define is not allowed in .htaccess files\n2: UnDefine is not allowed in .htaccess files\n3: Include is not allowed in .htaccess files\n4: IncludeOptional is not allowed in .htaccess files\n5: ServerRoot is not allowed in .htaccess files\n"},
		{name: "long line", htaccess: true, in: "#" + long + "\n#" + long + "x\n#" + long + "x", want: "2: a line of 8193 bytes; httpd reads lines of at most 8192\n"},
		{name: "long line in parts", htaccess: true, in: "#" + long + "\\\nx\n", want: "1: a line of 8193 bytes; httpd reads lines of at most 8192\n"},
		{name: "too many", in: strings.Repeat("</A>\n", 100), want: ""},
		{name: "too deep", in: strings.Repeat("<A>\n", maxOpen+1), want: "101: sections are nested more than 100 deep\n"},
		{name: "grows", in: "Define x " + strings.Repeat("x", 1000) + "\n" + strings.Repeat("Define x ${x}${x}\n", 20) + "A b", want: "16: the configuration has more than 32 MiB with all that is included and replaced\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := machine()
			o.HTAccess = tt.htaccess
			_, errs := parse(t, tt.in, o)
			if tt.name == "too many" {
				if last := errs[len(errs)-1]; len(errs) != maxErrors+1 || last.Line != maxErrors {
					t.Errorf("%d errors, the last is %v", len(errs), last)
				}
				return
			}
			if got := texts(errs); got != tt.want {
				t.Errorf("%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// TestGoesOn is about what is behind an error.
func TestGoesOn(t *testing.T) {
	c, errs := parse(t, "<A b\nB c\n</A>\n</X>\nC d\n", Options{})
	if len(errs) != 2 || c.String() != "<A b>\n\tB c\n</A>\nC d\n" {
		t.Errorf("%s, %v", c, errs)
	}
}

func TestWarnings(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"nothing", "A \"b\" 'c' it's\n# a \\\n# b\n#\\\n\n", ""},
		{"comment takes a line", "# a \\\nA b\n", "1: a comment that ends in \\ takes in the next line, so line 2 has no effect\n"},
		{"not defined", "A ${x} ${x}\n# ${y}\nB ${x} ${y} ${m:k}\n<IfDefine X>\n${z}\n</IfDefine>\n", "1: ${x} is not defined, and stays as it is\n3: ${y} is not defined, and stays as it is\n"},
		{"not closed", "<IfDefine Flag>\nA b\n", "1: <IfDefine> is not closed by </IfDefine>\n"},
		{"quotation mark", "A b \"c d\n", "1: a quotation mark without a second one: all of the line behind it is one argument\n"},
		{"no bracket", "<A\n</A>\n", "1: <A has no closing >\n"},
		{"behind a bracket", "<A b> # c\n</A> d\n", "1: # c behind <A b> has no effect\n2: d behind </A> has no effect\n"},
		{"two modules", "<IfModule mod_ssl.c mod_x.c>\n</IfModule>\n", "1: <IfModule> looks for mod_ssl.c only, not for mod_x.c\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, errs := parse(t, tt.in, machine())
			if errs != nil {
				t.Fatal(errs)
			}
			if got := texts(c.Warnings); got != tt.want {
				t.Errorf("%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestWarningsAreBounded(t *testing.T) {
	c, _ := parse(t, strings.Repeat("<A b> c\n</A>\n", 2*maxWarnings), Options{})
	if len(c.Warnings) != maxWarnings {
		t.Errorf("%d warnings", len(c.Warnings))
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package syntax

import (
	"errors"
	"strings"
	"testing"
)

// texts joins problems, one on a line, without the name of the file.
func texts[S ~[]Problem](problems S) string {
	var b strings.Builder
	for _, p := range problems {
		b.WriteString(strings.TrimPrefix(p.String(), "site.conf:") + "\n")
	}
	return b.String()
}

func parse(t testing.TB, text string, o Options) (*Config, Errors) {
	t.Helper()
	c, err := Parse("site.conf", []byte(text), o)
	if err == nil {
		return c, nil
	}
	var errs Errors
	if !errors.As(err, &errs) || len(errs) == 0 {
		t.Fatalf("%#v is not Errors", err)
	}
	return c, errs
}

// machine has a bit of everything.
func machine() Options {
	o := Options{
		LookupEnv: func(name string) (string, bool) {
			value, ok := map[string]string{"LOGS": "/var/log", "EMPTY": "", "Quoted": `a "b c"`, "LINES": "a\nb"}[name]
			return value, ok
		},
		Module:    func(name string) bool { return name == "mod_ssl.c" || name == "ssl_module" },
		Directive: func(name string) bool { return name == "proxypass" || name == "<location" },
	}
	o.Defines.Set("Host", "example.com")
	o.Defines.Define("Flag")
	return o
}

// TestTree is about what httpd 2.4.71 makes of a text, as its DUMP_CONFIG shows it.
func TestTree(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"empty", "", ""},
		{"directive", "Listen 80\n", "Listen 80\n"},
		{"no line break", "Listen 80", "Listen 80\n"},
		{"CRLF", "Listen 80\r\n\r\nListen 81\r\n", "Listen 80\nListen 81\n"},
		{"CR is a space", "Listen\r80\n", "Listen 80\n"},
		{"space around", " \t Listen \v 80 \f\n", "Listen 80\n"},
		{"comment", "# Listen 80\n  #Listen 81\n#", ""},
		{"no comment", "Listen 80 # here\n", "Listen 80 # here\n"},
		{"case is kept", "LISTEN 80\n", "LISTEN 80\n"},
		{"quoted name", "\"Listen\" 80\n'Listen' 81\n", "Listen 80\nListen 81\n"},
		{"empty name", "\"\" Listen 80\n'' \n\"\n", ""},
		{"name with bracket", "Listen> 80\n", "Listen 80\n"},

		{"continued", "Header set A \"a b\" \\\n  env=x\n", "Header set A \"a b\"   env=x\n"},
		{"continued within a word", "Listen 8\\\n0\n", "Listen 80\n"},
		{"continued after CRLF", "Listen \\\r\n80\r\n", "Listen 80\n"},
		{"continued comment", "# Listen 80 \\\nListen 81\nListen 82\n", "Listen 82\n"},
		{"two backslashes continue", "A b\\\\\nC d\n", "A b\\C d\n"},
		{"two backslashes and an empty line", "A b\\\\\n\nC d\n", "A bC d\n"},
		{"two backslashes and a space", "A b\\\\\n \nC d\n", "A b\\ \nC d\n"},
		{"space behind a backslash", "A b\\ \nC d\n", "A b\\ \nC d\n"},
		{"backslash at the end of the file", "A b\\", "A b\\ \n"},
		{"continued by the end of the file", "A b\\\n", "A b\n"},
		{"continued by nothing", "\\\n\\\n", ""},

		{"section", "<Location /a>\nA b\n</Location>\n", "<Location /a>\n\tA b\n</Location>\n"},
		{"sections", "<A>\n<B c>\n</B>\n<B d>\n</B>\n</A>", "<A>\n\t<B c>\n\t</B>\n\t<B d>\n\t</B>\n</A>\n"},
		{"case of the end", "<Location /a>\n</LOCATION>\n", "<Location /a>\n</Location>\n"},
		{"space before the bracket", "<Location /a >\n</Location>\n", "<Location /a>\n</Location>\n"},
		{"brackets in arguments", "<If \"a > b\">\n</If>\n", "<If \"a > b\">\n</If>\n"},
		{"regular expression", "<Directory ~ \"^/(a|b)$\">\n</Directory>\n", "<Directory ~ \"^/(a|b)$\">\n</Directory>\n"},
		{"space behind the name", "<Else >\n</Else>\n", "<Else>\n</Else>\n"},

		{"variable", "A ${Host} ${host}/${HOST}$\n", "A example.com example.com/example.com$\n"},
		{"environment", "A ${LOGS}/a ${logs}\n", "A /var/log/a ${logs}\n"},
		{"empty environment", "${EMPTY}\nA ${EMPTY}b\n", "A b\n"},
		{"quotation marks from a variable", "A ${Quoted}\n", "A a \"b c\"\n"},
		{"line break from the environment", "A ${LINES}\n", "A a b\n"},
		{"variable as a name", "${Host} a\n", "example.com a\n"},
		{"variable in a section", "<A ${Host}>\n</A>\n", "<A example.com>\n</A>\n"},
		{"hash from a variable", "Define H #\n${H} a\n", "\"#\" a\n"},
		{"not defined", "A ${nope} ${Flag} ${a:b} ${ ${}\n", "A ${nope} ${Flag} ${a:b} ${ ${}\n"},
		{"not replaced twice", "Define X \"${nope}\"\nDefine nope y\nA ${X}\n", "A ${nope}\n"},
		{"defined from another", "Define X ${Host}:80\nA ${X}\n", "A example.com:80\n"},
		{"defined again", "Define X a\nDefine x b\nDefine X\nA ${X}\n", "A b\n"},
		{"defined as nothing", "Define X \"\"\nA ${X}\n", "A ${X}\n"},
		{"undefined", "UnDefine HOST\nA ${Host}\n<IfDefine Host>\nB c\n</IfDefine>\n", "A ${Host}\nB c\n"},
		{"defined in a section", "<A>\nDefine X y\n</A>\nB ${X}\n", "<A>\n</A>\nB y\n"},

		{"IfDefine", "<IfDefine Flag>\nA b\n</IfDefine>\n<IfDefine !Flag>\nC d\n</IfDefine>\n", "A b\n"},
		{"IfDefine heeds case", "<IfDefine FLAG>\nA b\n</IfDefine>\n", ""},
		{"IfModule", "<IfModule mod_ssl.c>\nA b\n</IfModule>\n<IfModule !ssl_module>\nC d\n</IfModule>\n", "A b\n"},
		{"IfModule quoted", "<IfModule ! \"mod_ssl.c\">\nA b\n</IfModule>\n<IfModule \"!mod_ssl.c\">\nB c\n</IfModule>\n", ""},
		{"IfDirective", "<IfDirective PROXYPASS>\nA b\n</IfDirective>\n<IfDirective Nope>\nC d\n</IfDirective>\n", "A b\n"},
		{"IfSection", "<IfSection Location>\nA b\n</IfSection>\n<IfSection !location>\nC d\n</IfSection>\n", "A b\n"},
		{"nested", "<IfModule mod_ssl.c>\n<IfDefine !X>\nDefine X\nA b\n</ifdefine>\n<IfDefine !X>\nC d\n</IfDefine>\n</IfModule>\n", "A b\n"},
		{"around a section", "<IfDefine Flag>\n<A>\n<IfDefine Flag>\nB c\n</IfDefine>\n</A>\n</IfDefine>\n", "<A>\n\tB c\n</A>\n"},
		{"not read", "<IfDefine X>\nDefine Y\n<Location /a\nA ${nope} \"\n</Location>\nInclude nope\n</IfDefine> x\n<IfDefine Y>\nB c\n</IfDefine>\n", ""},
		{"end only without variables", "<IfDefine Flag>\nA b\n</IfDefine>\nB c", "A b\nB c\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, errs := parse(t, tt.in, machine())
			if errs != nil {
				t.Fatal(errs)
			}
			if got := c.String(); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
			again, errs := parse(t, c.String(), Options{})
			if errs != nil || again.String() != c.String() {
				t.Errorf("printed and parsed again: %q, %v", again, errs)
			}
		})
	}
}

func TestPositions(t *testing.T) {
	c, errs := parse(t, "# a\n<A \\\n b>\n\tB \\\n\tc \"d e\" \n\n</A>\nC\n", Options{})
	if errs != nil {
		t.Fatal(errs)
	}
	a, last := c.Nodes[0], c.Nodes[1]
	if !a.Section || a.Position != (Position{"site.conf", 2}) || a.End != 7 || a.Raw != "b" {
		t.Errorf("%+v", a)
	}
	if b := a.Nodes[0]; b.Section || b.Line != 4 || b.End != 5 || b.Raw != `c "d e"` || len(b.Args) != 2 || b.Args[1] != "d e" {
		t.Errorf("%+v", b)
	}
	if last.Position.String() != "site.conf:8" || last.End != 8 || last.Args != nil {
		t.Errorf("%+v", last)
	}
}

func TestIs(t *testing.T) {
	n := &Node{Name: "Location", Section: true}
	if !n.Is("<location") || n.Is("location") || n.Is("<Locatio\u017f") {
		t.Error("a section is another thing than a directive")
	}
	if n = (&Node{Name: "LISTEN"}); !n.Is("Listen") || n.Is("<Listen") {
		t.Error("a directive is another thing than a section")
	}
}

// TestDefinesGoOn is about .htaccess files, in which the variables of the
// configuration hold.
func TestDefinesGoOn(t *testing.T) {
	o := Options{}
	c, _ := parse(t, "Define X y\n", o)
	if o.Defines.Defined("X") {
		t.Error("the caller's variables changed")
	}
	h, errs := parse(t, "A ${X}\n", Options{Defines: c.Defines, HTAccess: true})
	if errs != nil || h.String() != "A y\n" {
		t.Errorf("%s, %v", h, errs)
	}
}

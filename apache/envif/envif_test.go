// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package envif

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/regex"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// read makes rules of a configuration.
func read(t testing.TB, ctx *directive.Context, text string) (*Rules, error) {
	t.Helper()
	config, err := syntax.Parse("site.conf", []byte(text), syntax.Options{})
	if err != nil {
		t.Fatal(err)
	}
	rules := new(Rules)
	for _, n := range config.Nodes {
		if !Reads(n.Name) {
			t.Fatalf("%s is not read", n.Name)
		}
		if err := rules.Directive(ctx, n); err != nil {
			return nil, err
		}
	}
	return rules, nil
}

// setter compiles a configuration, after a way through JSON.
func setter(t testing.TB, ctx *directive.Context, text string) *Setter {
	t.Helper()
	rules, err := read(t, ctx, text)
	if err != nil {
		t.Fatal(err)
	}
	printed, err := json.Marshal(rules)
	if err != nil {
		t.Fatal(err)
	}
	rules = new(Rules)
	if err := json.Unmarshal(printed, rules); err != nil {
		t.Fatal(err)
	}
	s, err := rules.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func client() *request.Request {
	return &request.Request{
		Method:   "GET",
		Line:     "GET /s/a%20b/../c?q HTTP/1.1",
		Protocol: "HTTP/1.1",
		Host:     "site.test:81",
		URI:      "/s/c",
		Query:    "q",
		Header:   http.Header{"X-Test": {"Abc"}, "User-Agent": {"Mozilla"}, "Upgrade": {"websocket"}},
		Server:   new(request.Server),
		Remote:   netip.MustParseAddrPort("127.0.0.1:5000"),
		Local:    netip.MustParseAddrPort("127.0.0.2:80"),
	}
}

// env prints variables as "A=1 B=2".
func env(r *request.Request) string {
	var all []string
	for _, name := range r.EnvNames() {
		value, _ := r.Env(name)
		all = append(all, name+"="+value)
	}
	return strings.Join(all, " ")
}

// TestIf has what httpd 2.4.71 answered to these, unless a row says otherwise.
func TestIf(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"no value", `SetEnvIf Remote_Addr . A`, "A=1"},
		{"empty value", `SetEnvIf Remote_Addr . A=`, "A=1"},
		{"several", `SetEnvIf Remote_Addr . A B=2 !C`, "A=1 B=2"},
		{"no match", `SetEnvIf Remote_Addr ^10\. A`, ""},
		{"unset", "SetEnvIf Remote_Addr . A=1\nSetEnvIf Remote_Addr . !a", ""},
		{"unset by a value", "SetEnvIf Remote_Addr . A=1\nSetEnvIf Remote_Addr . A=!x", ""},
		{"unset, with a value", `SetEnvIf Remote_Addr . !A=x`, "!A=x"},
		{"quoted", `SetEnvIf Remote_Addr . "A=a b"`, "A=a b"},
		{"quoted within", `SetEnvIf Remote_Addr . A="a b"`, `A="a b"=1`},
		{"empty word ends", `SetEnvIf Remote_Addr . A "" B`, "A=1"},

		{"no expression, no groups", `SetEnvIf Remote_Addr 127 A=$0\x`, `A=$0\x`},
		{"escaped, no groups", `SetEnvIf Remote_Addr 127\.0 A=$0`, "A=$0"},
		{"escaped dot is a dot", `SetEnvIf Remote_Addr 127.\.0 A`, ""},
		{"groups", `SetEnvIf Remote_Addr 127. A=$0\a\$1$2$3`, "A=127.a$1"},
		{"E11b", `SetEnvIfNoCase Upgrade "WEBSOCKET" A=yes-$0`, "A=yes-$0"},
		{"no case, groups", `SetEnvIfNoCase X-Test ^(A)B A=$1`, "A=A"},
		{"case", `SetEnvIf Upgrade WebSocket A`, ""},
		{"case in the expression", `SetEnvIf Upgrade "(?i)WebSocket" A`, "A=1"},

		{"variable of before", "SetEnvIf Remote_Addr . Foo\nSetEnvIf FOO ^1$ A", "A=1 Foo=1"},
		{"looked up once", "SetEnvIf CC ^$ CC=a\nSetEnvIf CC a SEEN", "CC=a"},
		{"looked up again", "SetEnvIf CC ^$ CC=a\nSetEnvIf Remote_Addr . B\nSetEnvIf CC a SEEN", "B=1 CC=a SEEN=1"},
		{"missing", `SetEnvIf Nope ^$ A`, "A=1"},
		{"no field", `SetEnvIf Query_String . A`, ""},

		{"names by expression", `SetEnvIf ^X-Te Ab A`, "A=1"},
		{"names by expression, case", `SetEnvIf ^x-te Ab A`, ""},
		{"names by expression, no case", `SetEnvIfNoCase ^x-te AB A`, "A=1"},
		{"names by expression, Host", `SetEnvIf ^Ho site A`, "A=1"},
		{"names by expression, none", `SetEnvIf ^Nope ^$ A`, "A=1"},

		{"Request_URI", `SetEnvIf Request_URI (.*) A=$1`, "A=/s/a%20b/../c"},
		{"Request_Method", `SetEnvIf request_method (.*) A=$1`, "A=GET"},
		{"Request_Protocol", `SetEnvIf Request_Protocol (.*) A=$1`, "A=HTTP/1.1"},
		{"Server_Addr", `SetEnvIf Server_Addr (.*) A=$1`, "A=127.0.0.2"},
		{"Remote_Host", `SetEnvIf Remote_Host (.*) A=$1`, "A=127.0.0.1"},
		{"Host", `SetEnvIf Host (.*) A=$1`, "A=site.test:81"},

		{"BrowserMatch", `BrowserMatch ^Moz A=$0`, "A=Moz"},
		{"BrowserMatchNoCase", `BrowserMatchNoCase moz A`, "A=1"},
		{"SetEnvIfExpr", `SetEnvIfExpr "%{HTTP:X-Test} =~ /(A)(b)/" A=$2$1 B=$0`, "A=bA B=Ab"},
		{"SetEnvIfExpr, false", `SetEnvIfExpr false A`, ""},
		// httpd puts in there what an earlier directive has captured.
		{"SetEnvIfExpr, nothing captured", "SetEnvIf X-Test (A)b X\nSetEnvIfExpr true A=$0x", "A=x X=1"},
		{"E34", `SetEnvIf Request_URI ^/s no-proxy`, "no-proxy=1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := client()
			if err := setter(t, new(directive.Context), tt.text+"\n").If(r); err != nil {
				t.Fatal(err)
			}
			if got := env(r); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestRequestURI is about the path before and after it is decoded and cleaned.
func TestRequestURI(t *testing.T) {
	const text = "SetEnvIf Request_URI (.*) A=$1\n"
	for _, tt := range []struct {
		place directive.Place
		line  string
		want  string
	}{
		{directive.Server, "GET /s/a%20b/../c?q HTTP/1.1", "/s/a%20b/../c"},
		{directive.Server, "GET http://abs.test/s/x?q HTTP/1.1", "/s/x"},
		{directive.Server, "GET http://abs.test HTTP/1.1", "/"},
		{directive.Server, "GET /s/http://x HTTP/1.1", "/s/http://x"},
		{directive.Server, "OPTIONS * HTTP/1.1", "*"},
		{directive.Server, "", "/s/c"},
		{directive.Location, "GET /s/a%20b/../c?q HTTP/1.1", "/s/c"},
		{directive.HTAccess, "GET /s/a%20b/../c?q HTTP/1.1", "/s/c"},
	} {
		r := client()
		r.Line = tt.line
		if err := setter(t, &directive.Context{Place: tt.place}, text).If(r); err != nil {
			t.Fatal(err)
		}
		if got, _ := r.Env("A"); got != tt.want {
			t.Errorf("%q at %d: got %q, want %q", tt.line, tt.place, got, tt.want)
		}
	}
}

// TestFixed has what httpd 2.4.71 answered to these.
func TestFixed(t *testing.T) {
	t.Setenv("WSTUNNEL_ENVIF", "passed")
	for _, tt := range []struct{ name, text, want string }{
		{"set", "SetEnv A srv\nSetEnv EMPTY\nSetEnv B \"b c\"", "A=srv B=b c EMPTY="},
		{"again", "SetEnv A 1\nSetEnv a 2", "a=2"},
		{"pass", "PassEnv WSTUNNEL_ENVIF WSTUNNEL_NOT_SET", "WSTUNNEL_ENVIF=passed"},
		{"pass keeps", "SetEnv WSTUNNEL_NOT_SET x\nPassEnv WSTUNNEL_NOT_SET", "WSTUNNEL_NOT_SET=x"},
		{"unset", "SetEnv U 1\nSetEnv V 1\nUnsetEnv u X", "V=1"},
		{"unset before", "UnsetEnv U\nSetEnv U 1", "U=1"},
		{"SetEnvIf is stronger", "SetEnv A srv\nSetEnvIf Remote_Addr . a=sei", "a=sei"},
		{"UnsetEnv leaves SetEnvIf", "SetEnvIf Remote_Addr . A\nUnsetEnv A", "A=1"},
		{"text as it is", `SetEnv A "$0 %{A}e"`, "A=$0 %{A}e"},
		{"equals sign", "SetEnv X=Y z", "X=Y=z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, s := client(), setter(t, new(directive.Context), tt.text+"\n")
			if err := s.If(r); err != nil {
				t.Fatal(err)
			}
			if s.Fixed(r); env(r) != tt.want {
				t.Errorf("got %q, want %q", env(r), tt.want)
			}
		})
	}
}

func TestMerge(t *testing.T) {
	ctx := new(directive.Context)
	outer, err := read(t, ctx, "SetEnv A srv\nSetEnv B srv\nSetEnvIf Remote_Addr . X=outer\n")
	if err != nil {
		t.Fatal(err)
	}
	inner, err := read(t, ctx, "UnsetEnv B\nSetEnv A loc\nSetEnvIf X outer X=inner\n")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Merge(outer, inner).Compile()
	if err != nil {
		t.Fatal(err)
	}
	r := client()
	if err := s.If(r); err != nil {
		t.Fatal(err)
	}
	if s.Fixed(r); env(r) != "A=loc X=inner" {
		t.Errorf("got %q", env(r))
	}
	if Merge(nil, inner) != inner || Merge(outer, nil) != outer || Merge(nil, nil) != nil {
		t.Error("nothing is not nothing")
	}
	if len(outer.If) != 1 || len(inner.Fixed) != 2 {
		t.Error("merging changes what is merged")
	}
}

func TestNothing(t *testing.T) {
	for _, rules := range []*Rules{nil, {}} {
		s, err := rules.Compile()
		if s != nil || err != nil {
			t.Errorf("got %v, %v", s, err)
		}
		r := client()
		if err := s.If(r); err != nil {
			t.Error(err)
		}
		if s.Fixed(r); env(r) != "" {
			t.Errorf("got %q", env(r))
		}
	}
}

func TestLimit(t *testing.T) {
	r := client()
	r.Header.Set("X-Test", strings.Repeat("a", 64)+"!")
	s := setter(t, new(directive.Context), "SetEnvIf X-Test ^(?!x)(a+)+$ A\n")
	if err := s.If(r); !errors.Is(err, regex.ErrLimit) {
		t.Errorf("got %v, want %v", err, regex.ErrLimit)
	}
}

func TestErrors(t *testing.T) {
	for text, want := range map[string]string{
		"SetEnvIf":                           "for example",
		"SetEnvIf X":                         "for example",
		"SetEnvIf X y":                       "for example",
		"SetEnvIf X ( v":                     `"("`,
		"SetEnvIf ( y v":                     `"("`,
		`SetEnvIf X "" v`:                    "empty",
		`SetEnvIf X y ""`:                    "sets no variable",
		"SetEnvIf X y =z":                    "NAME",
		"SetEnvIf X y !":                     "NAME",
		`SetEnvIf OID("2.16.840") (.*) v`:    "certificate",
		"SetEnvIfExpr":                       "for example",
		"SetEnvIfExpr true":                  "for example",
		`SetEnvIfExpr "%{NOPE} == 'x'" v`:    "NOPE",
		"BrowserMatch x":                     "for example",
		"SetEnv":                             "for example",
		"SetEnv a b c":                       "too many",
		`SetEnv "" x`:                        "name of a variable",
		"UnsetEnv":                           "for example",
		`PassEnv A ""`:                       "name of a variable",
		"SetEnv rate-limit 4 # is a comment": "comment",
	} {
		_, err := read(t, new(directive.Context), text+"\n")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %q", text, err, want)
		}
	}
}

func TestWarnings(t *testing.T) {
	for text, want := range map[string]string{
		"SetEnv X=Y z":              `meant may be: SetEnv X "Y"`,
		"PassEnv WSTUNNEL_NOT_SET":  "WSTUNNEL_NOT_SET",
		"SetEnvIf Remote_Host x y":  "not looked up",
		"SetEnvIf Remote_Addr . A":  "",
		"SetEnv A=":                 "meant may be",
		"UnsetEnv WSTUNNEL_NOT_SET": "",
	} {
		var got []string
		ctx := &directive.Context{Warn: func(p syntax.Problem) { got = append(got, p.String()) }}
		if _, err := read(t, ctx, text+"\n"); err != nil {
			t.Fatal(err)
		}
		all := strings.Join(got, "\n")
		if (want == "") != (all == "") || !strings.Contains(all, want) {
			t.Errorf("%s: got %q, want %q", text, all, want)
		}
	}
}

// TestPrinted is about how the rules look in a configuration of Caddy's.
func TestPrinted(t *testing.T) {
	rules, err := read(t, &directive.Context{Place: directive.Location},
		"SetEnvIfNoCase Upgrade websocket WS !PLAIN\nSetEnvIfExpr true A=1\nSetEnv B c\n")
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(rules)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"if":[{"line":"site.conf:1","attribute":"Upgrade","pattern":"websocket","no_case":true,"variables":["WS","!PLAIN"],"section":true},` +
		`{"line":"site.conf:2","expression":"true","variables":["A=1"],"section":true}],` +
		`"fixed":[{"line":"site.conf:3","action":"set","name":"B","value":"c"}]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if _, err := (&Rules{If: []Rule{{Line: "x.conf:7", Attribute: "A", Pattern: "(", Variables: []string{"v"}}}}).Compile(); err == nil ||
		!strings.Contains(err.Error(), "x.conf:7") {
		t.Errorf("got %v, want an error that names the line", err)
	}
}

// FuzzIf holds any rule that is accepted to doing its work without an error other
// than the time limit.
func FuzzIf(f *testing.F) {
	for _, seed := range [][3]string{
		{"Remote_Addr", `^127\.`, "A=$0"}, {"Host", `\.`, "!A"}, {"^X-(.*)$", "(a)|b", `A=\$1$9`},
		{"Request_URI", `\d`, "="}, {"OID(1)", "x", "y"}, {"FOO", `a\`, "A=!"},
	} {
		f.Add(seed[0], seed[1], seed[2], true)
	}
	f.Fuzz(func(t *testing.T, attribute, pattern, variable string, noCase bool) {
		rules := &Rules{If: []Rule{{Attribute: attribute, Pattern: pattern, NoCase: noCase, Variables: []string{variable}}}}
		s, err := rules.Compile()
		if err != nil {
			return
		}
		if err := s.If(client()); err != nil && !errors.Is(err, regex.ErrLimit) {
			t.Error(err)
		}
	})
}

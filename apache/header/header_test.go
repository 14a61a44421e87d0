// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package header

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/regex"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// read makes rules of a configuration.
func read(t testing.TB, ctx *directive.Context, text string) (*Rules, error) {
	t.Helper()
	config, err := syntax.Parse("site.conf", []byte(text+"\n"), syntax.Options{})
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

func mustRead(t testing.TB, text string) *Rules {
	t.Helper()
	rules, err := read(t, new(directive.Context), text)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// compile prepares rules after a way through JSON.
func compile(t testing.TB, rules *Rules) *Editor {
	t.Helper()
	printed, err := json.Marshal(rules)
	if err != nil {
		t.Fatal(err)
	}
	rules = new(Rules)
	if err := json.Unmarshal(printed, rules); err != nil {
		t.Fatal(err)
	}
	e, err := rules.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func client() *request.Request {
	return &request.Request{
		Method: "GET",
		Line:   "GET /p?q HTTP/1.1",
		Host:   "site.test",
		URI:    "/p",
		Query:  "q",
		Header: http.Header{"X-In": {"i1", "i3"}, "X-P": {"1"}, "X-E": {"abcb"}},
		Server: new(request.Server),
		Remote: netip.MustParseAddrPort("127.0.0.1:5000"),
		Time:   time.UnixMicro(1_700_000_000_123_456),
	}
}

// backend is the answer of a backend, or of a file.
func backend() http.Header {
	return http.Header{
		"X-A":           {"be1", "be2"},
		"X-B":           {`one, "t,wo", three`},
		"Cache-Control": {"private"},
		"Content-Type":  {"text/plain; charset=utf-8"},
		"Location":      {"http://be/x"},
	}
}

// print has a field in a line, sorted; only is what their names begin with.
func print(h http.Header, only string) string {
	var lines []string
	for name, values := range h {
		if !strings.HasPrefix(name, only) {
			continue
		}
		for _, value := range values {
			lines = append(lines, name+": "+value)
		}
	}
	slices.SortStableFunc(lines, func(a, b string) int {
		return strings.Compare(a[:strings.IndexByte(a, ':')], b[:strings.IndexByte(b, ':')])
	})
	return strings.Join(lines, "\n")
}

// TestResponse has what httpd 2.4.71 made of the answer of a backend, unless a row
// says otherwise.
func TestResponse(t *testing.T) {
	for _, tt := range []struct{ name, text, only, want string }{
		{"set", "Header set X-A s", "X-A", "X-A: s"},
		{"set, colon", "Header set X-H: colon", "X-H", "X-H: colon"},
		{"set, empty", `Header set X-J ""`, "X-J", "X-J: "},
		{"onsuccess", "Header ONSUCCESS SET x-a s", "X-A", "X-A: s"},
		{"add", "Header add X-C 1\nHeader add X-C 2\nHeader append X-C 3", "X-C", "X-C: 1, 3\nX-C: 2"},
		{"append", "Header append X-A ap", "X-A", "X-A: be1, ap\nX-A: be2"},
		{"merge, there", "Header merge X-B three\nHeader merge X-B \"\\\"t,wo\\\"\"", "X-B", `X-B: one, "t,wo", three`},
		{"merge, new", "Header merge X-B wo", "X-B", `X-B: one, "t,wo", three, wo`},
		{"merge, first only", "Header merge X-A be2", "X-A", "X-A: be1, be2\nX-A: be2"},
		{"merge, empty", "Header merge X-M a\nHeader merge X-M a\nHeader merge X-M \"\"", "X-M", "X-M: a, "},
		{"unset", "Header unset X-A", "X-A", ""},
		{"setifempty", "Header setifempty X-A no\nHeader setifempty X-AG yes", "X-A", "X-A: be1\nX-A: be2\nX-Ag: yes"},
		{"echo", "Header echo ^X-In", "X-I", "X-In: i1, i3"},
		{"echo Host", "Header always echo ^Host$", "Host", "Host: site.test"},
		{"note", "Header note X-B foo", "X-B", `X-B: one, "t,wo", three`},

		{"edit", `Header edit X-A ^be(.)$ "e$1-$0-%%-\\$1"`, "X-A", "X-A: e1-be1-%-$1\nX-A: e2-be2-%-$1"},
		{"edit, none there", "Header edit X-Z a b", "X-Z", ""},
		{"edit*", "Header set X-E aaab\nHeader edit* X-E a bb", "X-E", "X-E: bbbbbbb"},
		{"edit*, the rest is another text", "Header set X-D aaab\nHeader edit* X-D ^a b", "X-D", "X-D: bbbb"},
		// httpd crashes.
		{"edit*, nothing", "Header set X-D abc\nHeader edit* X-D x* -", "X-D", "X-D: -abc"},
		{"edit with a variable", "Header edit X-A ^be(1) $1-%{REMOTE_ADDR}s", "X-A", "X-A: 1-127.0.0.1\nX-A: be2"},

		{"quotes and backslashes", `Header set X-I "q \"in\" a \\ \t|%%|100%"`, "X-I", "X-I: q \"in\" a \\ \t|%|100%"},
		{"no groups", `Header set X-L "$0 \$1 \a"`, "X-L", `X-L: $0 \$1 \a`},
		{"time", "Header set X-T %t", "X-T", "X-T: t=1700000000123456"},
		{"workers", `Header set X-T "%i %b"`, "X-T", "X-T: i=100 b=0"},
		{"variables", "Header set X-K %{FOO}e:%{HTTPS}e:%{HTTPS}s:%{REMOTE_ADDR}s:%{REMOTE_PORT}s:%{request_uri}s:%{HTTP:X-In}s:%{QUERY_STRING}s:%{NOPE}s:%{SERVER_ADDR}s:%{REMOTE_USER}s", "X-K",
			"X-K: (null):(null):off:127.0.0.1:(null):/p:i1, i3:q:(null):(null):(null)"},
		{"set variable", "Header set X-K %{Mine}e-%{ENV:mine}s", "X-K", "X-K: 1 2-1 2"},
		{"expression", "Header set X-K expr=%{REQUEST_URI}-%{resp:X-B}", "X-K", `X-K: /p-one, "t,wo", three`},
		{"empty expression", "Header set X-K expr=", "X-K", "X-K: "},

		{"env", "Header set X-K 1 env=MINE\nHeader set X-L 1 env=!mine\nHeader set X-M 1 ENV=nope\nHeader unset X-A env=mine", "X-", "X-B: one, \"t,wo\", three\nX-K: 1"},
		{"expr", `Header set X-T 1 "expr=%{resp:X-B} =~ /two|three/"` + "\n" + `Header set X-T3 1 "expr=%{REQUEST_STATUS} -eq 404"`, "X-T", "X-T: 1"},
		{"early, lost", "Header set X-T early early\nHeader always set X-TA early early\nHeader append X-A early early\nHeader append X-T late", "X-", "X-A: be1\nX-A: be2\nX-B: one, \"t,wo\", three\nX-T: late\nX-Ta: early"},

		{"always beside the backend's", "Header always set X-A a\nHeader always append Cache-Control al\nHeader append Cache-Control on", "",
			"Cache-Control: al\nCache-Control: private, on\nContent-Type: text/plain; charset=utf-8\nLocation: http://be/x\nX-A: a\nX-A: be1\nX-A: be2\nX-B: one, \"t,wo\", three"},
		{"always does not see the backend's", "Header always unset X-A\nHeader always edit X-A be E\nHeader always setifempty X-A z", "X-A", "X-A: z\nX-A: be1\nX-A: be2"},
		{"both", "Header set X-A s\nHeader always set X-A a", "X-A", "X-A: a\nX-A: s"},
		{"always, resp", "Header always set X-T %{NOPE}e\nHeader always set X-U expr=%{resp:X-B}", "X-U", `X-U: one, "t,wo", three`},

		{"Content-Type", "Header set Content-Type a/b", "Content-T", "Content-Type: a/b"},
		{"Content-Type, always", "Header always set Content-Type c/d", "Content-T", "Content-Type: c/d"},
		{"Content-Type, edit", "Header edit Content-Type plain html\nHeader edit Content-Type utf-8 latin", "Content-T", "Content-Type: text/html; charset=latin"},
		{"Content-Type, unset", "Header unset Content-Type", "Content-T", ""},
		{"Content-Type, always unset", "Header always unset Content-Type", "Content-T", "Content-Type: text/plain; charset=utf-8"},
		{"Content-Type, append", "Header append Content-Type x", "Content-T", "Content-Type: text/plain; charset=utf-8"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, h := client(), backend()
			r.Filename = "proxy:http://be/p"
			r.SetEnv("mine", "1\n2")
			shared := h.Clone()
			for name, values := range h {
				shared[name] = values // their arrays are the backend's
			}
			if err := compile(t, mustRead(t, tt.text)).Response(r, 200, shared, false); err != nil {
				t.Fatal(err)
			}
			if got := print(shared, tt.only); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
			if print(h, "") != print(backend(), "") {
				t.Errorf("the backend's values changed: %v", h)
			}
		})
	}
}

// TestGenerated is about answers that httpd makes by itself. It has what httpd
// 2.4.71 answered to a request without login, and to one that it redirects.
func TestGenerated(t *testing.T) {
	e := compile(t, mustRead(t, `
		Header set X-S s
		Header unset WWW-Authenticate
		Header edit Location http https
		Header always set X-AL a
		Header always unset WWW-Authenticate
		Header always edit Location http https
		Header always set X-Status expr=%{REQUEST_STATUS}`))
	for _, tt := range []struct {
		status int
		h      http.Header
		want   string
	}{
		{401, http.Header{"Www-Authenticate": {`Basic realm="R"`}}, "Www-Authenticate: Basic realm=\"R\"\nX-Al: a\nX-Status: 401"},
		{302, http.Header{"Location": {"http://h/x"}}, "Location: http://h/x\nX-Al: a\nX-Status: 302"},
		{404, http.Header{"Content-Type": {"text/html"}}, "Content-Type: text/html\nX-Al: a\nX-Status: 404"},
	} {
		if err := e.Response(client(), tt.status, tt.h, true); err != nil {
			t.Fatal(err)
		}
		if got := print(tt.h, ""); got != tt.want {
			t.Errorf("got\n%s\nwant\n%s", got, tt.want)
		}
	}

	h := http.Header{"Content-Type": {"text/html"}}
	e = compile(t, mustRead(t, "Header always unset Content-Type"))
	if err := e.Response(client(), 404, h, true); err != nil || len(h) > 0 {
		t.Errorf("got %v, %v", h, err)
	}
}

// TestRequest has what httpd 2.4.71 sent to a backend.
func TestRequest(t *testing.T) {
	e := compile(t, mustRead(t, `
		RequestHeader append Host more.test
		RequestHeader merge X-M a
		RequestHeader edit X-E (.)b "$1%{REMOTE_ADDR}s"
		RequestHeader unset X-In early
		RequestHeader set X-Early 1 early
		RequestHeader add X-P 2
		RequestHeader setifempty X-P 3
		RequestHeader append X-E z
		RequestHeader set X-NotE 1 env=!MINE
		RequestHeader set X-YesE 1 env=mine
		RequestHeader set X-Expr 1 "expr=%{HTTP:X-In} == ''"
		RequestHeader setifempty Upgrade websocket`))
	r := client()
	r.SetEnv("Mine", "1")
	if err := e.Early(r); err != nil {
		t.Fatal(err)
	}
	if got, want := print(r.Header, ""), "X-E: abcb\nX-Early: 1\nX-P: 1"; got != want {
		t.Errorf("early: got\n%s\nwant\n%s", got, want)
	}
	if err := e.Request(r); err != nil {
		t.Fatal(err)
	}
	const want = "Upgrade: websocket\nX-E: a127.0.0.1cb, z\nX-Early: 1\nX-Expr: 1\nX-M: a\nX-P: 1\nX-P: 2\nX-Yese: 1"
	if got := print(r.Header, ""); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if r.Host != "site.test, more.test" {
		t.Errorf("Host is %q", r.Host)
	}
}

// TestEarlyFile is measured, too: what is early stays on an answer that is no
// backend's, and comes before what is not.
func TestEarlyFile(t *testing.T) {
	h := make(http.Header)
	e := compile(t, mustRead(t, "Header append X-T late\nHeader append X-T last\nHeader set X-T early early\nHeader append X-A early early"))
	if err := e.Response(client(), 200, h, false); err != nil {
		t.Fatal(err)
	}
	if got, want := print(h, ""), "X-A: early\nX-T: early, late, last"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestLines is what httpd 2.4.71 sent to a backend of a field that the client sent
// in two lines.
func TestLines(t *testing.T) {
	for text, want := range map[string]string{
		`RequestHeader edit X-In ^(.*)$ "[$1]%{NOPE}e$2$9\\$1&"`:    "X-In: [i1, i3](null)$1&",
		"RequestHeader edit* X-In , ;":                              "X-In: i1; i3",
		"RequestHeader append X-In z":                               "X-In: i1, i3, z",
		"RequestHeader merge X-In i3":                               "X-In: i1, i3",
		"RequestHeader merge X-In z":                                "X-In: i1, i3, z",
		"RequestHeader add X-In z\nRequestHeader edit X-In ^ -":     "X-In: -i1, i3\nX-In: -z",
		"RequestHeader add X-In z\nRequestHeader append X-In y":     "X-In: i1, i3, y\nX-In: z",
		"RequestHeader setifempty X-In z\nRequestHeader unset X-In": "",
	} {
		r := client()
		client := r.Header["X-In"]
		if err := compile(t, mustRead(t, text)).Request(r); err != nil {
			t.Fatal(err)
		}
		if got := print(r.Header, "X-In"); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", text, got, want)
		}
		if !slices.Equal(client, []string{"i1", "i3"}) {
			t.Errorf("%s: the client's lines changed", text)
		}
	}
}

// TestBytes is what httpd 2.4.71 makes of a value that is not UTF-8: it changes
// nothing but what it is to change.
func TestBytes(t *testing.T) {
	r := client()
	r.Header.Set("X-A", "a\xe9\xff")
	r.SetEnv("X", "\xe9\n\xff\u00e9")
	e := compile(t, mustRead(t, "RequestHeader edit X-A a b\nRequestHeader set X-C %{X}e"))
	if err := e.Request(r); err != nil {
		t.Fatal(err)
	}
	if got, want := r.Header.Get("X-A"), "b\xe9\xff"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := r.Header.Get("X-C"), "\xe9 \xff\u00e9"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestHost is lab case E9d.
func TestHost(t *testing.T) {
	for text, want := range map[string]string{
		"RequestHeader set Host other.test":        "other.test",
		"RequestHeader unset host":                 "",
		"RequestHeader edit Host ^site www":        "www.test",
		"RequestHeader setifempty Host other.test": "site.test",
		"RequestHeader set Host: %{REMOTE_ADDR}s":  "127.0.0.1",
	} {
		r := client()
		if err := compile(t, mustRead(t, text)).Request(r); err != nil || r.Host != want || r.Header.Get("Host") != "" {
			t.Errorf("%s: got %q, %v, want %q", text, r.Host, err, want)
		}
	}
	r := &request.Request{Server: new(request.Server)}
	if err := compile(t, mustRead(t, "RequestHeader set X-A 1")).Request(r); err != nil || r.Header.Get("X-A") != "1" {
		t.Errorf("a request without fields: %v, %v", r.Header, err)
	}
}

// TestInjection is about what a client can bring into a value. With the path
// /p/a%0aX-Evil:1, httpd 2.4.71 sends the backend a field X-Evil in the first case,
// a space in the second, and answers 500 in the third.
func TestInjection(t *testing.T) {
	r := client()
	r.URI = "/p/a\r\nX-Evil:1\x00\x01\x7f\té"
	r.SetEnv("CAP", r.URI)
	r.Header["X-In"] = []string{"a\nb"}
	e := compile(t, mustRead(t, `
		RequestHeader set X-U expr=%{REQUEST_URI}
		RequestHeader set X-R %{CAP}e
		RequestHeader edit X-P .* %{REQUEST_URI}s
		Header set X-U expr=%{REQUEST_URI}
		Header echo ^X-In`))
	if err := e.Request(r); err != nil {
		t.Fatal(err)
	}
	h := make(http.Header)
	if err := e.Response(r, 200, h, false); err != nil {
		t.Fatal(err)
	}
	const want = "/p/a  X-Evil:1   \té"
	for _, got := range []string{r.Header.Get("X-U"), r.Header.Get("X-R"), r.Header.Get("X-P"), h.Get("X-U")} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if h.Get("X-In") != "a b" {
		t.Errorf("echo: got %q", h.Get("X-In"))
	}
}

// TestMerge is measured: the outer rules come first.
func TestMerge(t *testing.T) {
	server := mustRead(t, "Header set X-A server\nHeader append X-B server\nRequestHeader set X-R server")
	location := mustRead(t, "Header set X-A loc\nHeader append X-B loc\nRequestHeader append X-R loc")
	e := compile(t, Merge(server, location))
	r, h := client(), make(http.Header)
	if err := errors.Join(e.Request(r), e.Response(r, 200, h, false)); err != nil {
		t.Fatal(err)
	}
	if got, want := print(h, "")+"\n"+r.Header.Get("X-R"), "X-A: loc\nX-B: server, loc\nserver, loc"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if Merge(nil, server) != server || Merge(server, nil) != server || Merge(nil, nil) != nil {
		t.Error("nothing is not nothing")
	}
	if len(server.Response) != 2 || len(location.Request) != 1 {
		t.Error("merging changes what is merged")
	}
}

func TestNothing(t *testing.T) {
	for _, rules := range []*Rules{nil, {}, {Expires: new(Expires)}} {
		e, err := rules.Compile()
		if e != nil || err != nil {
			t.Errorf("got %v, %v", e, err)
		}
		h := backend()
		if err := errors.Join(e.Early(client()), e.Request(client()), e.Response(client(), 200, h, false)); err != nil {
			t.Error(err)
		}
		if got := print(h, ""); got != print(backend(), "") {
			t.Errorf("got %s", got)
		}
	}
}

func TestLimits(t *testing.T) {
	slow := client()
	slow.Header.Set("X-E", strings.Repeat("a", 64)+"!")
	e := compile(t, mustRead(t, "RequestHeader edit X-E ^(?!x)(a+)+$ b"))
	if err := e.Request(slow); !errors.Is(err, regex.ErrLimit) {
		t.Errorf("got %v, want %v", err, regex.ErrLimit)
	}
	e = compile(t, mustRead(t, "Header set X-A 1 \"expr=%{HTTP:X-E} =~ /^(?!x)(a+)+$/\""))
	if err := e.Response(slow, 200, make(http.Header), false); !errors.Is(err, regex.ErrLimit) {
		t.Errorf("got %v, want %v", err, regex.ErrLimit)
	}
	for _, action := range []string{"edit", "edit*"} {
		long := client()
		long.Header.Set("X-E", strings.Repeat("a", 1000))
		e = compile(t, mustRead(t, "RequestHeader "+action+" X-E .* "+strings.Repeat("$0", 100)))
		if err := e.Request(long); !errors.Is(err, errTooLong) {
			t.Errorf("%s: got %v, want %v", action, err, errTooLong)
		}
	}
}

// TestErrors are configurations with which httpd does not start, or answers 500 to
// every request.
func TestErrors(t *testing.T) {
	for text, want := range map[string]string{
		"Header set":                               "for example",
		"Header set X":                             "needs a value",
		"Header always set":                        "name of a field",
		"Header unset X y":                         `"y" is no condition`,
		"Header set X y z":                         "quotation marks",
		"Header set X y env=z more":                "one argument too many",
		"Header set X y early env=x":               "one argument too many",
		"Header foo X y":                           `"foo" is no action`,
		`Header set "X Y" z`:                       "not the name of a field",
		`Header set "" y`:                          "not the name of a field",
		"Header set :x y":                          "not the name of a field",
		"Header edit X (":                          "what to put in the place",
		"Header edit X ( y":                        `"("`,
		"Header echo (":                            `"("`,
		"Header note X":                            "name of a note",
		"RequestHeader echo X":                     "for Header only",
		"RequestHeader always set X y":             `"always" is no action`,
		"Header set X %q":                          "%q stands for nothing",
		"Header set X %{FOO}":                      "does not end",
		"Header set X %{FOO":                       "does not end",
		"Header set X y env=":                      "name of a variable",
		"Header set X y env=!":                     "name of a variable",
		"Header set X y expr=bad(":                 "condition",
		"Header set X expr=%{NOPE}":                "NOPE",
		`Header set X "a\nX-Inj: 1"`:               "line break",
		`RequestHeader edit X a "b\r"`:             "line break",
		"ExpiresActive maybe":                      "On or Off",
		"ExpiresDefault access plus 1 d":           "too many",
		`ExpiresDefault ""`:                        "empty",
		`ExpiresDefault " "`:                       "empty",
		`ExpiresDefault "access plus 1"`:           "unit is missing",
		`ExpiresDefault "access plus x days"`:      "no number",
		`ExpiresDefault foo`:                       "instead of access",
		`ExpiresDefault "access plus 1 fortnight"`: "no unit",
		`ExpiresByType html A1`:                    "type of content",
		`ExpiresByType text/html`:                  "for example",
	} {
		_, err := read(t, new(directive.Context), text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %q", text, err, want)
		}
	}
}

func TestWarnings(t *testing.T) {
	for text, want := range map[string]string{
		"Header note X n":                     "no effect",
		"Header append Content-Type x":        "no effect",
		"RequestHeader append Content-Type x": "",
		"RequestHeader set X y early":         "in a section",
		`Header set X "%i"`:                   "worker",
		`Header set X "%%i"`:                  "",
		`ExpiresDefault "Access plus 1 day"`:  "0 seconds",
		`ExpiresDefault A0`:                   "",
	} {
		var got []string
		ctx := &directive.Context{Place: directive.Location, Warn: func(p syntax.Problem) { got = append(got, p.String()) }}
		if _, err := read(t, ctx, text); err != nil {
			t.Fatal(err)
		}
		all := strings.Join(got, "\n")
		if (want == "") != (all == "") || !strings.Contains(all, want) {
			t.Errorf("%s: got %q, want %q", text, all, want)
		}
	}
	// Not known at that time, and not for another place either.
	rules, err := read(t, &directive.Context{Place: directive.Location}, "RequestHeader set X y early")
	if err != nil || len(rules.Request) != 0 {
		t.Errorf("got %v, %v", rules, err)
	}
}

// TestPrinted is about how the rules look in a configuration of Caddy's.
func TestPrinted(t *testing.T) {
	got, err := json.Marshal(mustRead(t, "RequestHeader set X-Real-IP %{REMOTE_ADDR}s\nHeader Always Edit* Set-Cookie ^(.*)$ \"$1; Secure\" env=HTTPS\n"+
		"ExpiresActive On\nExpiresByType image/* \"access plus 1 month\""))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"request":[{"line":"site.conf:1","action":"set","name":"X-Real-IP","value":"%{REMOTE_ADDR}s"}],` +
		`"response":[{"line":"site.conf:2","always":true,"action":"edit*","name":"Set-Cookie","pattern":"^(.*)$","value":"$1; Secure","condition":"env=HTTPS"}],` +
		`"expires":{"active":true,"by_type":[{"line":"site.conf:4","type":"image/*","period":"access plus 1 month"}]}}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, rules := range []*Rules{
		{Request: []Rule{{Line: "x.conf:7", Action: "edit", Name: "A", Pattern: "("}}},
		{Response: []Rule{{Line: "x.conf:7", Action: "set", Name: "A", Value: "%q"}}},
		{Expires: &Expires{Active: new(true), ByType: []Expiry{{Line: "x.conf:7", Period: "x"}}}},
		{Expires: &Expires{Active: new(true), Default: &Expiry{Line: "x.conf:7"}}},
	} {
		if _, err := rules.Compile(); err == nil || !strings.Contains(err.Error(), "x.conf:7") {
			t.Errorf("got %v, want an error that names the line", err)
		}
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package logformat

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// line is what an encoder writes of a request.
func line(t *testing.T, format string, change func(*http.Request)) string {
	t.Helper()
	enc := &Encoder{Template: format}
	if err := enc.Provision(caddy.Context{}); err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest("GET", "/a%20b?q=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Proto, r.Host, r.RemoteAddr, r.RequestURI = "HTTP/1.1", "chat.example.com:8080", "192.0.2.7:1234", "/a%20b?q=1"
	r.Header.Set("User-Agent", "test")
	change(r)
	clone := enc.Clone()
	zap.Object("request", caddyhttp.LoggableHTTPRequest{Request: r}).AddTo(clone)
	entry := zapcore.Entry{Time: time.Date(2026, 11, 25, 20, 0, 1, 0, time.FixedZone("", 3600))}
	buf, err := clone.EncodeEntry(entry, []zapcore.Field{
		zap.Int("status", 200), zap.Int("size", 42), zap.Int("bytes_read", 7), zap.Duration("duration", 1500*time.Millisecond), zap.String("user_id", "u"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(buf.String(), "\n")
}

func TestFormats(t *testing.T) {
	for _, tc := range []struct{ format, want string }{
		{Common, `192.0.2.7 - u [25/Nov/2026:19:59:59 +0100] "GET /a%20b?q=1 HTTP/1.1" 200 42`},
		{known["combined"], `192.0.2.7 - u [25/Nov/2026:19:59:59 +0100] "GET /a%20b?q=1 HTTP/1.1" 200 42 "-" "test"`},
		{`%m %U%q %H %v %p %D %T %{ms}T %B %I %%`, `GET /a%20b?q=1 HTTP/1.1 chat.example.com 8080 1500000 1 1500 42 7 %`},
		{`%{%Y-%m-%d %H:%M:%S}t %{sec}t`, `2026-11-25 19:59:59 1795633199`},
		{`%404,500{User-Agent}i %!404{User-Agent}i`, `- test`},
		{`%{Cookie}n %X`, `- -`},
		{`a\tb %a %{c}a`, "a\tb 192.0.2.7 192.0.2.7"},
	} {
		if got := line(t, tc.format, func(*http.Request) {}); got != tc.want {
			t.Errorf("%s\n got %s\nwant %s", tc.format, got, tc.want)
		}
	}
}

// TestInjection is what a client may write into a log: neither a line nor the end
// of a quotation.
func TestInjection(t *testing.T) {
	got := line(t, `"%{User-Agent}i" "%r"`, func(r *http.Request) {
		r.Header["User-Agent"] = []string{"a\"\r\n10.0.0.1 - - \x1b[31m\xff"}
		r.RequestURI = "/\"\n"
	})
	if want := `"a\"\r\n10.0.0.1 - - \x1b[31m\xff" "GET /\"\n HTTP/1.1"`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestOtherEntries(t *testing.T) {
	enc := new(Encoder)
	if err := enc.Provision(caddy.Context{}); err != nil {
		t.Fatal(err)
	}
	buf, err := enc.EncodeEntry(zapcore.Entry{Message: "hello\nworld", Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}, nil)
	if want := `[02/Jan/2026:03:04:05 +0000] hello\nworld` + "\n"; err != nil || buf.String() != want {
		t.Errorf("got %q, %v, want %q", buf.String(), err, want)
	}
}

// read takes the directives of a text.
func read(t *testing.T, text string) (rs *Rules, warnings []string, err error) {
	t.Helper()
	c, err := syntax.Parse("/etc/apache2/site.conf", []byte(text), syntax.Options{})
	if err != nil {
		t.Fatal(err)
	}
	rs = new(Rules)
	ctx := &directive.Context{ServerRoot: "/etc/apache2", Warn: func(p syntax.Problem) { warnings = append(warnings, p.Message) }}
	for _, n := range c.Nodes {
		if err := rs.Directive(ctx, n); err != nil {
			return rs, warnings, err
		}
	}
	return rs, warnings, nil
}

func TestDirectives(t *testing.T) {
	rs, warnings, err := read(t, `
LogFormat "%h %{Referer}i" short
LogFormat "%h only"
CustomLog /var/log/a.log short env=!quiet
CustomLog logs/b.log combined
CustomLog "|/usr/bin/rotatelogs x" combined
TransferLog /var/log/c.log
ErrorLog /var/log/e.log
LogLevel info ssl:warn`)
	if err != nil {
		t.Fatal(err)
	}
	want := []Log{
		{"/var/log/a.log", "%h %{Referer}i", "env=!quiet", "site.conf:4"},
		{"/etc/apache2/logs/b.log", known["combined"], "", "site.conf:5"},
		{"/var/log/c.log", "%h only", "", "site.conf:7"},
	}
	got := rs.Access()
	if len(got) != len(want) {
		t.Fatalf("got %v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %+v, want %+v", got[i], want[i])
		}
	}
	if rs.ErrorFile() != "/var/log/e.log" || rs.Level() != "INFO" {
		t.Errorf("got %q and %q", rs.ErrorFile(), rs.Level())
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "no program is run") {
		t.Errorf("warnings: %q", warnings)
	}

	own, _, err := read(t, "ErrorLog /own.log")
	if err != nil {
		t.Fatal(err)
	}
	if merged := Merge(rs, own); merged.ErrorFile() != "/own.log" || len(merged.Access()) != 3 || merged.Level() != "INFO" {
		t.Errorf("merged: %+v", merged)
	}
}

func TestDirectiveErrors(t *testing.T) {
	for text, want := range map[string]string{
		"CustomLog /a.log":                "needs more",
		"CustomLog /a.log combined quiet": "a condition is",
		`LogFormat "%{x" y`:               "without its }",
		`LogFormat "a %" y`:               "without a letter",
		"LogLevel loud":                   "there are emerg",
		`CustomLog /a.log "%h %{Referer"`: "without its }",
		"TransferLog /a.log combined":     "too many",
		"ErrorLog":                        "needs more",
	} {
		if _, _, err := read(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func FuzzCompile(f *testing.F) {
	for _, format := range known {
		f.Add(format)
	}
	f.Add(`%!200,304{User-agent}i %>s %<s %^ti %{%Y}t %99999999999999999999s`)
	f.Fuzz(func(t *testing.T, format string) {
		parts, _, err := compile(format)
		if err != nil {
			return
		}
		var b strings.Builder
		for _, write := range parts {
			write(&b, &entry{})
		}
	})
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package logformat

import (
	"bytes"
	"crypto/tls"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// exchange is what Caddy would log.
type exchange struct {
	*http.Request
	answer       http.Header
	status, size int
	user         string
	credentials  bool
}

func newExchange() *exchange {
	return &exchange{
		Request: &http.Request{
			Method: "GET", RequestURI: "/a%20b/../p/c%3Fd?q=1%20x", Proto: "HTTP/1.1", Host: "Chat.Test.:8080", RemoteAddr: "192.0.2.7:1234",
			Header: http.Header{"X-A": {"1", "2"}, "X-E": {""}, "Cookie": {`c1="a b"; c2=x=y; c3; C1=2`}, "User-Agent": {"test"}},
		},
		answer: http.Header{"X-A": {"be1", "be2"}, "Content-Type": {"text/plain; charset=utf-8"}, "Set-Cookie": {"c1", "c2"}},
		status: 200, size: 42,
	}
}

// line is what the encoder writes of an exchange that was at its end at 20:00:01.
func line(t *testing.T, enc *Encoder, x *exchange) string {
	t.Helper()
	if err := enc.Provision(caddy.Context{}); err != nil {
		t.Fatal(err)
	}
	logger := enc.Clone() // as a logger that has the request already
	zap.Object("request", caddyhttp.LoggableHTTPRequest{Request: x.Request, ShouldLogCredentials: x.credentials}).AddTo(logger)
	buf, err := logger.EncodeEntry(zapcore.Entry{Time: time.Date(2026, 11, 25, 20, 0, 1, 2345678, time.FixedZone("CET", 3600))}, []zapcore.Field{
		zap.Int("bytes_read", 7), zap.String("user_id", x.user), zap.Duration("duration", 1500*time.Millisecond),
		zap.Int("size", x.size), zap.Int("status", x.status),
		zap.Object("resp_headers", caddyhttp.LoggableHTTPHeader{Header: x.answer, ShouldLogCredentials: x.credentials}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(enc.Fields) > 0 {
		t.Error("the fields of a request stay in the encoder")
	}
	return strings.TrimSuffix(buf.String(), "\n")
}

// TestFormats has what httpd 2.4.71 wrote of such requests, apart from numbers and
// unless a row says otherwise.
func TestFormats(t *testing.T) {
	pid := strconv.Itoa(os.Getpid())
	for _, tt := range []struct{ format, want string }{
		{"", `192.0.2.7 - - [25/Nov/2026:19:59:59 +0100] "GET /a%20b/../p/c%3Fd?q=1%20x HTTP/1.1" 200 42`},
		{known["combined"], `192.0.2.7 - - [25/Nov/2026:19:59:59 +0100] "GET /a%20b/../p/c%3Fd?q=1%20x HTTP/1.1" 200 42 "-" "test"`},
		{known["vhost_combined"], `chat.test:8080 192.0.2.7 - - [25/Nov/2026:19:59:59 +0100] "GET /a%20b/../p/c%3Fd?q=1%20x HTTP/1.1" 200 42 "-" "test"`},
		{`%% %m %U %q %H %s %<s %u %l %b %B`, `% GET /p/c?d ?q=1%20x HTTP/1.1 200 200 - - 42 42`},
		{`%a %{c}a %h %{c}h %V %p %{CANONICAL}p %{remote}p %{nope}p`, `192.0.2.7 192.0.2.7 192.0.2.7 192.0.2.7 chat.test 8080 8080 1234 nope`},
		{`%D %T %{s}T %{MS}T %{us}T %{bad}T`, `1500000 1 1 1500 1500000 bad`},
		{`%P %{pid}P %{bad}P`, pid + " " + pid + " bad"},
		// Caddy does not count the header.
		{`%I %O %S`, `7 42 49`},

		{`%{X-A}i "%{X-E}i" "%{X-N}i" %{host}i %{User-agent}i`, `1, 2 "" "-" Chat.Test.:8080 test`},
		{`%{x-a}o %{content-type}o %{X-N}o`, `be1 text/plain -`},
		{`%{x}>s %{SSL_PROTOCOL}x %{SSL_CIPHER}x %{version}c`, `200 - - -`},

		{`%404,200{X-A}i %!404{X-A}i %!200{X-A}i %{X-A}404i %{X-A}200i %,,200,!404{X-A}i %!!200{X-A}i %999999999999999999999s`, `1, 2 1, 2 - - 1, 2 - 1, 2 -`},
		{`a\tb\\c\qd\n2\r%{%Y\t}t\`, "a\tb\\c\\qd\n2\r2026\\t\\"},
		{`%{FOO}e %f %A %k %L %{x}n %R %X %{X-A}^ti %{X}^to %^FB %{local}p %{tid}P %{SSL_CLIENT_S_DN}x %{subjectdn}c`, `- - - - - - - - - - - - - - -`},
		{"", `192.0.2.7 - - [25/Nov/2026:19:59:59 +0100] "GET /a%20b/../p/c%3Fd?q=1%20x HTTP/1.1" 200 42`},
	} {
		if got := line(t, &Encoder{Template: tt.format}, newExchange()); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.format, got, tt.want)
		}
	}
}

// TestRequests has what httpd 2.4.71 wrote of these, unless a row says otherwise.
func TestRequests(t *testing.T) {
	for _, tt := range []struct {
		name, format, want string
		change             func(*exchange)
	}{
		{"user", "%u", `u\"`, func(x *exchange) { x.user = `u"` }},
		{"no content", "%b %B", "- 0", func(x *exchange) { x.size = 0 }},
		{"status", "%>s %404{X-N}i", "404 -", func(x *exchange) { x.status = 404 }},
		{"no query", "%U%q", "/x", func(x *exchange) { x.RequestURI = "/x" }},
		{"empty query", "%U%q", "/nofile?", func(x *exchange) { x.RequestURI = "/nofile?" }},
		{"absolute", "%r %U%q", "GET http://ABS.test:81/s//x?q HTTP/1.1 /s/x?q", func(x *exchange) { x.RequestURI = "http://ABS.test:81/s//x?q" }},
		{"absolute, no path", "%U", "/", func(x *exchange) { x.RequestURI = "http://abs.test" }},
		{"encoded slash", "%U", "/a/b", func(x *exchange) { x.RequestURI = "/a%2Fb" }},
		{"malformed", "%U", "/%zz", func(x *exchange) { x.RequestURI = "/%zz" }},
		{"asterisk", "%r %U", "OPTIONS * HTTP/1.1 *", func(x *exchange) { x.Method, x.RequestURI = "OPTIONS", "*" }},

		{"v6", "%V", "::1", func(x *exchange) { x.Host = "[::1]:8080" }},
		{"v6 without port", "%V", "::1", func(x *exchange) { x.Host = "[::1]" }},
		{"no host", "%V %v %p %{Host}i", "  80 -", func(x *exchange) { x.Host = "" }},
		{"no port", "%v:%p", "a.test:80", func(x *exchange) { x.Host = "a.test" }},
		{"TLS", "%v:%p %{SSL_PROTOCOL}x %{SSL_CIPHER}x %{ssl_tls_sni}x %{version}c %{cipher}c %{SSL_SESSION_RESUMED}x",
			"a.test:443 TLSv1.3 TLS_AES_128_GCM_SHA256 sni.test TLSv1.3 TLS_AES_128_GCM_SHA256 Initial", func(x *exchange) {
				x.Host = "a.test"
				x.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, CipherSuite: tls.TLS_AES_128_GCM_SHA256, ServerName: "sni.test"}
			}},
		// httpd's own is at most 2.
		{"WebSocket over HTTP/2", `"%r" %m`, `"GET /p/c?d HTTP/2.0" GET`, func(x *exchange) { x.Method, x.RequestURI, x.Proto = "CONNECT", "/p/c?d", "HTTP/2.0" }},
		{"WebSocket over HTTP/3", `"%r" %H`, `"GET /p HTTP/3.0" HTTP/3.0`, func(x *exchange) { x.Method, x.RequestURI, x.Proto = "CONNECT", "/p", "websocket" }},
		{"CONNECT", `"%r"`, `"CONNECT h:1 HTTP/1.1"`, func(x *exchange) { x.Method, x.RequestURI = "CONNECT", "h:1" }},

		{"cookies", `%{Cookie}i %{c1}C %{Set-Cookie}o %{Authorization}i`, "REDACTED - REDACTED -", func(*exchange) {}},
		{"cookies, shown", `%{c1}C %{c2}C %{c3}C %{c4}C %{Set-Cookie}o`, `\"a b\" x=y - - c1, c2`, func(x *exchange) { x.credentials = true }},

		{"escapes", "%U", `/a\b\v\x01\x7f\"\\\t\r\n\xc3\xa9/b\x0c`, func(x *exchange) { x.RequestURI = "/a%08%0b%01%7f%22%5c%09%0d%0a%c3%a9/b%0c" }},
		{"escapes in lines", `%r|%q`, `GET /x?%22\"\\ HTTP/1.1|?%22\"\\`, func(x *exchange) { x.RequestURI = `/x?%22"\` }},
		// Go's server lets none of these in, whatever else might.
		{"injection", `"%{User-Agent}i" "%r" "%V" "%H" "%m"`, `"a\"\r\n10.0.0.1 - - \x1b[31m\xff" "G\n /\"\n H\n" "h\n" "H\n" "G\n"`, func(x *exchange) {
			x.Header["User-Agent"] = []string{"a\"\r\n10.0.0.1 - - \x1b[31m\xff"}
			x.Method, x.RequestURI, x.Proto, x.Host = "G\n", "/\"\n", "H\n", "h\n"
		}},
	} {
		x := newExchange()
		tt.change(x)
		if got := line(t, &Encoder{Template: tt.format}, x); got != tt.want {
			t.Errorf("%s: %s\n got %s\nwant %s", tt.name, tt.format, got, tt.want)
		}
	}
}

// TestServer is about what the virtual host says of itself.
func TestServer(t *testing.T) {
	enc := &Encoder{Template: "%v %V %p", ServerName: "V.test", ServerPort: "99"}
	if got, want := line(t, enc, newExchange()), "V.test chat.test 99"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	x := newExchange()
	x.Host = ""
	if got, want := line(t, enc, x), "V.test V.test 99"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestOtherEntries(t *testing.T) {
	enc := new(Encoder)
	if err := enc.Provision(caddy.Context{}); err != nil {
		t.Fatal(err)
	}
	buf, err := enc.EncodeEntry(zapcore.Entry{Message: "hello\nworld", Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}, []zapcore.Field{zap.Int("n", 1)})
	if want := `[02/Jan/2026:03:04:05 +0000] hello\nworld` + "\n"; err != nil || buf.String() != want {
		t.Errorf("got %q, %v, want %q", buf.String(), err, want)
	}
	if err := (&Encoder{Template: "%Q"}).Provision(caddy.Context{}); err == nil || !strings.Contains(err.Error(), "template") {
		t.Errorf("got %v", err)
	}
}

// FuzzLine holds any format and any request to one line.
func FuzzLine(f *testing.F) {
	for _, format := range known {
		f.Add(format, "/a?b", "host:80", "agent")
	}
	f.Add(`%!200,304{User-agent}i %>s %<s %^ti %{%Y}t %99999999999999999999s %q`, "http://a", "[::1", "\"\n")
	f.Add(`%{end:%Q%`, "*", "", "\\")
	f.Fuzz(func(t *testing.T, format, uri, host, agent string) {
		enc := &Encoder{Template: format}
		if strings.ContainsAny(format, "\n\\") || strings.Contains(format, "%n") || enc.Provision(caddy.Context{}) != nil {
			return // a line break of one's own is one
		}
		x := newExchange()
		x.RequestURI, x.Host, x.Header = uri, host, http.Header{"User-Agent": {agent}}
		fields := []zapcore.Field{zap.Object("request", caddyhttp.LoggableHTTPRequest{Request: x.Request})}
		buf, err := enc.EncodeEntry(zapcore.Entry{Time: time.Unix(0, 0)}, fields)
		if err != nil || bytes.IndexByte(buf.Bytes(), '\n') != buf.Len()-1 {
			t.Errorf("got %q, %v", buf, err)
		}
	})
}

func BenchmarkEncodeEntry(b *testing.B) {
	enc := &Encoder{Template: known["combined"]}
	if err := enc.Provision(caddy.Context{}); err != nil {
		b.Fatal(err)
	}
	fields := []zapcore.Field{zap.Object("request", caddyhttp.LoggableHTTPRequest{Request: newExchange().Request}), zap.Int("status", 200)}
	b.ReportAllocs()
	for b.Loop() {
		buf, err := enc.EncodeEntry(zapcore.Entry{}, fields)
		if err != nil {
			b.Fatal(err)
		}
		buf.Free()
	}
}

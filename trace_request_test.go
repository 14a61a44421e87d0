// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func TestTraceBadRequest(t *testing.T) {
	for body, want := range map[string]string{
		``:                                               "EOF",
		`[]`:                                             "cannot unmarshal",
		`{}`:                                             "none of the schemes",
		`{"url": "ws://a/"} {}`:                          "there is more behind it",
		`{"url": "ws://a/", "body": {}}`:                 `unknown field "body"`,
		`{"url": "ftp://a/"}`:                            "none of the schemes ws, wss, http and https",
		`{"url": "ws://"}`:                               "needs a host",
		`{"url": "ws:a"}`:                                "needs a host",
		`{"url": "ws://bob@a/"}`:                         "nothing but a port beside it",
		`{"url": "ws://a b/"}`:                           "invalid character",
		`{"url": "ws://a:0/"}`:                           `port "0" is not a number`,
		`{"url": "ws://a:99999/"}`:                       `port "99999" is not a number`,
		`{"url": "ws://a/%zz"}`:                          "invalid URL escape",
		`{"url": "ws://a/\u001b[2J"}`:                    "invalid control character",
		`{"url": "ws://a/", "at": "now"}`:                `at "now" is not a time of RFC 3339`,
		`{"url": "ws://a/", "remote_ip": "a"}`:           `remote_ip "a" is not an IP address`,
		`{"url": "ws://a/", "protocol": "SPDY"}`:         `"SPDY" is none of HTTP/1.0, HTTP/1.1, HTTP/2, HTTP/2.0, HTTP/3, HTTP/3.0`,
		`{"url": "ws://a/", "method": "GET /"}`:          `method "GET /" is not a token`,
		`{"url": "ws://a/", "headers": {"a b": ""}}`:     `"a b" is not the name of a header field`,
		`{"url": "ws://a/", "headers": {"a": 1}}`:        "neither text nor a list of texts",
		`{"url": "ws://a/", "headers": {"a": ["\r\n"]}}`: "the header field a cannot have the value",
		`{"url": "ws://a/", "headers": {"host": ["a", "b"]}}`:       "the header field Host cannot be",
		`{"url": "ws://a/", "headers": {"host": "a b"}}`:            "the header field Host cannot be",
		`{"url": "ws://a/", "cookies": {"a b": "c"}}`:               `the cookie "a b"`,
		`{"url": "ws://a/", "headers": {"a": "` + bigText() + `"}}`: "too large",
	} {
		_, err := askTrace(t, http.MethodPost, body)
		if statusOfAPI(err) != http.StatusBadRequest || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: %v, want %q", body, err, want)
		}
	}
	if _, err := askTrace(t, http.MethodGet, ""); statusOfAPI(err) != http.StatusMethodNotAllowed {
		t.Errorf("GET: %v", err)
	}
}

func bigText() string { return strings.Repeat("a", maxTraceRequest) }

// A request reaches the matchers as the server would have handed it over.
func TestTraceHandshake(t *testing.T) {
	for _, tc := range []struct {
		body          string
		method, proto string
		websocket     bool
		fields        string // some of them, as Name=value
	}{
		{`{"url": "ws://a/"}`, "GET", "HTTP/1.1", true, "Upgrade=websocket Connection=Upgrade Sec-Websocket-Version=13 Sec-Websocket-Key=" + sampleKey},
		{`{"url": "wss://a/", "headers": {"connection": ["keep-alive", "upgrade"], "sec-websocket-key": "mine"}}`, "GET", "HTTP/1.1", true, "Connection=keep-alive,upgrade Sec-Websocket-Key=mine"},
		{`{"url": "https://a/", "headers": {"Upgrade": "websocket"}}`, "GET", "HTTP/1.1", false, "Connection= Sec-Websocket-Version= Sec-Websocket-Key=" + sampleKey},
		{`{"url": "https://a/", "method": "POST"}`, "POST", "HTTP/1.1", false, "Upgrade= Sec-Websocket-Key="},
		{`{"url": "wss://a/", "protocol": "HTTP/2"}`, "CONNECT", "HTTP/2.0", true, "Upgrade= Connection= Sec-Websocket-Version=13 Sec-Websocket-Key="},
		{`{"url": "https://a/", "protocol": "HTTP/2", "headers": {"Upgrade": "websocket", "Connection": "Upgrade"}}`, "CONNECT", "HTTP/2.0", true, ""},
		{`{"url": "https://a/", "protocol": "HTTP/2.0"}`, "GET", "HTTP/2.0", false, ""},
		{`{"url": "wss://a/", "protocol": "HTTP/3"}`, "CONNECT", "websocket", true, "Upgrade="},
		{`{"url": "ws://a/", "headers": {"Host": "b"}, "cookies": {"a": "b", "c": "d"}}`, "GET", "HTTP/1.1", true, "Host= Cookie=a=b;c=d"},
	} {
		q, err := readTraceRequest(strings.NewReader(tc.body))
		if err != nil {
			t.Errorf("%s: %v", tc.body, err)
			continue
		}
		r := q.request(new(caddyhttp.Server), new(net.TCPAddr))
		if r.Method != tc.method || r.Proto != tc.proto || isWebSocket(r) != tc.websocket || (r.TLS != nil) != q.secure {
			t.Errorf("%s: %s %s, a WebSocket: %t", tc.body, r.Method, r.Proto, isWebSocket(r))
		}
		for _, field := range strings.Fields(tc.fields) {
			name, want, _ := strings.Cut(field, "=")
			if got := strings.ReplaceAll(strings.Join(r.Header[name], ","), " ", ""); got != want {
				t.Errorf("%s: %s is %q, want %q", tc.body, name, got, want)
			}
		}
	}
}

// FuzzTraceRequest: whatever is asked, there is a reason against it or a request
// that a server could have handed over.
func FuzzTraceRequest(f *testing.F) {
	for _, seed := range []string{
		`{"url": "wss://site.test:8443/a?b=c", "headers": {"Origin": ["https://a", "b"]}, "remote_ip": "::1", "at": "2026-11-22T20:00+09:00"}`,
		`{"url": "https://[::1]", "protocol": "HTTP/2", "headers": {"upgrade": "WebSocket", "connection": "a, upgrade"}, "cookies": {"a": "b"}}`,
		`{"url": "http://a/%2f//?#x", "method": "M", "protocol": "HTTP/3", "skip_response": true, "headers": {"host": "b:1", "x_y": ""}}`,
		`{"url": "ws:///"}`, `[`, ``,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		q, err := readTraceRequest(strings.NewReader(body))
		if err != nil {
			if err.Error() == "" {
				t.Error("no reason is given")
			}
			return
		}
		r := q.request(new(caddyhttp.Server), new(net.TCPAddr))
		if r.URL.RequestURI() != r.RequestURI || r.Host == "" || r.Header["Host"] != nil || r.URL.Host != "" {
			t.Errorf("%q: %q of %q, %v", body, r.RequestURI, r.Host, r.URL)
		}
		if strings.HasPrefix(q.url.Scheme, "ws") && q.Headers == nil && (q.major > 1 || q.minor == 1) && !isWebSocket(r) {
			t.Errorf("%q asks for no WebSocket", body)
		}
	})
}

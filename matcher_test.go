// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// upgradeRequest is a WebSocket handshake over HTTP/1.1, with further header lines
// as name, value, name, value.
func upgradeRequest(t *testing.T, header ...string) *http.Request {
	t.Helper()
	return matcherRequest(t, append([]string{"Connection", "Upgrade", "Upgrade", "websocket"}, header...)...)
}

func matcherRequest(t *testing.T, header ...string) *http.Request {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "http://example.com/chat", nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	repl := caddyhttp.NewTestReplacer(r)
	ctx := context.WithValue(r.Context(), caddy.ReplacerCtxKey, repl)
	return r.WithContext(context.WithValue(ctx, caddyhttp.VarsCtxKey, map[string]any{}))
}

func provisionedMatcher[M caddy.Provisioner](t *testing.T, m M) M {
	t.Helper()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	t.Cleanup(cancel)
	if err := m.Provision(ctx); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestIsWebSocketHTTP1(t *testing.T) {
	for _, tc := range []struct {
		name   string
		header []string
		want   bool
	}{
		{"plain", []string{"Connection", "Upgrade", "Upgrade", "websocket"}, true},
		{"Firefox", []string{"Connection", "keep-alive, Upgrade", "Upgrade", "websocket"}, true},
		{"Apache", []string{"Connection", "upgrade", "Upgrade", "WebSocket"}, true},
		{"capitals", []string{"Connection", "UPGRADE", "Upgrade", "WEBSOCKET"}, true},
		{"several lines", []string{"Connection", "keep-alive", "Connection", "upgrade", "Upgrade", "h2c", "Upgrade", "websocket"}, true},
		{"several tokens", []string{"Connection", "close ,\tUpgrade", "Upgrade", "h2c, , websocket ,"}, true},
		{"duplicate lines", []string{"Connection", "Upgrade", "Connection", "Upgrade", "Upgrade", "websocket", "Upgrade", "websocket"}, true},
		{"nothing", nil, false},
		{"no Connection", []string{"Upgrade", "websocket"}, false},
		{"no Upgrade", []string{"Connection", "upgrade"}, false},
		{"Connection without the token", []string{"Connection", "keep-alive", "Upgrade", "websocket"}, false},
		{"Connection names the header", []string{"Connection", "websocket", "Upgrade", "websocket"}, false},
		{"longer tokens", []string{"Connection", "upgrades", "Upgrade", "websocket"}, false},
		{"another protocol", []string{"Connection", "Upgrade", "Upgrade", "h2c"}, false},
		{"a protocol that begins so", []string{"Connection", "Upgrade", "Upgrade", "websocket2"}, false},
		{"with a version, which RFC 6455 does not have", []string{"Connection", "Upgrade", "Upgrade", "websocket/13"}, false},
		{"empty values", []string{"Connection", "", "Upgrade", ""}, false},
		{"garbage", []string{"Connection", ",;\x00\xff", "Upgrade", "\"websocket\""}, false},
		{"the Kelvin sign is no k", []string{"Connection", "Upgrade", "Upgrade", "websoc\u212Aet"}, false},
		{"pseudo-header of HTTP/2", []string{":protocol", "websocket"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := matcherRequest(t, tc.header...)
			if got := isWebSocket(r); got != tc.want {
				t.Errorf("HTTP/1.1: %t, want %t", got, tc.want)
			}
			r.Method = http.MethodPost
			if got := isWebSocket(r); got != tc.want {
				t.Errorf("POST: %t, want %t: refusing the method is the handler's business", got, tc.want)
			}
			for _, version := range [][2]int{{0, 9}, {1, 0}, {2, 0}, {3, 0}, {4, 0}} {
				r.ProtoMajor, r.ProtoMinor = version[0], version[1]
				if isWebSocket(r) {
					t.Errorf("HTTP/%d.%d: matched", version[0], version[1])
				}
			}
		})
	}
	if isWebSocket(&http.Request{ProtoMajor: 1, ProtoMinor: 1}) {
		t.Error("matched a request without header map")
	}
}

func TestIsWebSocketExtendedConnect(t *testing.T) {
	for _, tc := range []struct {
		name     string
		major    int
		method   string
		protocol string // what the client sent as :protocol
		want     bool
	}{
		{"HTTP/2", 2, http.MethodConnect, "websocket", true},
		{"HTTP/2, any case", 2, http.MethodConnect, "WebSocket", true},
		{"HTTP/2, another protocol", 2, http.MethodConnect, "connect-udp", false},
		{"HTTP/2, ordinary CONNECT", 2, http.MethodConnect, "", false},
		{"HTTP/2, GET", 2, http.MethodGet, "websocket", false},
		{"HTTP/2, other letters", 2, http.MethodConnect, "web\u017Focket", false},
		{"HTTP/3", 3, http.MethodConnect, "websocket", true},
		{"HTTP/3, any case", 3, http.MethodConnect, "WEBSOCKET", true},
		{"HTTP/3, another protocol", 3, http.MethodConnect, "connect-ip", false},
		{"HTTP/3, ordinary CONNECT", 3, http.MethodConnect, "", false},
		{"HTTP/3, GET", 3, http.MethodGet, "websocket", false},
		{"HTTP/1.1", 1, http.MethodConnect, "websocket", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := &http.Request{Method: tc.method, Proto: "HTTP/2.0", ProtoMajor: tc.major, ProtoMinor: 1 / tc.major, Header: http.Header{}}
			switch {
			case tc.major == 3 && tc.protocol == "":
				r.Proto = "HTTP/3.0"
			case tc.major == 3: // as quic-go does
				r.Proto = tc.protocol
			case tc.protocol != "": // as net/http does
				r.Header.Set(":protocol", tc.protocol)
			}
			if got := isWebSocket(r); got != tc.want {
				t.Errorf("got %t, want %t", got, tc.want)
			}
		})
	}
}

func TestMatchWebSocketOrigin(t *testing.T) {
	for _, tc := range []struct {
		allowed string // values, separated by spaces
		match   string // origins, separated by spaces; - is no header
		refuse  string
	}{
		{
			"https://example.com",
			"https://example.com https://example.com:443 HTTPS://Example.COM",
			"- null http://example.com https://example.com:8443 https://example.com.evil.test https://evilexample.com " +
				"https://a.example.com https://example.com/ https://example.com. https://user@example.com https://example.com:https " +
				"example.com //example.com https:example.com https:// ://example.com https://example.com,https://example.com",
		},
		{"HTTPS://EXAMPLE.com:443", "https://example.com https://example.com:443", "https://example.com:80 http://example.com:443"},
		{"http://localhost:3000", "http://localhost:3000", "http://localhost https://localhost:3000"},
		{"http://localhost:*", "http://localhost http://localhost:3000", "https://localhost:3000 http://localhost:x"},
		{"example.com", "https://example.com http://example.com:81 capacitor://example.com", "- https://www.example.com null"},
		{"example.com:*", "https://example.com http://example.com:81", "https://www.example.com"},
		{"example.com:443", "https://example.com http://example.com:443", "http://example.com https://example.com:8443"},
		{
			"*.example.org",
			"https://a.example.org http://B.EXAMPLE.ORG:8080",
			"https://example.org https://a.b.example.org https://.example.org https://aexample.org https://a.example.org.evil.test",
		},
		{"*.*.example.org", "https://a.b.example.org", "https://a.example.org https://a.b.c.example.org"},
		{"https://*.example.org:8443", "https://a.example.org:8443", "https://a.example.org http://a.example.org:8443"},
		{"api.*.example.org", "https://api.eu.example.org", "https://www.eu.example.org"},
		{"http://[::1]:3000", "http://[::1]:3000", "http://[::1] http://[::2]:3000 http://::1:3000"},
		{"[2001:db8::1]", "https://[2001:DB8::1]:8443", "https://[2001:db8::2]"},
		{"chrome-extension://abcdefgh", "chrome-extension://abcdefgh", "https://abcdefgh chrome-extension://other"},
		{"none", "-", "null https://example.com"},
		{"null", "null", "- NULL https://null"},
		{"http://null", "http://null", "null -"},
		{"same", "http://example.com https://example.com http://example.com:80 https://example.com:443",
			"- null http://example.com:8080 https://example.com:80 http://www.example.com capacitor://example.com"},
		{"none same *.example.org", "- https://example.com https://a.example.org", "null https://other.test"},
		{"xn--mnchen-3ya.example", "https://xn--mnchen-3ya.example", "https://münchen.example"},
		{"bank.example", "https://bank.example", "https://ban\u212A.example"},
		{"https://{http.request.host}", "https://example.com", "http://example.com https://other.test -"},
		{"{http.request.header.X-Allowed}", "https://from-header.test", "https://example.com -"},
		{"{http.request.header.X-Malformed} same", "https://example.com", "https://from-header.test"},
		{"{no.such.placeholder}", "", "https://example.com - null"},
	} {
		t.Run(tc.allowed, func(t *testing.T) {
			m := provisionedMatcher(t, &MatchWebSocket{Origin: strings.Fields(tc.allowed)})
			check := func(origins string, want bool) {
				for _, origin := range strings.Fields(origins) {
					r := upgradeRequest(t)
					if origin != "-" {
						r = upgradeRequest(t, "Origin", origin, "X-Allowed", "https://from-header.test", "X-Malformed", "https://x/y")
					}
					got, err := m.MatchWithError(r)
					if got != want || err != nil {
						t.Errorf("Origin %s: %t, %v; want %t", origin, got, err, want)
					}
				}
			}
			check(tc.match, true)
			check(tc.refuse, false)
		})
	}
}

func TestMatchWebSocketOriginTwice(t *testing.T) {
	m := provisionedMatcher(t, &MatchWebSocket{Origin: []string{"example.com", "same", "none"}})
	if m.Match(upgradeRequest(t, "Origin", "https://example.com", "Origin", "https://example.com")) {
		t.Error("matched a request with two Origin headers")
	}
	if m.Match(upgradeRequest(t, "Origin", "")) {
		t.Error("took an empty Origin header for none")
	}
}

func TestMatchWebSocketOriginSame(t *testing.T) {
	for _, tc := range []struct {
		host, origin string
		tls          bool
		want         bool
	}{
		{"example.com", "https://example.com", true, true},
		{"EXAMPLE.com", "https://example.COM", true, true},
		{"example.com:443", "https://example.com", true, true},
		{"example.com:443", "http://example.com", true, true},
		{"example.com:80", "https://example.com", false, true},
		{"example.com", "https://example.com", false, true}, // TLS ends in front of Caddy
		{"example.com:8443", "https://example.com:8443", true, true},
		{"example.com:8443", "https://example.com", true, false},
		{"example.com", "https://example.com:8443", true, false},
		{"example.com:443", "https://example.com", false, true},
		{"example.com:80", "https://example.com", true, false},
		{"[::1]:8080", "http://[::1]:8080", false, true},
		{"", "https://example.com", true, false},
		{"exa mple.com", "https://exa mple.com", true, false},
	} {
		m := provisionedMatcher(t, &MatchWebSocket{Origin: []string{"same"}})
		r := upgradeRequest(t, "Origin", tc.origin)
		r.Host = tc.host
		if tc.tls {
			r.TLS = new(tls.ConnectionState)
		}
		if got := m.Match(r); got != tc.want {
			t.Errorf("Host %q, TLS %t, Origin %s: %t, want %t", tc.host, tc.tls, tc.origin, got, tc.want)
		}
	}
}

func TestMatchWebSocketSubprotocol(t *testing.T) {
	wanted := []string{"mqtt", "graphql-transport-ws", "{http.request.header.X-Wanted}"}
	m := provisionedMatcher(t, &MatchWebSocket{Subprotocol: wanted})
	for _, tc := range []struct {
		name   string
		header []string
		want   bool
	}{
		{"one", []string{"Sec-WebSocket-Protocol", "mqtt"}, true},
		{"list", []string{"Sec-WebSocket-Protocol", "wamp,\tgraphql-transport-ws , x"}, true},
		{"second line", []string{"Sec-WebSocket-Protocol", "wamp", "Sec-WebSocket-Protocol", "mqtt"}, true},
		{"placeholder", []string{"Sec-WebSocket-Protocol", "soap", "X-Wanted", "soap"}, true},
		{"placeholder, not offered", []string{"Sec-WebSocket-Protocol", "soap", "X-Wanted", "wamp"}, false},
		{"empty placeholder", []string{"Sec-WebSocket-Protocol", ",,"}, false},
		{"other case", []string{"Sec-WebSocket-Protocol", "MQTT"}, false},
		{"longer", []string{"Sec-WebSocket-Protocol", "mqttv5"}, false},
		{"none", nil, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := m.Match(upgradeRequest(t, tc.header...)); got != tc.want {
				t.Errorf("got %t, want %t", got, tc.want)
			}
			if m.Match(matcherRequest(t, tc.header...)) {
				t.Error("matched a request that is no WebSocket")
			}
		})
	}
	if m.Subprotocol[2] != wanted[2] || !strings.HasPrefix(wanted[2], "{") {
		t.Error("replacing placeholders changed the config")
	}
}

func TestMatchWebSocketNeedsBothLists(t *testing.T) {
	m := provisionedMatcher(t, &MatchWebSocket{Origin: []string{"same"}, Subprotocol: []string{"mqtt"}})
	for _, tc := range []struct {
		origin, subprotocol string
		want                bool
	}{
		{"https://example.com", "mqtt", true},
		{"https://other.test", "mqtt", false},
		{"https://example.com", "wamp", false},
	} {
		if got := m.Match(upgradeRequest(t, "Origin", tc.origin, "Sec-WebSocket-Protocol", tc.subprotocol)); got != tc.want {
			t.Errorf("%s, %s: %t, want %t", tc.origin, tc.subprotocol, got, tc.want)
		}
	}
	// The matcher can run where Caddy's replacer is not in the context.
	m = provisionedMatcher(t, &MatchWebSocket{Origin: []string{"{http.request.host}"}})
	if m.Match(upgradeRequest(t, "Origin", "https://example.com").WithContext(t.Context())) {
		t.Error("matched a placeholder without a replacer")
	}
}

// webSocketConfigErrors are values that must not load, and what the error has to say.
var webSocketConfigErrors = []struct{ option, value, want string }{
	{"origin", "*", "leave origin out"},
	{"origin", "https://*", "leave origin out"},
	{"origin", "https://example.com/", `write "https://example.com"`},
	{"origin", "https://example.com:8443/chat?x", `write "https://example.com:8443"`},
	{"origin", "wss://example.com", "write https://example.com"},
	{"origin", "WS://example.com", "write http://example.com"},
	{"origin", ".example.org", `write "*.example.org"`},
	{"origin", "https://.example.org", `write "https://*.example.org"`},
	{"origin", "a*.example.org", "* stands for a whole one"},
	{"origin", "a..example.org", "labels must not be empty"},
	{"origin", "https://", "malformed"},
	{"origin", "://example.com", "not a scheme"},
	{"origin", "1http://example.com", "not a scheme"},
	{"origin", "example.com:port", "malformed"},
	{"origin", "example.com:65536", "malformed"},
	{"origin", "example.com:80:*", "malformed"},
	{"origin", "::1", "malformed"},
	{"origin", "[::1", "malformed"},
	{"origin", "user@example.com", "malformed"},
	{"origin", "a.test,b.test", "malformed"},
	{"origin", "", "malformed"},
	{"subprotocol", "a,b", "not a token"},
	{"subprotocol", "a b", "not a token"},
	{"subprotocol", "", "not a token"},
}

func TestMatchWebSocketConfigErrors(t *testing.T) {
	for _, tc := range webSocketConfigErrors {
		var m MatchWebSocket
		config, err := json.Marshal(map[string][]string{tc.option: {tc.value}})
		if err != nil {
			t.Fatal(err)
		}
		if err := caddy.StrictUnmarshalJSON(config, &m); err != nil {
			t.Fatal(err)
		}
		if err := m.Provision(caddy.Context{}); err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), tc.option) {
			t.Errorf("%s %q: error %v, want one with %q", tc.option, tc.value, err, tc.want)
		}
	}
}

func FuzzWebOrigin(f *testing.F) {
	for _, tc := range webSocketConfigErrors {
		f.Add(tc.value)
	}
	f.Add("https://[::1]:443")
	f.Add("{http.request.host}")
	f.Fuzz(func(t *testing.T, value string) {
		o, ok := parseWebOrigin(value)
		if !ok {
			return
		}
		// Whatever is an origin can be allowed as it is written, and then matches itself.
		p, err := newWebOriginPattern(o.scheme + "://" + o.host)
		if err != nil || p.template != "" || strings.Contains(o.host, "*") {
			return
		}
		p.port = o.port
		r := &http.Request{Header: http.Header{"Origin": {value}}}
		if !p.matches(r) {
			t.Errorf("%q does not match itself (%+v)", value, o)
		}
		r.Header.Set("Origin", o.scheme+"://evil.test")
		if o.host != "evil.test" && p.matches(r) {
			t.Errorf("%q matches evil.test", value)
		}
	})
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"errors"
	"strings"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/regex"
)

// TestProxyPass is what httpd 2.4.71 sent, and to whom: the lab cases named, and
// others that were measured in the same way. "!" is excluded, "-" is nothing.
func TestProxyPass(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, conf string
		want       map[string]string
	}{
		{"E2", `
			ProxyPass /ex !
			ProxyPass /ws ws://b.test:81/
			ProxyPass /ws2/ ws://b.test:81/base/
			ProxyPass /b http://b.test:81/bb
			ProxyPass / http://a.test:81/
			ProxyPass /late http://b.test:81/`,
			map[string]string{
				"/ex": "!", "/ex/1": "!", "/exx": "http://a.test:81/exx",
				"/ws": "ws://b.test:81/", "/ws/": "ws://b.test:81//", "/ws/x": "ws://b.test:81//x", "/wsx": "http://a.test:81/wsx",
				"/ws2": "http://a.test:81/ws2", "/ws2/": "ws://b.test:81/base/", "/ws2/x": "ws://b.test:81/base/x",
				"/b": "http://b.test:81/bb", "/b/": "http://b.test:81/bb/", "//b///c": "http://b.test:81/bb/c",
				"/late": "http://a.test:81/late", "/x?q=1": "http://a.test:81/x?q=1",
			}},
		{"E3a", `
			ProxyPass / http://a.test/
			<Location /ws>
			ProxyPass ws://b.test/w
			</Location>`,
			map[string]string{"/ws": "ws://b.test/w", "/ws/x": "ws://b.test/w/x", "/wsx": "http://a.test/wsx", "/": "http://a.test/"}},
		{"E3b", `
			<Location /ws>
			ProxyPass ws://b.test/w
			</Location>
			<Location />
			ProxyPass http://a.test/
			</Location>`,
			map[string]string{"/ws/x": "http://a.test/ws/x", "/y": "http://a.test/y"}},
		{"E3c", `
			<Location />
			ProxyPass http://a.test/
			</Location>
			<Location /ws/>
			ProxyPass ws://b.test/w/
			</Location>`,
			map[string]string{"/ws/x": "ws://b.test/w/x", "/ws": "http://a.test/ws", "/y": "http://a.test/y"}},
		{"E3d", `
			ProxyPass / http://a.test/
			<Location /no>
			ProxyPass !
			</Location>`,
			map[string]string{"/no/x": "!", "/yes": "http://a.test/yes"}},
		{"E3e", `
			<LocationMatch "^/(_websocket)">
			ProxyPassMatch ws://b.test/ timeout=1200
			</LocationMatch>
			<LocationMatch ^/wetty(.*)>
			ProxyPassMatch http://a.test
			</LocationMatch>
			<LocationMatch "/socket.io/.*">
			ProxyPass ws://c.test/socket.io/
			</LocationMatch>
			<LocationMatch "/j/(user/[^/]*)/(api/[^/]+/channels|ws)(.*)">
			ProxyPassMatch ws://b.test/j/$1/$2$3
			</LocationMatch>`,
			map[string]string{
				"/_websocket/n": "ws://b.test//_websocket/n", "/wetty/x": "http://a.test/wetty/x",
				"/socket.io/q?EIO=4":                  "ws://c.test/socket.io//socket.io/q?EIO=4",
				"/j/user/bob/api/k1/channels?s=1":     "ws://b.test/j/user/bob/api/k1/channels?s=1",
				"/j/user/bob/api/k1/channels/../../x": "-",
			}},
		{"E3f", `
			ProxyPassMatch "^/(sockjs/.*/websocket)$" "ws://b.test/$1"
			ProxyPassMatch "/cool/(.*)/ws$" ws://b.test/cool/$1/ws nocanon
			ProxyPassMatch \.gif$ http://c.test
			ProxyPassMatch ^/x/(.*)$ !
			ProxyPass / http://a.test/`,
			map[string]string{
				"/sockjs/1/2/websocket?a=b": "ws://b.test/sockjs/1/2/websocket?a=b",
				"/cool/a%2Fb/ws?x=%20":      "404", "/q/r.gif": "http://c.test/q/r.gif", "/x/1": "!", "/z": "http://a.test/z",
			}},
		{"E3g", `
			AllowEncodedSlashes NoDecode
			ProxyPassMatch "/cool/(.*)/ws$" ws://b.test/cool/$1/ws nocanon
			ProxyPass /n ws://b.test/n nocanon
			ProxyPass / http://a.test/`,
			map[string]string{
				"/cool/https%3A%2F%2Fh%2Ff/ws?a=%2F%20": "ws://b.test/cool/https:%2F%2Fh%2Ff/ws?a=%2F%20",
				"/cool/https%3A%2F%2Fh%2Ff/ws":          "ws://b.test/cool/https%3A%2F%2Fh%2Ff/ws",
				"/n/a%2fb%20c//d?x=%2f":                 "ws://b.test/n/a%2fb%20c//d?x=%2f",
				"/c/a%2fb%20c//d?x=%2f":                 "http://a.test/c/a%2fb%20c/d?x=%2f",
			}},
		{"E8b", `
			ProxyWebsocketFallbackToProxyHttp Off
			ProxyPass /ws ws://b.test/ws
			ProxyPass / http://a.test/`,
			map[string]string{"/ws/1": "http://a.test/ws/1"}},
		{"E30", `
			ProxyPass /a/ ws://127.0.0.1:19002
			ProxyPass /rx/\d*/[^/]*/ ws://c.test
			ProxyPass /h http://a.test/?x=1&y=
			ProxyPass "/" "ws://a.test:80"`,
			map[string]string{"/a/1": "400", "/rx/1/2/": "500", "/h/1?q=2": "http://a.test/%3Fx=1&y=/1?q=2", "/zz": "500"}},
		{"E32", `
			ProxyPass /u/ "unix:/run/u.sock|http://localhost/x/" upgrade=websocket
			ProxyPass /w/ unix:/run/u.sock|ws://uds.test/y/`,
			map[string]string{"/u/1": "/run/u.sock|http://localhost/x/1", "/w/1?q": "/run/u.sock|ws://uds.test/y/1?q"}},
		{"E37", `
			ProxyPass /6/ ws://[::1]:19001/
			ProxyPass /H/ WS://LOCALHOST:19002/
			ProxyPass /p/ ws://localhost:80/`,
			map[string]string{"/6/x": "ws://[::1]:19001/x", "/H/x": "ws://localhost:19002/x", "/p/x": "ws://localhost/x"}},
		{"E38", `
			ProxyPass /ws/ ws://b.test/w/
			ProxyPass / http://a.test/`,
			map[string]string{
				"/ws/../x": "http://a.test/x", "/ws/%2e%2e/x": "http://a.test/x", "/x/../ws/y": "ws://b.test/w/y",
				"/ws/a/./b": "ws://b.test/w/a/b", "/ws/%zz": "400", "/WS/x": "http://a.test/WS/x",
				"/ws/a+b%2Bc@d:e,f=g&h": "ws://b.test/w/a+b+c@d:e,f=g&h",
				"/ws/%E3%81%82":         "ws://b.test/w/%E3%81%82", "/ws/ü": "ws://b.test/w/%C3%BC",
				"/a%2541": "http://a.test/a%2541", "/a%5cb": "http://a.test/a%5Cb",
			}},
		{"what is in a Location that is a pattern", `
			ProxyPass / http://b.test/server/
			<Location /w*>
			ProxyPass http://a.test/star
			</Location>
			<LocationMatch ^/lm>
			ProxyPass http://a.test/lm
			</LocationMatch>
			<Location ~ "^/t(a|b)">
			ProxyPassMatch http://a.test/$1
			</Location>
			<LocationMatch "/plain">
			ProxyPass http://a.test/p
			</LocationMatch>
			<Location /pp>
			ProxyPassMatch http://a.test/q$0
			</Location>
			<Location /gone>
			ProxyPass !
			</Location>
			<Location /gone/not>
			ProxyPass http://a.test/
			</Location>`,
			map[string]string{
				"/wx": "http://a.test/star/wx", "/wx/y": "http://b.test/server/wx/y", "/lm": "http://b.test/server/lm",
				"/ta/1": "http://a.test/a", "/plain/x": "http://a.test/p/x", "/x/plain/y": "http://b.test/server/x/plain/y",
				"/pp/x": "http://a.test/q/pp", "/gone/1": "!", "/gone/not/x": "http://a.test//x",
			}},
		{"groups and backslashes", `
			ProxyPassMatch ^/x http://a.test
			ProxyPassMatch ^/y\.(.*)$ http://a.test/\$1/$1
			ProxyPass ~ ^/z(q)? http://a.test/z$1/$2`,
			map[string]string{"/xa/b": "http://a.test/xa/b", "/y.a": "http://a.test/$1/a", "/zq": "http://a.test/zq/", "/z": "http://a.test/z/", "/": "-"}},
		{"noquery does nothing, nocanon sends what came", `
			ProxyPass /n http://a.test/n noquery
			ProxyPass /c http://a.test/c nocanon`,
			map[string]string{
				"/n/1?q=1": "http://a.test/n/1?q=1", `/n/1?a"b`: `http://a.test/n/1?a"b`,
				"/c/1?q=1": "http://a.test/c/1?q=1", "/c/%01?%02": "http://a.test/c/%01?%02", "//c/x//y": "http://a.test/c/x/y", "/%63/x%20": "http://a.test/c/x%20",
			}},
		{"the host from the request", `
			ProxyPassMatch ^/v/([^/]+)/(.*) http://$1/$2`,
			map[string]string{
				"/v/H.test:81/a%20b?c=d": "http://h.test:81/a%20b?c=d", "/v/1234/x": "400", "/v/[::1]/x": "http://[::1]/x", "/v/[::1/x": "400",
				"/v/h:0/x": "400", "/v/h:99999/x": "400", "/v/:80/x": "400", "/v/%20/x": "500", "/v/u@h/x": "http://h/x", "/w": "-",
			}},
		{"NoDecode", `
			AllowEncodedSlashes NoDecode
			ProxyPass / http://a.test/`,
			map[string]string{"/a%2fb%3F": "http://a.test/a%2fb%3F", "/a%25b": "400", "/a%252fb": "http://a.test/a%2fb", "/a%2Fb%20c": "http://a.test/a%2Fb%20c"}},
		{"paths as written", `
			ProxyPass /a//b/ http://a.test/x/
			ProxyPass /c http://a.test
			ProxyPass /é http://a.test/e
			ProxyPass /f%20g http://a.test/f
			ProxyPass "/h i" http://a.test/h
			ProxyPass /j http://a.test/j%20k nocanon
			ProxyPass /k http://a.test/j%20k`,
			map[string]string{
				"/a/b/c": "http://a.test/x/c", "/a//b": "-", "/c": "http://a.test/", "/c/x": "http://a.test/x", "/c/": "http://a.test/",
				"/%C3%A9/x": "http://a.test/e/x", "/f%20g": "-", "/f%2520g/x": "http://a.test/f/x", "/h%20i/y": "http://a.test/h/y",
				"/j/x": "http://a.test/j%20k/x", "/k/x": "http://a.test/j%2520k/x",
			}},
		{"hosts that cannot be", `
			ProxyPass /a http://<host>/
			ProxyPass /b http://h.invalid:0/
			ProxyPass /c http://123/
			ProxyPass /d http://h.invalid:99999/
			ProxyPass /e http://[h]/
			ProxyPass /f http://h:/`,
			map[string]string{"/a/": "500", "/b/": "400", "/c/": "400", "/d/": "400", "/e/": "400", "/f/": "500"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := mapper(t, c.conf)
			for target, want := range c.want {
				if got := proxied(m, target); got != want {
					t.Errorf("%s: %s, want %s", target, got, want)
				}
			}
		})
	}
}

// TestSendsNobodyElsewhere: httpd connects to whatever @ or a host's rest in the
// path makes of a URL without a slash. Here the host is the one in the file.
func TestSendsNobodyElsewhere(t *testing.T) {
	t.Parallel()
	m := mapper(t, `
		ProxyPassMatch ^/m(.*) http://chat.test$1
		ProxyPass / http://chat.test`)
	for target, want := range map[string]string{
		"/@evil.test/x": "500", "/.evil.test": "500", "/:81/": "500", "/:x@evil.test": "500",
		"/m@evil.test/x": "500", "/m.evil.test/": "500", "/m%3Fx": "400", "/m%23x": "400", "/m%2561/": "500",
		"/m/x": "http://chat.test/x", "/m/x%3Fy": "http://chat.test/x%3Fy", "/m": "http://chat.test/", "/": "http://chat.test/",
	} {
		if got := proxied(m, target); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
}

func TestProxyPassInVirtualHost(t *testing.T) {
	t.Parallel()
	main, _, err := read(`
		ProxyPass /m ws://a.test/m
		ProxyPass /both ws://a.test/both
		<Location /lm>
		ProxyPass ws://c.test/lm
		</Location>
		<Location /l>
		ProxyPass ws://c.test/main
		</Location>`, true)
	if err != nil {
		t.Fatal(err)
	}
	vhost, _, err := read(`
		ProxyPass /both ws://b.test/both
		ProxyPass /v ws://b.test/v
		<Location /l>
		ProxyPass ws://c.test/vhost
		</Location>`, true)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Merge(main, vhost).Compile()
	if err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]string{ // lab cases E26, E26b
		"/m/1": "ws://a.test/m/1", "/both/1": "ws://a.test/both/1", "/v": "ws://b.test/v", "/lm/1": "ws://c.test/lm/1", "/l/1": "ws://c.test/vhost/1",
	} {
		if got := proxied(m, target); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
}

func TestNoProxy(t *testing.T) {
	t.Parallel()
	m := mapper(t, `ProxyPass / ws://a.test/`)
	r, rawPath, _ := get(m, "/x")
	r.SetEnv("no-proxy", "1")
	if _, found, excluded, err := m.Proxy(r, rawPath); found || !excluded || err != nil { // lab case E34
		t.Errorf("found %v, excluded %v, error %v", found, excluded, err)
	}
}

func TestTunnelsOnly(t *testing.T) {
	t.Parallel()
	m := mapper(t, "ProxyWebsocketFallbackToProxyHttp Off\nProxyPass /ws ws://b.test/ws\nProxyPass / http://a.test/")
	if !m.TunnelsOnly() {
		t.Error("not only tunnels")
	}
	r, rawPath, _ := get(m, "/ws/1")
	r.Header.Set("Upgrade", "websocket")
	if target, _, _, err := m.Proxy(r, rawPath); err != nil || target.URL() != "ws://b.test/ws/1" { // lab case E8b
		t.Errorf("%s, %v", target.URL(), err)
	}
}

// TestGuard: the ProxyPass of an <If>, which httpd does not have (lab case E11a).
func TestGuard(t *testing.T) {
	t.Parallel()
	rs, _, err := read("<Location /ws>\nProxyPass ws://in.test/\n</Location>\nProxyPass /ws ws://b.test/\nProxyPass / http://a.test/", false)
	if err != nil {
		t.Fatal(err)
	}
	rs.Pass[0].Guard = "%{ENV:OPEN} == '1'"
	rs.Pass[1].Guard = "%{ENV:OPEN} == '2'"
	m, err := rs.Compile()
	if err != nil {
		t.Fatal(err)
	}
	for open, want := range map[string]string{"": "http://a.test/ws", "1": "ws://in.test/", "2": "ws://b.test/"} {
		r, rawPath, _ := get(m, "/ws")
		r.SetEnv("OPEN", open)
		if target, _, _, err := m.Proxy(r, rawPath); err != nil || target.URL() != want {
			t.Errorf("OPEN=%s: %s, want %s; %v", open, target.URL(), want, err)
		}
	}
	rs.Pass[0].Guard = "%{ENV:OPEN} =="
	if _, err := rs.Compile(); err == nil {
		t.Error("a guard that is no expression was taken")
	}
}

// TestLimit: an expression that takes too long is an error, not a rule that does
// not match.
func TestLimit(t *testing.T) {
	t.Parallel()
	m := mapper(t, "ProxyPassMatch ^/(?=(a+)+$) !\nProxyPass / ws://a.test/")
	r, rawPath, _ := get(m, "/"+strings.Repeat("a", 64)+"!")
	if _, found, excluded, err := m.Proxy(r, rawPath); !errors.Is(err, regex.ErrLimit) || found || excluded {
		t.Errorf("found %v, excluded %v, error %v", found, excluded, err)
	}
}

// TestTargetFields is what a Target tells beside its URL.
func TestTargetFields(t *testing.T) {
	t.Parallel()
	m := mapper(t, `
		ProxyPass /a ws://A.test/x timeout=5
		ProxyPass /b https://b.test
		ProxyPass /c ws://c.test:8000/
		ProxyPass /d unix:/run/d.sock|ws://d.test/
		ProxyPass /e wss://[FE80::1]/`)
	for path, want := range map[string]Target{
		"/a": {Scheme: "ws", Host: "a.test", Address: "a.test:80", Path: "/x", Line: "site.conf:2"},
		"/b": {Scheme: "https", Host: "b.test", Address: "b.test:443", Path: "/", Line: "site.conf:3"},
		"/c": {Scheme: "ws", Host: "c.test:8000", Address: "c.test:8000", Path: "/", Line: "site.conf:4"},
		"/d": {Scheme: "ws", Host: "d.test", Address: "unix//run/d.sock", Path: "/", Line: "site.conf:5"},
		"/e": {Scheme: "wss", Host: "[fe80::1]", Address: "[fe80::1]:443", Path: "/", Line: "site.conf:6"},
	} {
		r, rawPath, _ := get(m, path)
		got, _, _, err := m.Proxy(r, rawPath)
		if got.Worker == nil || err != nil {
			t.Errorf("%s: worker %v, error %v", path, got.Worker, err)
		}
		got.Worker = nil
		if got != want {
			t.Errorf("%s: %+v, want %+v", path, got, want)
		}
	}
}

func BenchmarkProxy(b *testing.B) {
	m := mapper(b, `
		ProxyPass /static !
		ProxyPass /a http://a.test:8000/a
		ProxyPass /b http://b.test:8000/b
		ProxyPass /c http://c.test:8000/c
		ProxyPass /d http://d.test:8000/d
		ProxyPass /e http://e.test:8000/e
		ProxyPass /f http://f.test:8000/f
		ProxyPass /g http://g.test:8000/g
		ProxyPass /h http://h.test:8000/h
		ProxyPass /chat/ ws://chat.test:8000/`)
	r, rawPath, _ := get(m, "/chat/room/1?token=x")
	b.ReportAllocs()
	for b.Loop() {
		if _, found, _, err := m.Proxy(r, rawPath); !found || err != nil {
			b.Fatal(found, err)
		}
	}
}

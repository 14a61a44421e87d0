// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// TestProxyURL is what httpd 2.4.71 did with the URLs of RewriteRules with the
// flag P, or P and NE.
func TestProxyURL(t *testing.T) {
	t.Parallel()
	m := mapper(t, `
		ProxyPass /a http://a.test/base/
		ProxyPass /u unix:/run/u.sock|http://uds.test/
		<Proxy balancer://chat>
		BalancerMember http://m.test
		</Proxy>`)
	for _, c := range []struct {
		url, query string
		noEscape   bool
		want       string
	}{
		{"ws://b.test/1", "", false, "ws://b.test/1"}, // lab case E5b from here
		{"ws://b.test/1", "x=1&y=2", false, "ws://b.test/1?x=1&y=2"},
		{"ws://b.test/a b", "y=%20", true, "403"},
		{"ws://b.test/ab%c", "", true, "ws://b.test/ab%c"},
		{"ws://b.test/a%26b%3fc", "y=1", false, "ws://b.test/a%2526b%253fc?y=1"},
		{"ws://b.test/a b", "x= 2", false, "403"},
		{"ws://b.test/é;p=1/z", "", false, "ws://b.test/%C3%A9;p=1/z"}, // E1
		{"ws:///x", "", false, "400"},                                  // E29
		{"ws://127.0.0.1:190021", "", false, "400"},                    // E30 from here
		{"ws://a.test:19001zz", "", false, "500"},
		{"ws://[::1]:19001/", "", false, "ws://[::1]:19001/"}, // E37
		{"WS://LOCALHOST:19002/x", "", false, "ws://localhost:19002/x"},
		{"unix:/run/r.sock|ws://rw.test/1", "", false, "/run/r.sock|ws://rw.test/1"}, // E32

		// Measured for these tests.
		{"http://b.test:/x", "", false, "500"},
		{"http://b.test:x/x", "", false, "500"},
		{"http://b.test:-1/x", "", false, "500"},
		{"http://[::1]x/x", "", false, "400"},
		{"http://[::1]:/x", "", false, "400"},
		{"http://[h]/x", "", false, "400"},
		{"http://u:p@b.test/x", "", false, "http://b.test/x"},
		{"http://a@b@b.test:08/x", "", false, "http://b.test:8/x"},
		{"http:/b.test/x", "", false, "400"}, // httpd: 500
		{"http://<host>/x", "", false, "500"},
		{"http://b.test", "", false, "http://b.test/"},
		{"http://b.test/a;b", "c#d", true, "http://b.test/a;b?c#d"},
		{"http://b.test/a#d", "", true, "http://b.test/a#d"},
		{"http://b.test/a#d", "", false, "http://b.test/a%23d"},
		{"http://b.test/a?b", "", false, "http://b.test/a%3Fb"},
		{"http://b.test/a?b", "q", true, "http://b.test/a?b"},
		{"ftp://b.test/a", "", false, "500"},
		{"nosuch://b.test/a", "", false, "500"},
		{"http://b.test/a\nb", "", true, "403"},
		{"http://b.test/a\nb", "", false, "http://b.test/a%0Ab"},
		{"http://b.test/\"<>[]{}|\\^`", "\"b", false, "http://b.test/%22%3C%3E%5B%5D%7B%7D%7C%5C%5E%60?\"b"},
		{"http://b.test/\"<>[]{}|\\^`", "", true, "http://b.test/\"<>[]{}|\\^`"},
		{"http://b.test/\xff", "", false, "http://b.test/%FF"},

		// A socket belongs to the worker, if there is one: what stands before | does not count.
		{"unix:/run/other.sock|http://uds.test/1", "", false, "/run/u.sock|http://uds.test/1"},
		{"http://uds.test/1", "", false, "/run/u.sock|http://uds.test/1"},
		{"unix:/run/r.sock|http:", "", false, "/run/r.sock|http://localhost/"},
		{"unix:/run/r.sock|http://", "", false, "/run/r.sock|http://localhost/"},
		{"unix:/run/r.sock|http:/x", "", false, "/run/r.sock|http://localhost/x"},
		{"unix:/run/r.sock|", "", false, "400"},
		{"unix:r.sock|http://x/", "", false, "400"},

		{"balancer://CHAT/x y", "q=1", false, "balancer://chat/x%20y?q=1"},
		{"balancer://nosuch/x", "", false, "500"},
		{"balancer:///x", "", false, "400"},
	} {
		got := ""
		if target, err := m.ProxyURL(c.url, c.query, c.noEscape); err != nil {
			got = failed(err)
		} else {
			got = sent(target)
		}
		if got != c.want {
			t.Errorf("%q ? %q, noEscape %v: %q, want %q", c.url, c.query, c.noEscape, got, c.want)
		}
	}
	var none *Mapper
	if target, err := none.ProxyURL("ws://b.test/x", "", false); err != nil || target.URL() != "ws://b.test/x" || target.Worker != nil {
		t.Errorf("a Mapper of no rules: %+v, %v", target, err)
	}
}

// TestUpgrades: a worker belongs to every URL that begins with its own, which is
// how ProxyPass /none comes to pass on nothing in lab case E7.
func TestUpgrades(t *testing.T) {
	t.Parallel()
	m := mapper(t, `
		ProxyPass /no http://a.test/no
		ProxyPass /ws http://b.test/ws upgrade=websocket
		ProxyPass /any http://c.test/any upgrade=ANY
		ProxyPass /none http://a.test/none upgrade=NONE
		ProxyPass /multi http://b.test/multi upgrade="websocket,foo"
		ProxyPass /words http://b.test/words "upgrade=websocket, foo"
		ProxyPass /plain http://d.test/plain
		ProxyPass /d http://d.test/ upgrade=websocket
		ProxyPass /tunnel ws://e.test/
		ProxyPass /never ws://f.test/ upgrade=NONE`)
	for path, protocols := range map[string]map[string]bool{
		"/no/1":    {"websocket": false},
		"/ws/1":    {"websocket": true, "WebSocket": true, "foo": false},
		"/any/1":   {"foo": true},
		"/none/1":  {"websocket": false, "NONE": false},
		"/multi/1": {"foo": true, "websocket": true, "bar": false},
		"/words/1": {"foo": true, "websocket": true, "bar": false},
		"/plain/1": {"websocket": false}, // E7c
		"/d/1":     {"websocket": true},
		"/tunnel":  {"WebSocket": true, "h2c": false}, // E8
		"/never":   {"websocket": false},
	} {
		r, rawPath, _ := get(m, path)
		target, _, _, err := m.Proxy(r, rawPath)
		if err != nil {
			t.Fatal(err)
		}
		for protocol, want := range protocols {
			if got := target.Upgrades(protocol); got != want {
				t.Errorf("%s to %s: %v, want %v", path, protocol, got, want)
			}
		}
	}
	// E31: a RewriteRule's URL is that worker's, too, but not another host's.
	for url, want := range map[string]bool{"http://d.test/1": true, "http://z.test/1": false, "ws://d.test/1": true, "http://d.test/plain": false, "https://d.test/": false} {
		target, err := m.ProxyURL(url, "", false)
		if err != nil || target.Upgrades("websocket") != want {
			t.Errorf("%s: %v, want %v; %v", url, !want, want, err)
		}
	}
}

// TestSharedSocket: of URLs that are the same behind the |, the first socket is
// everybody's. So it was with httpd.
func TestSharedSocket(t *testing.T) {
	t.Parallel()
	conf := `
		ProxyPass /a unix:/run/1.sock|http://localhost/
		ProxyPass /b unix:/run/2.sock|http://localhost/
		ProxyPass /c http://localhost/
		ProxyPass /d unix:/run/2.sock|http://two/
		ProxyPass /e unix:/run/2.sock|http:`
	m := mapper(t, conf)
	for target, want := range map[string]string{
		"/a/1": "/run/1.sock|http://localhost//1", "/b/1": "/run/1.sock|http://localhost//1", "/c/1": "/run/1.sock|http://localhost//1",
		"/d/1": "/run/2.sock|http://two//1", "/e/1": "/run/1.sock|http://localhost/1",
	} {
		if got := proxied(m, target); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
	_, warnings, _ := read(conf, true)
	shared := 0
	for _, w := range warnings {
		if strings.Contains(w, "goes where line site.conf:2 does") {
			shared++
		}
	}
	if shared != 2 { // /b and /c; /e has no path, and so a worker of its own
		t.Errorf("%d lines were told that their socket is another's: %q", shared, warnings)
	}
}

// TestMember: lab case E20, and what httpd sent to members of other forms.
func TestMember(t *testing.T) {
	t.Parallel()
	m := mapper(t, `
		<Proxy balancer://b1>
		BalancerMember http://a.test/base/ route=1
		</Proxy>
		<Proxy balancer://b2>
		BalancerMember ws://b.test:8000
		BalancerMember unix:/run/b.sock|ws://c.test
		</Proxy>
		ProxyPass /b1/ balancer://b1/
		ProxyPass /b2/ balancer://B2/
		ProxyPass /b3 balancer://b2/%20x nocanon
		ProxyPass /b4 balancer://b2
		ProxyPass /undef/ balancer://undef/`)
	for path, want := range map[string][]string{
		"/b1/x%20y?q=1":  {"http://a.test/base//x%20y?q=1"},
		"/b2/x":          {"ws://b.test:8000/x", "/run/b.sock|ws://c.test/x"},
		"/b3/a%2520b?q":  {"ws://b.test:8000/%20x/a%2520b?q", "/run/b.sock|ws://c.test/%20x/a%2520b?q"},
		"/b4/x":          {"ws://b.test:8000/x", "/run/b.sock|ws://c.test/x"},
		"/undef/nowhere": nil, // a balancer without members: 503
	} {
		r, rawPath, _ := get(m, path)
		target, found, _, err := m.Proxy(r, rawPath)
		if !found || err != nil || target.Balancer == nil || target.Address != "" {
			t.Errorf("%s: %+v, %v", path, target, err)
			continue
		}
		if len(target.Balancer.Members) != len(want) {
			t.Errorf("%s: %d members, want %d", path, len(target.Balancer.Members), len(want))
			continue
		}
		for i := range want {
			w := &target.Balancer.Members[i]
			member, err := target.Member(w)
			if err != nil || sent(member) != want[i] || member.Worker != w || member.Line != target.Line {
				t.Errorf("%s: %s, want %s; %v", path, sent(member), want[i], err)
			}
		}
	}
	if n := len(m.Balancers()); n != 3 {
		t.Errorf("%d balancers", n)
	}
	m = mapper(t, "BalancerMember balancer://b http://<host>/")
	if _, err := (&Target{}).Member(&m.Balancers()[0].Members[0]); failed(err) != "500" {
		t.Errorf("a member that cannot be: %v", err)
	}
}

func TestWorkerTarget(t *testing.T) {
	t.Parallel()
	m := mapper(t, "ProxyPass /a wss://A.test:8443/x\nProxyPass /u unix:/run/u.sock|ws://u/\nProxyPassMatch ^/([ab])/ http://$1.test/\nProxyPassMatch ^/z(.*) http://z.test:80$1\nProxyPass /bad http://123/")
	var got []string
	for i := range m.Workers() {
		target, ok := m.Workers()[i].Target()
		got = append(got, target.Address+" "+target.Scheme+" "+strconv.FormatBool(ok))
	}
	if want := "a.test:8443 wss true, unix//run/u.sock ws true,   false, z.test:80 http true,   false"; strings.Join(got, ", ") != want {
		t.Errorf("%q, want %q", strings.Join(got, ", "), want)
	}
}

// TestMatchWorker: $1 in the URL of a ProxyPassMatch stands for anything, and its
// parameters are those of all that it may become.
func TestMatchWorker(t *testing.T) {
	t.Parallel()
	m := mapper(t, `
		ProxyPassMatch ^/v/(a|b)/(.*)/ws$ http://$1.test/x/$2/\ws upgrade=websocket
		ProxyPassMatch ^/s(/.*)$ http://s.test:8000$1 upgrade=foo`)
	for path, want := range map[string]string{"/v/a/room/1/ws": "site.conf:2", "/s/y": "site.conf:3"} {
		r, rawPath, _ := get(m, path)
		target, _, _, err := m.Proxy(r, rawPath)
		if err != nil || target.Worker == nil || target.Worker.Line != want {
			t.Errorf("%s: %+v, want %s; %v", path, target, want, err)
		}
	}
	for url, want := range map[string]bool{
		"http://other.test/x/1/ws": true, "http://a.test/y/1/ws": false, "http://a.test/x/1": false, "https://a.test/x/1/ws": false, "http://s.test:8000/z": false,
	} {
		if target, err := m.ProxyURL(url, "", false); err != nil || target.Upgrades("websocket") != want {
			t.Errorf("%s: %v, want %v; %v", url, !want, want, err)
		}
	}
}

// FuzzProxyURL: whatever the URL is, the target's is one that a client may send,
// and the host is the one between // and / in it.
func FuzzProxyURL(f *testing.F) {
	for _, seed := range []string{
		"ws://chat.test:8000/a b", "unix:/run/x|http:", "http://u@[::1]:1/%", "http://h:9x", "balancer://b/x", "HTTP://É/", "unix:|://", "http://a@b@c:0001/?#", "//x", "ws://a\\b/",
	} {
		f.Add(seed, "q=1", true)
		f.Add(seed, "", false)
	}
	m := mapper(f, "ProxyPass /a http://a.test/x?\nProxyPassMatch ^/b(.*) http://$1.test:8$1/\nProxyPass /c unix:/run/c|ws://c/\nProxyPass /d balancer://b/")
	f.Fuzz(func(t *testing.T, text, query string, noEscape bool) {
		target, err := m.ProxyURL(text, query, noEscape)
		if err != nil {
			if bad := (*StatusError)(nil); !errors.As(err, &bad) || bad.Status < 400 || bad.Status > 599 {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if !visible(target.Path) || !visible(target.Query) || !visible(target.Host) || target.Path[0] != '/' {
			t.Fatalf("%q: not to be sent: %+v", text, target)
		}
		_, rest, _ := strings.Cut(text, "://")
		if _, behind, ok := strings.Cut(text, "|"); ok && strings.HasPrefix(strings.ToLower(text), "unix:") {
			_, rest, _ = strings.Cut(behind, "://")
		}
		authority, _, _ := strings.Cut(rest, "/")
		host, _, _ := strings.Cut(target.Host, ":")
		if target.Host != "localhost" && !strings.Contains(strings.ToLower(authority), host) {
			t.Fatalf("%q goes to %s", text, target.Host)
		}
		if !noEscape {
			if _, err := url.ParseRequestURI(target.Path); err != nil {
				t.Fatalf("%q: %v", text, err)
			}
		}
		if target.Balancer == nil && target.Address == "" {
			t.Fatalf("%q: no address: %+v", text, target)
		}
	})
}

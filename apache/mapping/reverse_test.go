// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"net/http"
	"testing"
)

// TestReverse is what httpd 2.4.71 made of Location and Set-Cookie.
func TestReverse(t *testing.T) {
	t.Parallel()
	m := mapper(t, `
		ProxyPass / http://a.test:81/
		ProxyPassReverse /p/ http://a.test:81/
		ProxyPassReverse /q /qq
		ProxyPassReverse /b balancer://bal/deep
		ProxyPassReverse / balancer://bal2
		ProxyPassReverse /none balancer://nosuch/
		ProxyPassReverse /s/ ws://ws.test/
		ProxyPassReverse https://else.test/ http://moved.test/
		<Proxy balancer://bal>
		BalancerMember http://m1.test/base/
		</Proxy>
		<Proxy balancer://bal2>
		BalancerMember http://m2.test/base
		</Proxy>
		<Location /loc>
		ProxyPassReverse http://loc.test/
		ProxyPassReverseCookiePath /l /loc
		ProxyPassReverseCookieDomain loc.test pub.test
		</Location>
		ProxyPassReverseCookieDomain back.test front.test
		ProxyPassReverseCookiePath / /p/`)
	for _, c := range []struct{ path, field, value, want string }{
		{"/x", "Location", "http://a.test:81/a", "http://pub.test/p/a"},
		{"/x", "Location", "HTTP://A.test:81/A", "http://pub.test/p/A"},
		{"/x", "Location", "http://a.test/a", "http://a.test/a"},
		{"/x", "Location", "/qq/r", "http://pub.test/q/r"},
		{"/x", "Location", "http://any.test/qq/r", "http://pub.test/q/r"},
		{"/x", "Location", "http://any.test", "http://any.test"},
		{"/x", "Location", "http://m1.test/base/deep/z", "http://pub.test/b/z"},
		{"/x", "Location", "http://m1.test/base/z", "http://m1.test/base/z"},
		{"/x", "Location", "http://m2.test/base/z", "http://pub.test/z"},
		{"/x", "Location", "http://loc.test/z", "http://loc.test/z"},
		{"/loc/x", "Location", "http://loc.test/z", "http://pub.test/locz"},
		{"/x", "Location", "/a", "/a"},
		{"/x", "Location", "http://ws.test/z", "http://ws.test/z"}, // lab case E17c
		{"/x", "Location", "http://moved.test/z", "https://else.test/z"},
		{"/x", "Location", "", ""},
		{"/x", "Content-Location", "http://a.test:81/a", "http://pub.test/p/a"},
		{"/x", "URI", "http://a.test:81/a", "http://pub.test/p/a"},
		{"/x", "Link", "http://a.test:81/a", "http://a.test:81/a"},

		{"/loc/x", "Set-Cookie", "a=b; path=/lx", "a=b; path=/p/"},
		{"/x", "Set-Cookie", "a=b; Path=/foo; Domain=back.test", "a=b; Path=/p/; Domain=front.test"},
		{"/x", "Set-Cookie", "a=b;domain=BACK.test.de;path=/", "a=b;domain=front.test;path=/p/"},
		{"/x", "Set-Cookie", "a=b; domain=.back.test; path=", "a=b; domain=.back.test; path="},
		{"/x", "Set-Cookie", "a=b; path=/x;; path=/y", "a=b; path=/x;; path=/p/"},
		{"/x", "Set-Cookie", "a=path=/; b", "a=path=/; b"},
		{"/x", "Set-Cookie", "path=/; x", "path=/p/; x"},
		{"/x", "Set-Cookie", "a=b; domain=loc.test", "a=b; domain=loc.test"},
		{"/loc/x", "Set-Cookie", "a=b; domain=loc.test", "a=b; domain=pub.test"},
	} {
		r, _, _ := get(m, c.path)
		h := http.Header{}
		h.Add(c.field, c.value)
		m.Reverse(r, Target{}, h)
		if got := h.Get(c.field); got != c.want {
			t.Errorf("%s, %s: %s: %q, want %q", c.path, c.field, c.value, got, c.want)
		}
	}
}

// TestReverseAllValues: each of several cookies is one.
func TestReverseAllValues(t *testing.T) {
	t.Parallel()
	m := mapper(t, "ProxyPassReverseCookiePath / /p/")
	r, _, _ := get(m, "/")
	h := http.Header{"Set-Cookie": {"a=1; path=/", "b=2", "c=3; path=/c"}}
	m.Reverse(r, Target{}, h)
	want := [3]string{"a=1; path=/p/", "b=2", "c=3; path=/p/"}
	if got := [3]string(h["Set-Cookie"]); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

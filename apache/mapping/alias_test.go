// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
)

// aliased says what mod_alias makes of a request: a file, a status and where to,
// an error as a status, or "-".
func aliased(m *Mapper, target string) string {
	r, _, status := get(m, target)
	if status != 0 {
		return fmt.Sprint(status)
	}
	file, redirect, err := m.AliasOrRedirect(r, r.Query)
	switch {
	case err != nil:
		return failed(err)
	case redirect != nil:
		return redirected(redirect)
	case file != "":
		return file
	}
	return "-"
}

func redirected(to *Redirection) string {
	return strings.TrimSpace(fmt.Sprint(to.Status, " ", to.Location))
}

func TestAlias(t *testing.T) {
	t.Parallel()
	m := mapper(t, `
		Alias /al /srv/www
		Alias /al2/ /srv/www/
		Alias /rel www
		AliasMatch ^/am/?(.*)$ /srv/www/$1
		AliasMatch ^/an(.*)$ /srv/www/sub$1
		AliasMatch ^/abs(/.*)$ $1
		AliasMatch ^/none(.*)$ $1
		Alias /al3/ /srv/www
		<Location /one>
		Alias /srv/%{REQUEST_METHOD}.html
		</Location>
		<Location /one/other>
		Alias /srv/other.html
		</Location>`)
	for target, want := range map[string]string{
		"/al": "/srv/www", "/al/": "/srv/www/", "/al/x.html": "/srv/www/x.html", "/alx": "-", "/al//x": "/srv/www/x",
		"/al2/x": "/srv/www/x", "/al2": "-", "/al2/": "/srv/www/",
		"/rel/x": "/etc/apache2/www/x",
		"/am/x":  "/srv/www/x", "/am": "/srv/www/", "/an/x": "/srv/www/sub/x", "/anx": "/srv/www/subx",
		"/abs/etc/x": "/etc/x", "/none": "403", "/nonex": "403",
		"/al3/x": "/srv/wwwx", // httpd, too: 404
		"/one":   "/srv/GET.html", "/one/x": "/srv/GET.html", "/one/other/x": "/srv/other.html", "/onex": "-",
		"/AL/x": "-", "/al/../x": "-", "/": "-",
		// httpd leaves the folder here, and leaves it to <Directory> whether it may.
		"/am../x": "403", "/am..": "403",
	} {
		if got := aliased(m, target); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
}

// TestAliasMerge is what httpd did: a virtual host's come first, and what is in
// Locations goes by their order.
func TestAliasMerge(t *testing.T) {
	t.Parallel()
	main, _, err := read(`
		<Location /a>
		Redirect http://main.test/
		</Location>
		<Location /b>
		Redirect 301 /b http://main.test/
		</Location>
		<Location /e>
		Redirect http://main.test/e
		</Location>
		Redirect /c http://main.test/
		Redirect /d http://main.test/
		Alias /f /main
		Alias /g /main`, true)
	if err != nil {
		t.Fatal(err)
	}
	vhost, _, err := read(`
		<Location /a>
		Redirect http://vhost.test/
		</Location>
		<Location /b/>
		Redirect 301 /b/x http://vhost.test/
		</Location>
		Redirect /c http://vhost.test/
		Alias /f /vhost`, true)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Merge(main, vhost).Compile()
	if err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]string{
		"/a": "302 http://vhost.test/", "/c": "302 http://vhost.test/", "/d": "302 http://main.test/", "/e": "302 http://main.test/e",
		"/f/x": "/vhost/x", "/g/x": "/main/x", "/b/x": "-",
	} {
		if got := aliased(m, target); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
	if got := fixed(m, "/b/x"); got != "301 http://vhost.test/" {
		t.Errorf("/b/x: %s", got)
	}
}

// fixed is what mod_alias does after access control.
func fixed(m *Mapper, target string) string {
	r, _, _ := get(m, target)
	redirect, err := m.Fixup(r, r.Query)
	switch {
	case err != nil:
		return failed(err)
	case redirect != nil:
		return redirected(redirect)
	}
	return "-"
}

func TestRedirect(t *testing.T) {
	t.Parallel()
	m := mapper(t, `
		Redirect /a http://n.test/x
		Redirect 301 /b/ http://n.test/y/
		Redirect gone /c
		Redirect 404 /d
		Redirect seeother /e /local
		RedirectMatch ^/f/(.*)$ http://n.test/$1
		RedirectMatch 307 ^/g/(.*)$ http://n.test/?u=$1
		RedirectMatch ^/h/(.*)$ /h2/$1
		RedirectMatch gone ^/i
		RedirectPermanent /j http://n.test/j?x=1
		RedirectTemp /k http://n.test/k#frag
		RedirectMatch ^/l(.*) http://$1.test
		Redirect 302 /m/ http://n.test
		RedirectMatch ^/n(.*) $1
		RedirectMatch 200 ^/o$
		Redirect permanent /old https://new.test/x
		Redirect /tmpred https://new.test/
		RedirectMatch 308 ^/rm/(.*)$ https://new.test/$1
		Redirect permanent /both https://new.test/
		Alias /both /srv/both
		<Location /tmp2>
		Redirect permanent https://new.test/loc
		</Location>
		Redirect /host https://%{HTTP_HOST}/`)
	for target, want := range map[string]string{
		"/a": "302 http://n.test/x", "/a/b%20c%25%e9?q=1": "302 http://n.test/x/b%20c%25%e9?q=1", "/ab": "-",
		"/b/x": "301 http://n.test/y/x", "/b": "-", "/c/x": "410", "/d": "404", "/e/x?q": "303 http://pub.test/local/x?q",
		"/f/a%20b%3Fc%23d?q=1": "302 http://n.test/a%20b?c#d", "/f/a%25b": "302 http://n.test/a%25b",
		"/g/a%20b?q=1": "307 http://n.test/?u=a b", "/h/x": "302 http://pub.test/h2/x", "/i": "410",
		"/j/y?q=1": "301 http://n.test/j?x=1/y", "/k/y?q=1": "302 http://n.test/k#frag/y?q=1",
		"/l": "302 http://.test", "/lx": "302 http://x.test", "/m/evil": "302 http://n.testevil",
		"/nx": "error: redirect of line site.conf:15 leads to \"x\", which is not a URL", "/n/x": "302 http://pub.test/x", "/o": "200",
		"/old/y?z=1": "301 https://new.test/x/y?z=1", // lab case E22 from here
		"/tmpred/q":  "302 https://new.test//q", "/rm/a?b": "308 https://new.test/a?b", "/both/x": "301 https://new.test//x",
		"/tmp2/zz": "301 https://new.test/loc",
		"/host/x":  "302 https://%{HTTP_HOST}//x",
	} {
		if got := aliased(m, target); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
}

// TestRedirectFixup is of redirects in Locations, which hold after access control
// and for proxied requests, too.
func TestRedirectFixup(t *testing.T) {
	t.Parallel()
	m := mapper(t, `
		<Location /a>
		Redirect permanent https://%{HTTP_HOST}%{REQUEST_URI}
		</Location>
		<Location /b>
		Redirect gone
		</Location>
		<Location /c>
		Redirect /c/x http://n.test/cx
		</Location>
		<Location /e>
		Redirect /other http://n.test/o
		</Location>
		<Location /f>
		Redirect http://n.test/f%20x?y=1
		</Location>
		<LocationMatch "^/g/(?<name>.*)">
		Redirect http://n.test/g
		</LocationMatch>
		<Location /h>
		RedirectMatch ^/h/(.*) http://n.test/hm/$1
		</Location>
		<Location /i>
		Redirect 301 /i http://n.test/i1
		Redirect 301 /i/k http://n.test/never
		</Location>
		<Location /i/j>
		Redirect 301 /i http://n.test/i2
		</Location>
		Redirect /e/s http://n.test/server`)
	for target, want := range map[string]string{
		"/a/b?c": "301 https://pub.test/a/b?c", "/b": "410", "/b/c": "410", "/c/x": "302 http://n.test/cx", "/c/y": "-",
		"/other": "-", "/e/s": "-", "/f/1": "302 http://n.test/f%2520x?y=1", "/f?q=2": "302 http://n.test/f%2520x?y=1",
		"/g/zz": "302 http://n.test/g", "/h/q%20r": "302 http://n.test/hm/q%20r",
		"/i/x": "301 http://n.test/i1/x", "/i/j": "301 http://n.test/i2/j", "/i/k": "301 http://n.test/i1/k", "/": "-",
	} {
		if got := fixed(m, target); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
}

// TestAbsoluteURL is of redirects to a path: lab case E17b, and measured.
func TestAbsoluteURL(t *testing.T) {
	t.Parallel()
	server := request.Server{Name: "c.test", Port: 99, CanonicalName: true}
	for _, c := range []struct {
		host   string
		server *request.Server
		conf   string
		want   string
	}{
		{"h.test:8080", &request.Server{}, "", "http://h.test:8080/local"},
		{"[::1]:81", &request.Server{}, "", "http://[::1]:81/local"},
		{"h.test:80", &request.Server{}, "", "http://h.test/local"},
		{"h.test:8080", &server, "", "http://c.test:99/local"},
		{"h.test", &request.Server{}, "RedirectRelative On", "/local"},
	} {
		m := mapper(t, "Redirect /e /local\n"+c.conf)
		_, redirect, err := m.AliasOrRedirect(&request.Request{URI: "/e", Host: c.host, Server: c.server}, "")
		if err != nil || redirect.Location != c.want {
			t.Errorf("%s: %+v, want %s; %v", c.host, redirect, c.want, err)
		}
	}
}

// TestRedirectLineBreak: nothing of a request ends a header field.
func TestRedirectLineBreak(t *testing.T) {
	t.Parallel()
	m := mapper(t, "RedirectMatch ^/n(.*) /$1\nRedirectMatch ^/q(.*) /?$1\nRedirect /p /p2")
	for _, target := range []string{"/n%0d%0aX:y", "/q%0d%0aX:y", "/p/%0a", "/p?\r\nX:y"} {
		got := aliased(m, target)
		if strings.ContainsAny(got, "\r\n") {
			t.Errorf("%s: %q", target, got)
		}
	}
}

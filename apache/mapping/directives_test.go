// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// TestRefused: what httpd 2.4.71 does not start with, and what is not supported.
func TestRefused(t *testing.T) {
	t.Parallel()
	for conf, want := range map[string]string{
		"ProxyPass":                                                            "needs a path and a URL, for example",
		"ProxyPass /x":                                                         "needs a path and a URL, for example",
		`ProxyPass "" http://h/`:                                               "empty path", // httpd takes it, for everything
		"ProxyPass /x h":                                                       "not a URL, for example",
		"ProxyPass /x //h/":                                                    "not a URL",
		"ProxyPass /x /y":                                                      "not a URL",
		"ProxyPass /x http:/h/":                                                "not a URL",
		"ProxyPass /x http://":                                                 "not a host",
		"ProxyPass /x http:///y":                                               "not a host",
		"ProxyPass /x http://h:x/":                                             "no host",
		"ProxyPass /x http://h:80x/":                                           "no host",
		"ProxyPass /x http://h:8$1/":                                           "no host",
		"ProxyPass /x http://<host>:<port>/":                                   "no host",
		"ProxyPass /x http://[::1/":                                            "not a host",
		"ProxyPass /x foo://h/":                                                "foo:// is not a scheme",
		"ProxyPass /x ajp://h/":                                                "ajp:// is not supported",
		"ProxyPass /x FCGI://h/":                                               "fcgi:// is not supported",
		"ProxyPass /x scgi://h/":                                               "scgi:// is not supported",
		"ProxyPass /x uwsgi://h/":                                              "uwsgi:// is not supported",
		"ProxyPass /x ftp://h/":                                                "ftp:// is not supported",
		"ProxyPass /x unix:x.sock|http://h/":                                   "has to be of the form unix:/run/chat.sock|http://localhost/",
		"ProxyPass /x http://h/ # the chat":                                    "# is no comment here",
		"ProxyPass /x http://h/ /y":                                            "not of the form name=value",
		"ProxyPass /x http://h/ unknown=1":                                     "unknown parameter of a worker",
		"ProxyPass /x http://h/ =1":                                            "unknown parameter",
		"ProxyPass /x http://h/ interpolate":                                   "interpolate is not supported",
		"ProxyPass /x http://h/ hcmethod=GET":                                  "mod_proxy_hcheck",
		"ProxyPass /x http://h/ mapping=encoded":                               "mapping=encoded is not supported",
		"ProxyPass /x http://h/ mapping=x":                                     "unknown parameter",
		"ProxyPassMatch ( http://h/":                                           "missing closing )",
		"ProxyPassMatch ~ ^/x http://h/":                                       "not a URL",
		"ProxyPassInterpolateEnv On":                                           "is not supported",
		"ProxyPass /x balancer://":                                             "a balancer needs a name",
		"ProxyPass /x balancer://b lbmethod=foo":                               "has to be byrequests",
		"ProxyPass /x balancer://b lbmethod=heartbeat":                         "heartbeat is not supported",
		"ProxyPass /x balancer://b timeout=0":                                  "at least 1",
		"ProxyPass /x balancer://b failonstatus=99":                            "not a status",
		"ProxyPass /x balancer://b retry=1":                                    "unknown parameter of a balancer",
		"ProxyPass /x balancer://b upgrade=websocket":                          "unknown parameter of a balancer",
		"ProxyPass /x balancer://b stickysessionsep=ab":                        "one character, or Off",
		"ProxyPass /x balancer://b nofailover=x":                               "On or Off",
		"ProxyPass /x balancer://b maxattempts=-1":                             "at least 0",
		"ProxyPass /x balancer://b growth=0":                                   "from 1 to 100",
		"ProxyPass /x balancer://b forcerecovery=x":                            "On or Off",
		"BalancerMember http://h":                                              "takes one URL",
		"BalancerMember balancer://b h":                                        "not a URL",
		"BalancerMember balancer://b balancer://c":                             "no member of a balancer",
		"BalancerMember balancer://b ws://h #1":                                "takes one URL",
		"BalancerMember balancer://b ws://h loadfactor=0.5":                    "from 1 to 100",
		"BalancerMember balancer://b ws://h:x":                                 "no host",
		"<Proxy balancer://b>\nBalancerMember balancer://b http://h\n</Proxy>": "takes one URL",
		"<Proxy balancer://b>\nBalancerMember timeout=5\n</Proxy>":             "takes one URL",
		"<Proxy *>\nBalancerMember http://h\n</Proxy>":                         "* is not the name of a balancer",
		"<Proxy *>\nProxySet timeout=5\n</Proxy>":                              "* is not a URL",
		"<Proxy * timeout=5>\n</Proxy>":                                        "* is not a URL",
		"<Proxy>\nProxySet timeout=5\n</Proxy>":                                "needs a URL or *",
		"<Proxy http://h/>\nProxySet foo=5\n</Proxy>":                          "/site.conf:2: foo=5: unknown parameter",
		"<Proxy balancer://>\nProxySet lbmethod=byrequests\n</Proxy>":          "a balancer needs a name",
		"ProxySet":                                                          "needs more than that",
		"ProxySet http://h/ timeout=5":                                      "no worker http://h/ before this line",
		"ProxySet balancer://b nofailover=On":                               "no balancer://b before this line",
		"<Location /x>\nProxyPass /x http://h/\n</Location>":                "must not have a path before the URL",
		"<Location /x>\nProxyPass http://h/ /x\n</Location>":                "not of the form name=value",
		"<Location /x>\nProxyPass\n</Location>":                             "needs a URL",
		"<Location /x>\nProxySet http://h/ timeout=5\n</Location>":          "has to stand outside all sections",
		"<Location /x>\nBalancerMember balancer://b http://h\n</Location>":  "has to stand outside all sections",
		"<Location /[x>\nProxyPass http://h/\n</Location>":                  "[",
		"<Directory /x>\nProxyPass http://h/\n</Directory>":                 "has to stand outside",
		`<If "true">` + "\nProxyPass http://h/\n</If>":                      "cannot stand in <If>",
		`<If "true">` + "\nProxyPassReverse http://h/\n</If>":               "cannot stand in <If>",
		"ProxyPassReverse http://h/":                                        "for example: ProxyPassReverse /chat/",
		"ProxyPassReverse / http://h/ interpolate":                          "interpolate is not supported",
		"<Location /x>\nProxyPassReverse / http://h/\n</Location>":          "too many arguments",
		"ProxyPassReverseCookiePath /":                                      "for example: ProxyPassReverseCookiePath / /chat/",
		"ProxyPassReverseCookieDomain a b c":                                "too many arguments",
		"Alias /y":                                                          "needs a path and a file",
		"Alias":                                                             "for example: Alias /files",
		`Alias "" /y`:                                                       "empty path",
		"AliasMatch ( /x":                                                   "missing closing )",
		"<Location /x>\nAlias /x /y\n</Location>":                           "has to stand outside",
		"<Location /x>\nAliasMatch /y\n</Location>":                         "needs a path and a file",
		"Redirect /x":                                                       "needs a path and a URL",
		"Redirect 301 /x":                                                   "needs a path and a URL",
		"Redirect permanent /x":                                             "needs a path and a URL",
		"Redirect 301 /x y":                                                 `Redirect to "y"`,
		"Redirect foo /x http://y":                                          `"foo" is not a status`,
		"Redirect gone /x http://y":                                         "takes a path and no URL",
		"Redirect 99 /x":                                                    "99 is not a status",
		"Redirect 600 /x":                                                   "600 is not a status",
		"RedirectPermanent 301 /x http://h":                                 `"301" is not a status`,
		"RedirectMatch 301 ^/x":                                             "needs a path and a URL",
		"RedirectMatch ( http://h":                                          "missing closing )",
		"<Location /x>\nRedirect\n</Location>":                              "needs a path and a URL",
		"<Location /x>\nRedirect permanent\n</Location>":                    "needs a path and a URL",
		"<Location /x>\nRedirectMatch http://h/\n</Location>":               "needs a path and a URL",
		"<Location /x>\nRedirectPermanent http://h/\n</Location>":           "needs a path and a URL",
		"<Location /x>\nRedirect %{nosuch:x}\n</Location>":                  "Redirect %{nosuch:x}",
		"AllowEncodedSlashes x":                                             "must be On, Off or NoDecode",
		"AllowEncodedSlashes":                                               "for example",
		"MergeSlashes x":                                                    "must be On or Off",
		"<Location /x>\nAllowEncodedSlashes On\n</Location>":                "has to stand outside",
		"<Location /x>\nMergeSlashes On\n</Location>":                       "outside all sections",
		"<Location /x>\nRedirectRelative On\n</Location>":                   "outside all sections",
		"<Location /x>\nProxyWebsocketFallbackToProxyHttp Off\n</Location>": "outside all sections",
		"ServerName x":                                                      "no directive of mod_proxy or mod_alias",
	} {
		if _, _, err := read(conf, true); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", conf, err, want)
		}
	}
}

// TestTaken: what httpd 2.4.71 starts with.
func TestTaken(t *testing.T) {
	t.Parallel()
	for _, conf := range []string{
		"ProxyPass /x !", "ProxyPass /x ! timeout=5", "ProxyPass /x ! nocanon", "ProxyPass /x http://h:0/", "ProxyPass /x http://h:99999/",
		"ProxyPass /x http://123/", "ProxyPass /x http://[::1]:8/", "ProxyPass /x http://[h]/", "ProxyPass /x http://h:/", "ProxyPass /x http://<host>/",
		"ProxyPass /x http://u:p@h/", "ProxyPass x http://h/", "ProxyPassMatch ^/(.*) http://h:80$1", "ProxyPass /x h2c://h/", "ProxyPass /x h2://h/",
		"ProxyPass /x balancer://b failonstatus=500,503 growth=5 nonce=None timeout=5 maxattempts=1 forcerecovery=Off scolonpathdelim=On failontimeout=on",
		"<Proxy http://h/>\nProxySet timeout=5 retry=1\n</Proxy>", "<Proxy http://h/ timeout=5>\n</Proxy>", "<Proxy *>\n</Proxy>",
		"<ProxyMatch ^http://h/>\n</ProxyMatch>", "ProxyPass /x http://h/\nProxySet http://h/ timeout=5",
		"Redirect 404 /x", "RedirectMatch ^/x y", "<Location /x>\nRedirect /y\n</Location>", "<Location /x>\nRedirectMatch 301 http://h/\n</Location>",
		"<Location /x>\nRedirect 404\n</Location>", "<Location /x>\nAlias /y\n</Location>", "<Directory /x>\nRedirect /a http://b/\n</Directory>",
		"proxypass /x HTTP://h/ NOCANON", "MergeSlashes off", "ProxyPassInterpolateEnv Off",
	} {
		if _, _, err := read(conf, true); err != nil {
			t.Errorf("%s: %v", conf, err)
		}
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	for conf, want := range map[string]string{
		"ProxyPass / http://a/\nProxyPass /ws/ ws://a/":                                                   "/site.conf:2: never reached: ProxyPass / of line site.conf:1 comes first",
		"ProxyPass /ws/ ws://a/\nProxyPass / http://a/":                                                   "",
		"<Location /ws>\nProxyPass ws://a/x\n</Location>\n<Location />\nProxyPass http://a/\n</Location>": "/site.conf:5: hides the ProxyPass of <Location /ws> of line site.conf:2",
		"<Location />\nProxyPass http://a/\n</Location>\n<Location /ws>\nProxyPass ws://a/x\n</Location>": "",
		"ProxyPass / http://a/\n<Location /ws>\nProxyPass ws://a/x\n</Location>":                          "",
		"ProxyPass /ws ws://a/":                     "/site.conf:1: the URL ends in / and the path does not, so /ws/x goes to ws://a//x",
		"ProxyPass / ws://a":                        "/site.conf:1: the path ends in / and the URL has none, so /x would go to ws://ax, another host",
		"ProxyPass /ws/ ws://a/b":                   "/site.conf:1: the path ends in / and the URL does not, so /ws/x goes to ws://a/bx",
		"ProxyPass ws ws://a/b":                     "/site.conf:1: ws does not begin with /",
		"ProxyPass /ws ws://a/b?x":                  "is sent as %3F",
		"ProxyPassMatch ^/(.*) ws://$1:5900/":       "/site.conf:1: ws://$1:5900/: whoever sends a request chooses where it goes",
		"ProxyPassMatch ^/vnc/([0-9.]+)/ ws://a.$1": "whoever sends a request chooses",
		"ProxyPassMatch ^/wetty(.*) ws://a$1":       "",
		"ProxyPassMatch ^/a(/.*) ws://a$1":          "",
		"ProxyPass /x http://<host>/y":              `there can be no host "<host>"; the requests there are answered with 500`,
		"ProxyPass /a http://a/ upgrade=websocket\nProxyPass /b http://a/b timeout=5":  "/site.conf:2: timeout=5 has no effect, since the connection is that of http://a/ of line site.conf:1",
		"BalancerMember balancer://b http://a\nBalancerMember balancer://b http://a/x": "/site.conf:2: has no effect: http://a of line site.conf:1 is a member already",
		"Alias /a /srv/\n":                    "end the path and the file both with / or neither",
		"Alias /a /srv\nAlias /a/b /srv/b":    "/site.conf:2: never reached: Alias /a of line site.conf:1 comes first",
		"Redirect / https://pub.test/jupyter": "/site.conf:1: /x is redirected to https://pub.test/jupyterx", // lab case E22b
		"Redirect /a https://pub.test/":       "/a/x is redirected to https://pub.test//x",
		"Redirect /a https://pub.test/?a":     "",
	} {
		_, warnings, err := read(conf, true)
		if err != nil {
			t.Errorf("%s: %v", conf, err)
			continue
		}
		all := strings.Join(warnings, "\n")
		if want == "" && all != "" || !strings.Contains(all, want) {
			t.Errorf("%s: %q, want %q", conf, all, want)
		}
	}
}

// TestLenient: in <If>, and a placeholder for a host, unless strict.
func TestLenient(t *testing.T) {
	t.Parallel()
	if _, warnings, err := read("ProxyPass /x/ http://<host>:<port>/", false); err != nil || len(warnings) != 1 {
		t.Errorf("a placeholder: %q, %v", warnings, err)
	}
	rs := new(Rules)
	ctx := directive.Context{Place: directive.Condition, Path: "/ws"}
	n := &syntax.Node{Name: "ProxyPass", Args: []string{"ws://a.test/"}}
	if err := rs.Directive(&ctx, n); err != nil || rs.Pass[0].Location != "/ws" {
		t.Errorf("in <If> in <Location>: %+v, %v", rs.Pass, err)
	}
}

// TestProxySection: the rest of a section is for others.
func TestProxySection(t *testing.T) {
	t.Parallel()
	c, err := syntax.Parse("/site.conf", []byte(`
		<Proxy balancer://Chat stickysession=ID>
			Require all granted
			BalancerMember ws://a.test:8000 route=1 loadfactor=2
			BalancerMember ws://b.test:8000 "route=2" status=+H retry=0
			ProxySet lbmethod=bybusyness nofailover=On failonstatus=500,503
			ProxySet stickysessionsep=Off maxattempts=0
		</Proxy>`), syntax.Options{})
	if err != nil {
		t.Fatal(err)
	}
	rs := new(Rules)
	taken, err := rs.ProxySection(new(directive.Context), c.Nodes[0])
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, n := range taken {
		names = append(names, n.Name)
	}
	if got := strings.Join(names, " "); got != "BalancerMember BalancerMember ProxySet ProxySet" {
		t.Errorf("took %s", got)
	}
	text, err := json.Marshal(rs)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"balancers":[{"line":"site.conf:2","name":"balancer://chat","members":[` +
		`{"line":"site.conf:4","url":"ws://a.test:8000","params":"route=1 loadfactor=2"},` +
		`{"line":"site.conf:5","url":"ws://b.test:8000","params":"route=2 status=+H retry=0"}],` +
		`"stickysession":"ID","stickysessionsep":"off","lbmethod":"bybusyness","nofailover":true,"failonstatus":[500,503],"maxattempts":0}]}`
	if string(text) != want {
		t.Errorf("%s, want\n%s", text, want)
	}
}

// TestJSON: what the adapter prints is what runs.
func TestJSON(t *testing.T) {
	t.Parallel()
	rs, _, err := read(`
		AllowEncodedSlashes nodecode
		MergeSlashes Off
		RedirectRelative On
		ProxyWebsocketFallbackToProxyHttp Off
		ProxyPass /chat/ ws://chat.test:8000/ timeout=60 "upgrade=websocket, foo" nocanon
		ProxyPassMatch ^/(a|b)/ http://$1.test/
		ProxyPass /bal/ balancer://b/ stickysession=ID
		ProxyPassReverse /chat/ http://chat.test:8000/
		ProxyPassReverseCookiePath / /chat/
		ProxyPassReverseCookieDomain chat.test pub.test
		BalancerMember balancer://b unix:/run/b.sock|ws://b.test connectiontimeout=300ms
		Alias /files /srv/files
		RedirectMatch 308 ^/old/(.*)$ https://new.test/$1
		<Location "/api">
		ProxyPass http://api.test
		Redirect gone
		</Location>`, true)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(rs)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		`{"line":"site.conf:6","path":"/chat/","url":"ws://chat.test:8000/","params":"nocanon"}`,
		`{"line":"site.conf:6","url":"ws://chat.test:8000/","params":"timeout=60 upgrade=websocket,foo"}`,
		`{"line":"site.conf:7","url":"http://$1.test/","match":true}`,
		`{"line":"site.conf:16","location":"/api","path":"/api","url":"http://api.test"}`,
		`{"line":"site.conf:17","location":"/api","status":410}`,
		`"allow_encoded_slashes":"NoDecode","merge_slashes":false,"redirect_relative":true,"proxy_websocket_fallback_to_proxy_http":false`,
	} {
		if !strings.Contains(string(text), part) {
			t.Errorf("no %s in\n%s", part, text)
		}
	}
	again := new(Rules)
	if err := json.Unmarshal(text, again); err != nil {
		t.Fatal(err)
	}
	one, err := rs.Compile()
	if err != nil {
		t.Fatal(err)
	}
	two, err := again.Compile()
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(one.workers, two.workers) || !reflect.DeepEqual(one.balancers, two.balancers) {
		t.Errorf("workers and balancers are others:\n%+v\n%+v", one.workers, two.workers)
	}
	for _, target := range []string{"/chat/a%2fb//c?x", "/a/1", "/api/x", "/bal/x", "/other"} {
		if a, b := proxied(one, target), proxied(two, target); a != b || a == "404" {
			t.Errorf("%s: %s and %s", target, a, b)
		}
	}
	// What is in the JSON may be by hand, and is checked as what is in a file is.
	for text, want := range map[string]string{
		`{"proxy_pass":[{"path":"/","url":"ajp://x/"}]}`:                                "ajp:// is not supported",
		`{"proxy_pass":[{"line":"x.conf:1","match":true,"path":"(","url":"ws://x/"}]}`:  "x.conf:1: ",
		`{"proxy_pass":[{"path":"/","url":"ws://x/","params":"timeout=5"}]}`:            "timeout=5 is not a parameter of a rule",
		`{"proxy_pass":[{"path":"/","url":"unix:x|ws://x/"}]}`:                          "unix:/run",
		`{"proxy_pass":[{"path":"/","url":"x"}]}`:                                       "not a URL",
		`{"proxy_pass":[{"location":"~ (","path":"/","url":"ws://x/"}]}`:                "regular expression",
		`{"proxy_pass_reverse":[{"location":"~ (","path":"/","url":"ws://x/"}]}`:        "regular expression",
		`{"proxy_pass_reverse_cookie_path":[{"location":"~ (","from":"/","to":"/"}]}`:   "regular expression",
		`{"proxy_pass_reverse_cookie_domain":[{"location":"~ (","from":"/","to":"/"}]}`: "regular expression",
		`{"workers":[{"line":"x.conf:2","url":"x"}]}`:                                   "x.conf:2: x is not a URL",
		`{"balancers":[{"name":"balancer://b","members":[{"url":"scgi://x"}]}]}`:        "scgi:// is not supported",
		`{"alias":[{"match":true,"path":"(","file":"/x"}]}`:                             "regular expression",
		`{"redirect":[{"match":true,"path":"(","status":301,"url":"/x"}]}`:              "regular expression",
	} {
		rs := new(Rules)
		if err := json.Unmarshal([]byte(text), rs); err != nil {
			t.Errorf("%s: %v", text, err)
		} else if _, err := rs.Compile(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if err := json.Unmarshal([]byte(`{"workers":[{"url":"ws://x","params":"unknown=1"}]}`), new(Rules)); err == nil {
		t.Error("an unknown parameter was taken")
	}
}

// TestNoRules: a server without any of these directives.
func TestNoRules(t *testing.T) {
	t.Parallel()
	var m *Mapper
	r, rawPath, _ := get(m, "/a/../x")
	if r.URI != "/x" {
		t.Errorf("cleaned to %s", r.URI)
	}
	if _, found, excluded, err := m.Proxy(r, rawPath); found || excluded || err != nil {
		t.Error(found, excluded, err)
	}
	if file, redirect, err := m.AliasOrRedirect(r, ""); file != "" || redirect != nil || err != nil {
		t.Error(file, redirect, err)
	}
	if redirect, err := m.Fixup(r, ""); redirect != nil || err != nil {
		t.Error(redirect, err)
	}
	m.Reverse(r, Target{}, nil)
	if m.TunnelsOnly() || m.Workers() != nil || m.Balancers() != nil {
		t.Error("a Mapper of nothing has something")
	}
}

func TestReads(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{"ProxyPass": true, "REDIRECTMATCH": true, "MergeSlashes": true, "ProxyTimeout": false, "": false} {
		if Reads(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}

// FuzzDirective: rules that were read can be printed, read again and asked.
func FuzzDirective(f *testing.F) {
	for _, seed := range []string{
		"ProxyPass /chat/ ws://chat.test/ timeout=5 nocanon", "ProxyPassMatch ^/(.*) http://h$1", "<Location /w*>\nProxyPass !\n</Location>",
		"<LocationMatch ^/(?<x>a)>\nRedirect /%{env:MATCH_X}\n</LocationMatch>", "Redirect gone /a", "RedirectMatch 307 (a)|b $1$2", "Alias /a b",
		"AliasMatch (.*) $1", "<Proxy balancer://b>\nBalancerMember unix:/x|http: route=1\nProxySet lbmethod=bytraffic\n</Proxy>\nProxyPass / balancer://b",
		"ProxyPassReverse / balancer://b/x\nBalancerMember balancer://b ws://x/y", "ProxyPassReverseCookiePath / /a", "ProxyPass ~ \\$0$0 http://$0/$",
		`ProxyPass / http://x upgrade="a b"`, "AllowEncodedSlashes NoDecode\nMergeSlashes Off\nProxyPass /%2f http://x/%2f",
	} {
		f.Add(seed, "/chat/a%2F/..?q=1")
	}
	f.Fuzz(func(t *testing.T, conf, target string) {
		rs, _, err := read(conf, false)
		if err != nil || !utf8.ValidString(conf) { // which package config refuses
			return
		}
		if _, err := rs.Compile(); err != nil {
			t.Fatalf("read, but not compiled: %v", err)
		}
		text, err := json.Marshal(rs)
		if err != nil {
			t.Fatal(err)
		}
		again := new(Rules)
		if err := json.Unmarshal(text, again); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		m, err := again.Compile()
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		proxied(m, target)
		aliased(m, target)
		fixed(m, target)
	})
}

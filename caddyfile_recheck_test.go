// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// recheckSite is a site with a named matcher, on line 2, and a recheck, on
// line 4 if the matcher is one line.
func recheckSite(matcher, recheck string) string {
	return "http://localhost:8080 {\n\t@m " + matcher + "\n\tws_tunnel a:1 {\n\t\trecheck " + recheck + "\n\t}\n}\n"
}

func TestRecheckCaddyfile(t *testing.T) {
	for _, scope := range []string{"%s", "handle {\n%s\n}", "route /x {\n%s\n}"} {
		config, err := phAdapt("http://localhost:8080 {\n" + fmt.Sprintf(scope, "@m {\nclient_ip 192.0.2.0/24\ntime_window 09:00-18:00\n}\nws_tunnel a:1 {\nrecheck 60s @m\n}") + "\n}\n")
		if err != nil {
			t.Fatal(err)
		}
		const want = `"recheck":{"interval":60000000000,"match":[{"client_ip":{"ranges":["192.0.2.0/24"]},"time_window":{"windows":[{"from":"09:00","to":"18:00"}]}}]}`
		if !strings.Contains(string(config), want) {
			t.Errorf("%s: got  %s\nwant %s", scope, config, want)
		}
		if err := phValidate(config); err != nil {
			t.Error(err)
		}
	}
}

// What cannot be asked again is found when the config is adapted, also deep in
// it, and so is what would be right.
func TestRecheckMistakes(t *testing.T) {
	const only = ", only client_ip, expression, header,"
	for _, test := range []struct{ matcher, recheck, want string }{
		{"method GET", "60s", "as in recheck 60s @office"},
		{"method GET", "60s @m @m", "as in recheck 60s @office"},
		{"method GET", "often @m", "as 30s or 1h30m"},
		{"method GET", "0s @m", "0s is not positive"},
		{"method GET", "60s m", `takes a named matcher, as @office, and here is "m"`},
		{"method GET", "60s /ws/*", "takes a named matcher"},
		{"method GET", "60s *", "takes a named matcher"},
		{"method GET", "60s @n", "unrecognized matcher name: @n"},
		{"file", "60s @m", "the matcher file cannot be asked again about a tunnel" + only},
		{"not file", "60s @m", "the matcher file cannot"},
		{"not not file", "60s @m", "the matcher file cannot"},
		{"expression method('GET')&&!file({'try_files':['a']})", "60s @m", "the matcher file cannot"},
		{"expression `[1].exists(x, x > 0 && !file())`", "60s @m", "the matcher file cannot"},
		{"expression {http.auth.user.id}=='a'", "60s @m", "the placeholder {http.auth.user.id} cannot be asked again about a tunnel; those of"},
		{"expression `header({'A': '\\{http.auth.user.id}'})`", "60s @m", "{http.auth.user.id}"},
		{"expression `ph(req, 'http.auth.' + {query.a}) == ''`", "60s @m", "whose name is computed"},
		{"expression `path('/' + {http.request.tls.server_name})`", "60s @m", "{http.request.tls.server_name}"},
		{"expression (", "60s @m", "the matcher expression: "},
		{"header A {http.regexp.x.1}", "60s @m", "{http.regexp.x.1}"},
		{"not query {my_map}=1", "60s @m", "{my_map}"},
		{"vars {http.request.body} x", "60s @m", "{http.request.body}"},
		{"vars_regexp {http.request.uuid} ^{a.b}", "60s @m", "the matcher vars_regexp: the placeholder {http.request.uuid}"},
		{"websocket {\norigin {http.matchers.file.relative}\n}", "60s @m", "{http.matchers.file.relative}"},
	} {
		t.Run(test.matcher+" "+test.recheck, func(t *testing.T) {
			_, err := phAdapt(recheckSite(test.matcher, test.recheck))
			line := fmt.Sprintf("Testfile:%d", 4+strings.Count(test.matcher, "\n"))
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), line) {
				t.Errorf("got %v, want it to name %s and to say %q", err, line, test.want)
			}
		})
	}
	err := new(Handler).UnmarshalCaddyfile(caddyfile.NewTestDispenser("ws_tunnel a:1 {\nrecheck 60s @m\n}"))
	if err == nil || !strings.Contains(err.Error(), "unrecognized matcher name: @m") {
		t.Errorf("where no matchers are known: %v", err)
	}
}

// Braces that are no placeholders are taken for what they are, and global
// placeholders are known at any time.
func TestRecheckBraces(t *testing.T) {
	for _, matcher := range []string{
		`path_regexp ^/\p{Greek}{2,3}$`,
		"expression `path_regexp(r'^/\\p{Greek}{2}') || {'a': 1}.size() == 2`",
		"url_pattern /{a/}?b",
		"vars_regexp {http.vars.x} ^{not.one}",
		"header X {env.HOME}{time.now.year}{system.hostname}",
	} {
		if _, err := phAdapt(recheckSite(matcher, "60s @m")); err != nil {
			t.Errorf("%s: %v", matcher, err)
		}
	}
}

func TestRecheckJSONMistakes(t *testing.T) {
	for recheck, want := range map[string]string{
		`{"match": [{"method": ["GET"]}]}`:                                               "recheck: the interval is not positive",
		`{"interval": "-1s", "match": [{"method": ["GET"]}]}`:                            "recheck: the interval is not positive",
		`{"interval": "1m"}`:                                                             "recheck: there are no matchers",
		`{"interval": "1m", "match": [{}]}`:                                              "recheck: a set without matchers would match everything",
		`{"interval": "1m", "match": [{"method": ["GET"]}, {"tls":{}}]}`:                 "recheck: the matcher tls cannot be asked again",
		`{"interval": "1m", "match": [{"unheard_of": {}}]}`:                              "recheck: the matcher unheard_of cannot",
		`{"interval": "1m", "match": [{"not": {}}]}`:                                     "recheck: the matcher not: ",
		`{"interval": "1m", "match": [{"expression": 1}]}`:                               "recheck: the matcher expression: ",
		`{"interval": "1m", "match": [{"expression": {"expr": "file()", "name": "x"}}]}`: "the matcher file cannot",
		`{"interval": "1m", "match": [{"client_ip": {"ranges": ["x"]}}]}`:                "recheck: loading matchers: ",
	} {
		config := `{"apps": {"http": {"servers": {"s": {"routes": [{"handle": [{"handler": "ws_tunnel", "origins": ["a:1"], "recheck": ` + recheck + `}]}]}}}}}`
		if !json.Valid([]byte(config)) {
			t.Fatal(config)
		}
		if err := phValidate([]byte(config)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", recheck, err, want)
		}
	}
	nobodyAsks(t)
}

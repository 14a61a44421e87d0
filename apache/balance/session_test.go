// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package balance

import (
	"strings"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
)

// visit is a request, who answers it, and what has been set.
type visit struct {
	url, cookie string
	want        string
	env         string // worker's route, cookie, its route, changed
}

// TestSession has what httpd 2.4.71 answered, one request after the other.
func TestSession(t *testing.T) {
	a, b := Member{Name: "A", Route: "a"}, Member{Name: "B", Route: "b"}
	for _, tc := range []struct {
		name    string
		options Options
		members []Member
		visits  []visit
	}{
		{"forms", Options{Sticky: "S|s"}, []Member{a, b}, []visit{
			{"/x;s=1.b", "", "B", "b s b -"},
			{"/x;s=.b;t=1", "", "A", "a s b;t=1 1"}, // the route is all there is
			{"/x?s=.b&t", "", "B", "b s b -"},
			{"/x?s=b", "", "A", "a - - 1"}, // without a dot there is none
			{"/x?S=.b", "", "A", ""},       // the cookie's name
			{"/x?xs=.b", "", "B", "b s b -"},
			{"/x?s=&.b", "", "B", "b s b -"},
			{"/", "T=.a; S=1.b", "B", "b S b -"},
			{"/", "TS=.b", "A", ""},
			{"/", "T=1,S =1.b", "B", "b S b -"},
			{"/", "S=.b.c", "A", "a S b.c 1"},
			{"/", `S="x.b"`, "A", `a S b" 1`},
			{"/", "S=.", "A", "a S  1"},
			{"/x?s=.a", "S=.b", "A", "a s a -"}, // the parameter goes before the cookie
			{"/?s=.q", "S=.b", "B", "b s q 1"},
			{"/?s=q", "S=.b", "B", "b - - 1"},
		}},
		{"scolonpathdelim", Options{Sticky: "S", SemicolonPath: true}, []Member{a, b}, []visit{
			{"/x;S=.b;t=1", "", "B", "b S b -"},
			{"/x;S=.b;t=1", "", "B", "b S b -"},
		}},
		{"no scolonpathdelim", Options{Sticky: "S"}, []Member{a, b}, []visit{
			{"/x;S=.b;t=1", "", "A", "a S b;t=1 1"},
			{"/x;S=.b;t=1", "", "B", "b S b;t=1 1"},
			{"/x;S=.b/y", "", "A", "a S b/y 1"},
		}},
		{"stickysessionsep", Options{Sticky: "S", Separator: "-"}, []Member{a, b}, []visit{
			{"/", "S=1.2-b", "B", "b S b -"},
		}},
		{"no separator", Options{Sticky: "S", Separator: "Off"}, []Member{a, {Name: "B", Route: "1.b"}}, []visit{
			{"/", "S=1.b", "B", "1.b S 1.b -"},
		}},
		{"no sticky", Options{}, []Member{a, b}, []visit{
			{"/", "S=.b", "A", "a - - -"},
		}},
		{"those balanced make up for sessions", Options{Sticky: "S"}, []Member{a, b}, []visit{
			{"/", "S=x.a", "A", ""}, {"/", "S=x.a", "A", ""}, {"/", "S=x.a", "A", ""},
			{"/", "", "B", ""}, {"/", "", "B", ""}, {"/", "", "B", ""}, {"/", "", "A", ""}, {"/", "", "B", ""},
		}},
		{"draining", Options{Sticky: "S"}, []Member{a, {Name: "B", Route: "b", Draining: true}}, []visit{
			{"/", "", "A", "a - - 1"},
			{"/", "S=.b", "B", "b S b -"},
		}},
		{"failover", Options{Sticky: "S"}, []Member{{Name: "X", Route: "x"}, a}, []visit{
			{"/", "S=.x", "A", "a S x 1"},
		}},
		{"nofailover", Options{Sticky: "S", NoFailover: true}, []Member{{Name: "X", Route: "x"}, a}, []visit{
			{"/", "S=.x", "503", "x S x -"},
			{"/", "S=.x", "503", "- - - -"},
			{"/", "S=.q", "A", "a S q 1"},
			{"/", "", "A", "a - - 1"},
		}},
		{"redirect", Options{Sticky: "S"}, []Member{{Name: "A", Route: "a", Disabled: true, Redirect: "b"}, b, {Name: "C", Route: "c"}}, []visit{
			{"/", "S=.a", "B", "b S a 1"},
		}},
		{"redirect in a circle", Options{Sticky: "S"}, []Member{
			{Name: "A", Route: "a", Disabled: true, Redirect: "b"},
			{Name: "B", Route: "b", Disabled: true, Redirect: "a"},
			{Name: "C", Route: "c"},
		}, []visit{
			{"/", "S=.a", "C", "c S a 1"},
		}},
		{"a standby's session", Options{Sticky: "S"}, []Member{{Name: "A", Route: "s", Standby: true}, b}, []visit{
			{"/", "S=.s", "A", "s S s -"},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, tc.options, tc.members...)
			for i, v := range tc.visits {
				r := get(v.url, v.cookie)
				got := l.send(r, 200, 1)
				env := environment(r)
				if got != v.want || v.env != "" && env != v.env {
					t.Errorf("%d: %s with cookie %q: %s, %q; want %s, %q", i+1, v.url, v.cookie, got, env, v.want, v.env)
				}
			}
		})
	}
}

func environment(r *request.Request) string {
	var words []string
	for _, name := range []string{"BALANCER_WORKER_ROUTE", "BALANCER_SESSION_STICKY", "BALANCER_SESSION_ROUTE", "BALANCER_ROUTE_CHANGED"} {
		value, ok := r.Env(name)
		if !ok {
			value = "-"
		}
		words = append(words, value)
	}
	return strings.Join(words, " ")
}

func TestNames(t *testing.T) {
	l := newLab(t, Options{Sticky: "S"}, Member{Name: "http://127.0.0.1:8001/base", Route: "1"})
	r := get("/app/x", "")
	r.Filename = "proxy:balancer://b/x;S=.1"
	l.Choose(r, nil)
	for name, want := range map[string]string{
		"BALANCER_NAME":          "balancer://b",
		"BALANCER_WORKER_NAME":   "http://127.0.0.1:8001/base",
		"BALANCER_SESSION_ROUTE": "1",
	} {
		if got, _ := r.Env(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// FuzzSession looks for what a client could send to get anything but a part of
// what it sent.
func FuzzSession(f *testing.F) {
	f.Add("/x;S=1.b;t=2", "S=.a&b", "a=1; S=2.c", true)
	f.Add("/S=", "S=?&", "S=,S =\t;S", false)
	f.Add("", "", "SS=.;S=.\x00", false)
	f.Fuzz(func(t *testing.T, uri, query, cookie string, semicolon bool) {
		l := newLab(t, Options{Sticky: "S", SemicolonPath: semicolon}, Member{Name: "A", Route: "b"})
		r := get(uri, cookie)
		r.Query = query
		s := l.session(r)
		if s.found && !strings.Contains(uri+"\n"+query+"\n"+cookie, "."+s.route) {
			t.Errorf("route %q of %q, %q, %q", s.route, uri, query, cookie)
		}
		if !s.found && s.route != "" {
			t.Errorf("route %q is not found", s.route)
		}
		if strings.ContainsAny(s.route, "?&") && !strings.Contains(cookie, s.route) {
			t.Errorf("route %q goes on behind its parameter", s.route)
		}
	})
}

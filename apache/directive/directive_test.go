// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package directive

import (
	"strings"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

func TestArgs(t *testing.T) {
	for _, tc := range []struct {
		args        []string
		least, most int
		want        string // part of the error
	}{
		{nil, 0, 0, ""},
		{nil, 1, 1, "Timeout needs more than that, for example: Timeout 60"},
		{[]string{"1"}, 1, 1, ""},
		{[]string{"1", "2"}, 1, 1, `too many arguments from "2" on`},
		{[]string{"1", "#", "a"}, 1, 1, "has a comment behind it"},
		{[]string{"1", "2", "3"}, 1, -1, ""},
	} {
		err := Args(&syntax.Node{Name: "Timeout", Args: tc.args}, tc.least, tc.most, "Timeout 60")
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q: got %v, want %q", tc.args, err, tc.want)
		}
	}
}

func TestOnOff(t *testing.T) {
	for _, tc := range []struct {
		args    []string
		on, bad bool
	}{
		{[]string{"On"}, true, false},
		{[]string{"oFF"}, false, false},
		{[]string{"on", "#", "a", "comment"}, true, false},
		{[]string{"true"}, false, true},
		{nil, false, true},
	} {
		if on, err := OnOff(&syntax.Node{Name: "RewriteEngine", Args: tc.args}); on != tc.on || (err != nil) != tc.bad {
			t.Errorf("%q: %t, %v", tc.args, on, err)
		}
	}
}

func TestContext(t *testing.T) {
	n := &syntax.Node{Position: syntax.Position{File: "/etc/apache2/chat.conf", Line: 7}}
	var warned syntax.Problem
	c := &Context{ServerRoot: "/etc/apache2"}
	c.Warnf(n, "nobody hears it")
	c.Warn = func(p syntax.Problem) { warned = p }
	if c.Warnf(n, "%d words", 2); warned.Message != "2 words" || warned.Position != n.Position {
		t.Errorf("warned of %+v", warned)
	}
	if Line(n) != "chat.conf:7" || c.Absolute("a/../b") != "/etc/apache2/b" || c.Absolute("/c//d") != "/c/d" {
		t.Errorf("%s, %s, %s", Line(n), c.Absolute("a/../b"), c.Absolute("/c//d"))
	}
}

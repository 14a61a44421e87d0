// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"os/user"
	"regexp"
	"strings"
	"testing"
)

func TestSwitchCommand(t *testing.T) {
	who, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	storage := newSwitchStorage(t)
	switchSites(t, map[string]string{"chat": "ws_switch chat"})
	const at = `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S+`
	for _, test := range []struct{ args, want string }{
		{"switch", "chat is on\n"},
		{"switch chat", "chat is on\n"},
		{"switch chat off", "chat is off, set by " + regexp.QuoteMeta(who.Username) + " at " + at + "\n"},
		{"switch chat off --for 10m --by alice", "chat is off until " + at + ", set by alice at " + at + "\n"},
		{"switch chat off --until 2126-01-05T18:00:00Z", `chat is off until 21\d\d` + at[5:] + ", set by .*\n"},
		{"switch chat", "chat is off until .*\n"},
		{"switch other on --by bob", `other is on, set by bob at ` + at + ` \(no ws_switch of this Caddy's config has the name\)` + "\n"},
		{"switch", "chat is off until .*\nother is on, .*\n"},
		{"switch other forget", `other is on \(no ws_switch of this Caddy's config has the name\)` + "\n"},
		{"switch", "chat is off until .*\n"},
	} {
		out, err := runCommand(t, strings.Fields(test.args)...)
		if err != nil || !regexp.MustCompile("^"+test.want+"$").MatchString(out) {
			t.Errorf("%s: %v %q, want %q", test.args, err, out, test.want)
		}
	}
	storage.down(true)
	if out, err := runCommand(t, "switch"); err == nil || !strings.Contains(err.Error(), "there may be more") || !strings.HasPrefix(out, "chat is off") {
		t.Errorf("%v %q", err, out)
	}
	for args, want := range map[string]string{
		"switch chat maybe":           `"maybe" is none of on, off and forget`,
		"switch chat forget --for 1m": "--for needs a name and on or off",
		"switch chat off now":         "at most 2 arg",
		"switch a/b off":              "is no name of a switch",
		"switch chat --for 10m":       "--for needs a name and on or off",
		"switch chat on --for 10m":    "a switch that is on stays so",
		"switch chat off --for soon":  "write one as 10m or 2h",
		"switch chat on":              "no route to storage",
		"switch elsewhere":            "no route to storage",
		"switch chat off --until now": "is no time",
	} {
		if _, err := runCommand(t, strings.Fields(args)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
}

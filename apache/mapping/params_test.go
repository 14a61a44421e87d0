// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestParams is what httpd 2.4.71 took, and what it refused.
func TestParams(t *testing.T) {
	t.Parallel()
	seconds := func(n int) *time.Duration {
		d := time.Duration(n) * time.Second
		return &d
	}
	for text, want := range map[string]Params{
		"timeout=60":                    {Timeout: time.Minute},
		"timeout=60s":                   {Timeout: time.Minute},
		"TimeOut=5 connectiontimeout=5": {Timeout: 5 * time.Second, ConnectionTimeout: 5 * time.Second},
		"connectiontimeout=300ms":       {ConnectionTimeout: 300 * time.Millisecond},
		"connectiontimeout=1min":        {ConnectionTimeout: time.Minute},
		"connectiontimeout=1H":          {ConnectionTimeout: time.Hour},
		"connectiontimeout=2s":          {ConnectionTimeout: 2 * time.Second},
		"ping=1":                        {Ping: time.Second},
		"retry=0":                       {Retry: seconds(0)},
		"retry=30":                      {Retry: seconds(30)},
		"loadfactor=1.5 lbset=2":        {LoadFactor: 1.5, LBSet: 2},
		"status=+H":                     {Status: "+H"},
		"status=D-h":                    {Status: "D-h"},
		"status=":                       {},
		"route=a redirect=b":            {Route: "a", Redirect: "b"},
		"route=":                        {},
		"upgrade=websocket":             {Upgrade: []string{"websocket"}},
		"upgrade=any":                   {Upgrade: []string{"*"}},
		"upgrade=":                      {},
		"flushpackets=Auto":             {FlushPackets: "auto"},
		"disablereuse=On":               {DisableReuse: true},
		"enablereuse=off":               {DisableReuse: true},
		"max=5x":                        {Max: 5},
		"responsefieldsize=16384":       {ResponseFieldSize: 16384},
		"secret=a":                      {Secret: "a"},
		"keepalive=ON ttl=5 min=1 smax=2 acquire=10 flushwait=1000 iobuffersize=0 receivebuffersize=512": {},
		"addressttl=-1 addressttl=5 flusher=x": {},
	} {
		var got Params
		if err := got.UnmarshalText([]byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if back, err := got.MarshalText(); string(back) != text || err != nil {
			t.Errorf("%s: is printed as %s; %v", text, back, err)
		}
		got.text = ""
		if len(got.Upgrade) == 0 {
			got.Upgrade = nil
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", text, got, want)
		}
	}
}

func TestParamsRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"timeout=0": "at least 1", "timeout=-1": "at least 1", "timeout=": "at least 1", "timeout=abc": "at least 1", "timeout=99999999999": "at least 1",
		"retry=-1": "at least 0", "ttl=0": "at least 1", "acquire=0": "at least one millisecond", "acquire=x": "has to be a time",
		"connectiontimeout=0": "at least one millisecond", "connectiontimeout=1m": "m is not a unit", "connectiontimeout=5x": "x is not a unit",
		"ping=1m": "m is not a unit", "ping=x": "has to be a time", "loadfactor=0.5": "from 1 to 100", "loadfactor=101": "from 1 to 100",
		"loadfactor=abc": "from 1 to 100", "loadfactor=NaN": "from 1 to 100", "lbset=100": "from 0 to 99",
		"status=x": "letters of D, S", "status=+": "letters of D, S", "status=H+": "letters of D, S", "flushpackets=x": "on, off or auto",
		"flushwait=1001": "from 0 to 1000", "keepalive=1": "On or Off", "disablereuse=yes": "On or Off", "enablereuse=x": "On or Off",
		"responsefieldsize=-1": "at least 0", "iobuffersize=100": "at least 512", "receivebuffersize=511": "at least 512", "addressttl=1500ms": "whole seconds",
		"upgrade=aaaaaaaaaaaaaaaa": "fewer than 16", "route=" + strings.Repeat("a", 64): "fewer than 64", "redirect=" + strings.Repeat("a", 64): "fewer than 64",
		"hctemplate=x": "mod_proxy_hcheck", "unknown=1": "unknown parameter", "a": "name=value", "#": "# is no comment",
		// httpd takes these for 0.
		"retry=abc": "at least 0", "min=abc": "at least 0", "lbset=abc": "from 0 to 99", "responsefieldsize=x": "at least 0",
	} {
		if err := new(Params).UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if _, _, err := read(`ProxyPass / http://a "route=a b"`, true); err == nil || !strings.Contains(err.Error(), "has a space in it") {
		t.Errorf("a space: %v", err)
	}
}

// TestProxySet: what is said later adds to what was said before.
func TestProxySet(t *testing.T) {
	t.Parallel()
	rs, _, err := read(`
		ProxyPass /a http://a.test/ timeout=5
		<Proxy http://a.test/x>
		ProxySet retry=1
		</Proxy>
		<Proxy ws://b.test/ timeout=9>
		</Proxy>
		ProxySet ws://b.test/ upgrade=ANY
		ProxyPass /b ws://b.test/ flushpackets=on`, true)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range rs.Workers {
		got = append(got, w.Line+" "+w.URL+" "+w.Params.String())
	}
	// The last ProxyPass shares the worker of the section: a warning, and no effect.
	want := []string{"site.conf:2 http://a.test/ timeout=5 retry=1", "site.conf:6 ws://b.test/ timeout=9 upgrade=ANY"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestMergeSwitches: a virtual host's hold, and the main server's where it has none.
func TestMergeSwitches(t *testing.T) {
	t.Parallel()
	main, _, err := read("AllowEncodedSlashes NoDecode\nMergeSlashes Off\nRedirectRelative On", true)
	if err != nil {
		t.Fatal(err)
	}
	if o := Merge(main, new(Rules)).CleanOptions(); o != (CleanOptions{EncodedSlashes: "NoDecode", KeepSlashes: true}) {
		t.Errorf("of the main server: %+v", o)
	}
	vhost, _, err := read("AllowEncodedSlashes On\nMergeSlashes On", true)
	if err != nil {
		t.Fatal(err)
	}
	rs := Merge(main, vhost)
	if o := rs.CleanOptions(); o != (CleanOptions{EncodedSlashes: "On"}) || !*rs.RedirectRelative {
		t.Errorf("of the virtual host: %+v", o)
	}
}

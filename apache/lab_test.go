// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package apache_test

import (
	"encoding/json"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	_ "github.com/caddy-wstunnel/caddy-wstunnel"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest/apachelab"
)

// TestLab runs the cases that httpd 2.4.71 was measured with. What is meant to be
// another answer here has ~ and that behind it, and stands in docs/apache.md. The
// interop tests hold httpd itself against the same file.
func TestLab(t *testing.T) {
	l := newLab(t)
	for _, c := range apachelab.Cases(t, "testdata/lab.txt") {
		t.Run(c.Title, func(t *testing.T) { l.run(t, c) })
	}
}

// lab has the adapter in the laboratory.
type lab struct{ *apachelab.Lab }

func newLab(t *testing.T) *lab { return &lab{apachelab.New(t)} }

// base is around each case, as in the lab that httpd was measured in.
const base = `
ServerName base.test
Listen 127.0.0.1:@P
DocumentRoot @W/htdocs
<Directory @W/htdocs>
 AllowOverride All
 Options FollowSymLinks
 Require all granted
</Directory>
`

func (l *lab) run(t *testing.T, c apachelab.Case) {
	port := wstest.CaddyPort(t)
	conf := l.Fill(c.On(base), port)
	adapted, err := adapt(conf)
	switch {
	case c.Refuse && err == nil:
		t.Error("it should have been refused")
		return
	case c.Refuse:
		return
	case err != nil:
		t.Fatal(err)
	}
	if c.Strict {
		if _, err := adapt("Define CADDY_STRICT\n" + conf); err == nil {
			t.Error("it should have been refused if strict")
		}
	}
	load(t, adapted)
	for _, p := range c.Probes {
		l.expect(t, "127.0.0.1:"+port, p.Request, p.Ours)
	}
}

// site runs a configuration with the lab's base.
func (l *lab) site(t *testing.T, conf string) (address string) {
	t.Helper()
	port := wstest.CaddyPort(t)
	adapted, err := adapt(l.Fill(base+conf, port))
	if err != nil {
		t.Fatal(err)
	}
	load(t, adapted)
	return "127.0.0.1:" + port
}

// expect asks, and compares with what httpd answered.
func (l *lab) expect(t *testing.T, address, request, want string) {
	t.Helper()
	if got := l.Ask(t, address, request, want); got != want {
		t.Errorf("%s\n got %s\nwant %s", request, got, want)
	}
}

// adapt runs the adapter on a file of the lab.
func adapt(text string) ([]byte, error) {
	adapted, _, err := caddyconfig.GetAdapter("apache").Adapt([]byte(text), map[string]any{"filename": "lab.conf"})
	return adapted, err
}

// load runs a config, without an admin endpoint.
func load(t *testing.T, config []byte) {
	t.Helper()
	var c map[string]any
	if err := json.Unmarshal(config, &c); err != nil {
		t.Fatal(err)
	}
	off := false
	c["admin"] = map[string]any{"disabled": true, "config": map[string]any{"persist": off}}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := caddy.Load(text, true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
}

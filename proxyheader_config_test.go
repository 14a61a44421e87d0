// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/proxyheader"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/proxylisten"
)

// TestProxyHeaderPlacement validates whole configs: where the wrapper stands
// among others is an error or not before anything listens.
func TestProxyHeaderPlacement(t *testing.T) {
	files, _ := phCertificate(t)
	const ours = "proxy_header 10.0.0.0/8\n"
	for name, test := range map[string]struct{ wrappers, site, want string }{
		"before tls":             {ours + "tls", "https://site.test:0 {\ntls " + files + "\n}", ""},
		"with http_redirect":     {ours + "http_redirect\ntls", "https://site.test:0 {\ntls " + files + "\n}", ""},
		"after tls":              {"http_redirect\ntls\n" + ours, "https://site.test:0 {\ntls " + files + "\n}", "placed after tls: write it first"},
		"after tls, without TLS": {"http_redirect\ntls\n" + ours, "http://site.test:0", "placed after tls: write it first"},
		"no tls":                 {ours, "https://site.test:0 {\ntls " + files + "\n}", "without tls, on a server that has TLS"},
		"no tls, automatic TLS":  {ours, "site.test:8443", "without tls, on a server that has TLS"},
		"no tls, without TLS":    {ours, "http://site.test:0", ""},
		"tls, without TLS":       {ours + "tls", "http://site.test:0", ""},
		"with proxy_protocol":    {"proxy_protocol\n" + ours + "tls", "http://site.test:0", "proxy_header beside proxy_protocol"},
		"twice":                  {ours + ours + "tls", "http://site.test:0", "listed twice"},
	} {
		t.Run(name, func(t *testing.T) {
			config, err := phAdapt("{\nadmin off\nlog {\noutput discard\n}\nservers {\nlistener_wrappers {\n" + test.wrappers + "\n}\n}\n}\n" + test.site)
			if err != nil {
				t.Fatal(err)
			}
			err = phValidate(config)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}

func TestProxyHeaderValidate(t *testing.T) {
	rules := []ProxyRule{{Policy: "require", Ranges: []string{"10.0.0.0/8"}}}
	for want, lw := range map[string]*ListenerWrapper{
		"":                         {Rules: rules},
		"no rules":                 {},
		"unknown policy":           {Rules: []ProxyRule{{Policy: "allow", Ranges: []string{"::1"}}}},
		"without a range":          {Rules: []ProxyRule{{Policy: "skip"}}},
		"neither an address":       {Rules: []ProxyRule{{Policy: "skip", Ranges: []string{"{env.PH_NAME}"}}}},
		"{env.PH_UNSET}":           {Rules: []ProxyRule{{Policy: "skip", Ranges: []string{"{env.PH_UNSET}"}}}},
		"negative":                 {Rules: rules, Timeout: -1},
		`unknown version "1"`:      {Rules: rules, Versions: []string{"1"}},
		"max_size 16 must be from": {Rules: rules, MaxSize: 16},
	} {
		t.Setenv("PH_NAME", "elb")
		ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
		err := lw.Provision(ctx)
		if err == nil {
			err = lw.Validate()
		}
		cancel()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestProxyHeaderWarnings(t *testing.T) {
	for name, test := range map[string]struct {
		lw   ListenerWrapper
		want []string
	}{
		"as meant":         {phRules("require 10.0.0.0/8 198.51.100.0/24 unix", "optional 192.168.0.0/16 fe80::/10 fd12::/64 127.0.0.1", "reject 0.0.0.0/0 ::/0"), nil},
		"everyone":         {phRules("require 0.0.0.0/0"), []string{"everyone is trusted"}},
		"everyone, IPv6":   {phRules("optional ::/0"), []string{"everyone is trusted"}},
		"optional, public": {phRules("optional 10.0.0.0/7 203.0.113.1"), []string{"public range", "public range"}},
		"short timeout":    {ListenerWrapper{Rules: phRules("require ::1").Rules, Timeout: caddy.Duration(2 * time.Second)}, []string{"below 3s"}},
		"long enough":      {ListenerWrapper{Rules: phRules("require ::1").Rules, Timeout: caddy.Duration(3 * time.Second)}, nil},
	} {
		core, logs := observer.New(zapcore.WarnLevel)
		test.lw.logger = zap.New(core)
		if err := test.lw.provisionListener(); err != nil {
			t.Fatal(err)
		}
		test.lw.warn()
		if logs.Len() != len(test.want) {
			t.Errorf("%s: %d warnings, want %d", name, logs.Len(), len(test.want))
			continue
		}
		for i, entry := range logs.All() {
			if !strings.Contains(entry.Message, test.want[i]) {
				t.Errorf("%s: %q, want %q", name, entry.Message, test.want[i])
			}
		}
	}
}

// phRules makes a wrapper of rules as a Caddyfile has them.
func phRules(rules ...string) ListenerWrapper {
	var lw ListenerWrapper
	for _, r := range rules {
		words := strings.Fields(r)
		lw.Rules = append(lw.Rules, ProxyRule{Policy: words[0], Ranges: words[1:]})
	}
	return lw
}

func TestRejectLog(t *testing.T) {
	core, logs := observer.New(zapcore.DebugLevel)
	now := time.Unix(1000, 0)
	l := &rejectLog{logger: zap.New(core), now: func() time.Time { return now }}
	reject := func(reason proxyheader.Reason, seen string) {
		l.log(proxylisten.Outcome{
			Result: proxylisten.Rejected,
			Err:    &proxyheader.Error{Reason: reason, Seen: []byte(seen)},
		})
	}
	for range 5 {
		reject(proxyheader.NoSignature, "GET")
	}
	reject(proxyheader.CRCMismatch, "x")
	now = now.Add(999 * time.Millisecond)
	reject(proxyheader.NoSignature, "GET")
	now = now.Add(time.Millisecond)
	reject(proxyheader.NoSignature, "PUT")
	reject(proxyheader.EOFIncomplete, "")     // a probe
	reject(proxyheader.EOFIncomplete, "PROX") // none
	reject(proxyheader.EOFIncomplete, "")

	want := []struct {
		level      zapcore.Level
		reason     string
		bytes      any
		suppressed any
	}{
		{zapcore.WarnLevel, "no-signature", "474554", int64(0)},
		{zapcore.WarnLevel, "crc-mismatch", "78", int64(0)},
		{zapcore.WarnLevel, "no-signature", "505554", int64(5)},
		{zapcore.DebugLevel, "eof-incomplete", nil, nil},
		{zapcore.WarnLevel, "eof-incomplete", "50524f58", int64(0)},
		{zapcore.DebugLevel, "eof-incomplete", nil, nil},
	}
	if logs.Len() != len(want) {
		t.Fatalf("%d lines, want %d: %+v", logs.Len(), len(want), logs.All())
	}
	for i, entry := range logs.All() {
		fields := entry.ContextMap()
		if w := want[i]; entry.Level != w.level || fields["reason"] != w.reason || fields["first_bytes"] != w.bytes || fields["suppressed"] != w.suppressed {
			t.Errorf("line %d: %s %v, want %v", i, entry.Level, fields, w)
		}
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net/http"
	"strings"
	"testing"
)

// TestHandlerOf has httpd's rule for names with several extensions.
func TestHandlerOf(t *testing.T) {
	const conf = "AddHandler cgi-script .cgi PL\nAddHandler type-map var\nAddHandler default-handler txt\nRemoveHandler .var\n"
	cfg, err := Read("/etc/chat.conf", []byte(conf), Options{})
	if err != nil {
		t.Fatal(err)
	}
	files := cfg.Main.Files
	for name, want := range map[string]string{
		"/srv/a.cgi": "cgi-script", "/srv/a.PL": "cgi-script", "/srv/a.pl.en": "cgi-script",
		"/srv/a.cgi.txt": "", "/srv/a.txt.cgi": "cgi-script", "/srv/a.var": "", "/srv/a": "", "/srv/x.cgi/a": "", "/srv/cgi": "",
	} {
		if got := files.HandlerOf(name); got != want {
			t.Errorf("%s is for %q, want %q", name, got, want)
		}
	}
	if warned := len(cfg.Warnings); warned != 2 {
		t.Errorf("%d warnings, want one for each handler: %v", warned, cfg.Warnings)
	}
}

// TestPages warns of pages that are not there, and forgets them where an inner
// section has None.
func TestPages(t *testing.T) {
	cfg, err := Read("/etc/chat.conf", []byte("<Location /server-status>\nSetHandler Server-Status\n</Location>"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	outer := cfg.Main.Sections[0].Files
	if outer.Page() != "server-status" || len(cfg.Warnings) != 1 || !strings.Contains(cfg.Warnings[0].Message, "ws_status") {
		t.Errorf("page %q, warnings %v", outer.Page(), cfg.Warnings)
	}
	if page := mergeFiles(outer, &Files{Handler: "none"}).Page(); page != "" {
		t.Errorf("None leaves %q", page)
	}
}

// TestAddCharset leaves alone what has one, or is no text that a person reads.
func TestAddCharset(t *testing.T) {
	for kind, want := range map[string]string{
		"text/html":                "text/html; charset=x",
		"Text/Plain ; a=b":         "Text/Plain ; a=b; charset=x",
		"text/html; Charset=utf-8": "text/html; Charset=utf-8",
		"text/css":                 "text/css",
		"":                         "",
	} {
		h := http.Header{"Content-Type": {kind}}
		(&Files{Charset: "x"}).AddCharset(h)
		if got := h.Get("Content-Type"); got != want {
			t.Errorf("%q becomes %q, want %q", kind, got, want)
		}
	}
}

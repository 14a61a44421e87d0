// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package logformat

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// read takes the directives of a text.
func read(t *testing.T, text string) (rs *Rules, warnings []string, err error) {
	t.Helper()
	config, err := syntax.Parse("/etc/apache2/site.conf", []byte(text+"\n"), syntax.Options{})
	if err != nil {
		t.Fatal(err)
	}
	rs = new(Rules)
	ctx := &directive.Context{ServerRoot: "/etc/apache2", Warn: func(p syntax.Problem) { warnings = append(warnings, p.Message) }}
	for _, n := range config.Nodes {
		if !Reads(n.Name) {
			t.Fatalf("%s is not read", n.Name)
		}
		if err := rs.Directive(ctx, n); err != nil {
			return rs, warnings, err
		}
	}
	return rs, warnings, nil
}

func mustRead(t *testing.T, text string) *Rules {
	t.Helper()
	rs, _, err := read(t, text)
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

// TestAccess has the formats that httpd 2.4.71 wrote these logs in, unless a row
// says otherwise.
func TestAccess(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []Log
	}{
		{"file", "CustomLog logs/../a.log %s\nCustomLog /var/log/b.log %s", []Log{
			{"/etc/apache2/a.log", "%s", "", "site.conf:1"}, {"/var/log/b.log", "%s", "", "site.conf:2"}}},
		{"nickname", "LogFormat \"one %s\" ONE\nCustomLog /a one", []Log{{"/a", "one %s", "", "site.conf:2"}}},
		{"nickname, later", "CustomLog /a one\nLogFormat \"one %s\" one\nLogFormat \"two %s\" One", []Log{{"/a", "two %s", "", "site.conf:1"}}},
		{"built in", "CustomLog /a clf", []Log{{"/a", Common, "", "site.conf:1"}}},
		// With a main configuration that defines it, as all have.
		{"of the main configuration", "CustomLog /a Combined", []Log{{"/a", known["combined"], "", "site.conf:1"}}},
		{"another combined", "LogFormat %s combined\nCustomLog /a combined", []Log{{"/a", "%s", "", "site.conf:2"}}},
		{"no nickname", "CustomLog /a nope", []Log{{"/a", "nope", "", "site.conf:1"}}},
		{"TransferLog", "TransferLog /a", []Log{{"/a", Common, "", "site.conf:1"}}},
		{"TransferLog, format", "TransferLog /a\nLogFormat \"deflt %s\"", []Log{{"/a", "deflt %s", "", "site.conf:1"}}},
		{"TransferLog, nickname", "LogFormat one\nTransferLog /a\nLogFormat \"one %s\" one", []Log{{"/a", "one %s", "", "site.conf:2"}}},
		{"conditions", "CustomLog /a %s ENV=x\nCustomLog /a %s env=!x\nCustomLog /a %s \"expr=%{REQUEST_STATUS} -eq 404\"", []Log{
			{"/a", "%s", "env=x", "site.conf:1"}, {"/a", "%s", "env=!x", "site.conf:2"}, {"/a", "%s", "expr=%{REQUEST_STATUS} -eq 404", "site.conf:3"}}},
		{"nowhere", "CustomLog /dev/null %s\nCustomLog \"|/bin/rotatelogs x\" %s\nCustomLog syslog:local1 %s\nTransferLog |x", nil},
		{"GlobalLog", "GlobalLog /g %s\nCustomLog /a %s", []Log{{"/a", "%s", "", "site.conf:2"}, {"/g", "%s", "", "site.conf:1"}}},
	} {
		// In a configuration of Caddy's there is the way through JSON.
		printed, err := json.Marshal(mustRead(t, tt.text))
		if err != nil {
			t.Fatal(err)
		}
		rs := new(Rules)
		if err := json.Unmarshal(printed, rs); err != nil {
			t.Fatal(err)
		}
		if got := rs.Access(); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

// TestMerge is measured: a virtual host with a log, even one that goes nowhere,
// does not write those of the server, apart from GlobalLog.
func TestMerge(t *testing.T) {
	main := mustRead(t, "LogFormat \"main %s\" f\nLogFormat \"other %s\" g\nLogFormat \"deflt %s\"\n"+
		"CustomLog /main f\nGlobalLog /global g\nErrorLog /main-error\nLogLevel info")
	for _, tt := range []struct{ text, want, errors, level string }{
		{"LogLevel debug", "/main main %s, /global other %s", "/main-error", "DEBUG"},
		{"LogFormat \"v %s\" F", "/main v %s, /global other %s", "/main-error", "INFO"},
		{"CustomLog /own g", "/own other %s, /global other %s", "/main-error", "INFO"},
		{"TransferLog /own", "/own deflt %s, /global other %s", "/main-error", "INFO"},
		{"CustomLog /dev/null f", "/global other %s", "/main-error", "INFO"},
		{"ErrorLog /own", "/main main %s, /global other %s", "/own", "INFO"},
		{"ErrorLog syslog", "/main main %s, /global other %s", "", "INFO"},
	} {
		merged := Merge(main, mustRead(t, tt.text))
		var got []string
		for _, l := range merged.Access() {
			got = append(got, l.File+" "+l.Format)
		}
		if got := strings.Join(got, ", "); got != tt.want || merged.ErrorFile() != tt.errors || merged.Level() != tt.level {
			t.Errorf("%s: got %s; errors in %q, %s", tt.text, got, merged.ErrorFile(), merged.Level())
		}
	}
	if Merge(nil, main) != main || Merge(main, nil) != main || Merge(nil, nil) != nil {
		t.Error("nothing is not nothing")
	}
	if len(main.Logs) != 1 || len(main.Formats) != 2 || main.Formats["f"] != "main %s" {
		t.Error("merging changes what is merged")
	}
}

func TestLevel(t *testing.T) {
	for text, want := range map[string]string{
		"LogLevel emerg":                 "ERROR",
		"LogLevel Warn":                  "WARN",
		"LogLevel notice":                "INFO",
		"LogLevel trace8":                "DEBUG",
		"LogLevel ssl:debug":             "",
		"LogLevel info ssl:warn":         "INFO",
		"LogLevel info\nLogLevel x:crit": "INFO",
		"LogLevel info alert":            "ERROR",
	} {
		if got := mustRead(t, text).Level(); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

// TestErrors are directives with which httpd does not start.
func TestErrors(t *testing.T) {
	for text, want := range map[string]string{
		"CustomLog /a":                "needs more",
		"CustomLog /a combined quiet": "a condition is",
		"CustomLog /a %h %l":          "quotation marks",
		"CustomLog /a combined env=":  "name of a variable",
		"CustomLog /a combined env=!": "name of a variable",
		`CustomLog /a x "expr=bad("`:  "condition",
		`CustomLog "" combined`:       "name of a file",
		`CustomLog /a "%h %{Referer"`: "without a }",
		`LogFormat "%{x" y`:           "without a }",
		`LogFormat "%{x"`:             "without a }",
		`LogFormat "a %" y`:           "ends within",
		`LogFormat "a %>404" y`:       "ends within",
		`LogFormat "%Q" y`:            "%Q",
		`LogFormat "%^zz" y`:          "%^zz",
		`LogFormat "100%^" y`:         "%^",
		"LogFormat x y z":             "too many",
		"TransferLog /a combined":     "too many",
		"TransferLog":                 "needs more",
		`TransferLog ""`:              "name of a file",
		"ErrorLog":                    "needs more",
		"ErrorLog /a b":               "too many",
		`ErrorLog ""`:                 "name of a file",
		"LogLevel loud":               "there are emerg",
		"LogLevel warn ssl:loud":      "there are emerg",
		"LogLevel":                    "needs more",
	} {
		if _, _, err := read(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %q", text, err, want)
		}
	}
}

func TestWarnings(t *testing.T) {
	for text, want := range map[string]string{
		`CustomLog "|/bin/rotatelogs x" combined`:                     "no program is run",
		"ErrorLog syslog:local7":                                      "nothing is sent to syslog:local7",
		"CustomLog /dev/null combined":                                "",
		"CustomLog /a combined":                                       "",
		`LogFormat "%h %{FOO}e %>s %X" x`:                             "%{FOO}e, %X, which",
		`CustomLog /a "%{FOO}n"`:                                      "%{FOO}n",
		`CustomLog /a "%{Cookie}i %{id}C %{Set-Cookie}o %{Referer}i"`: "%{Cookie}i, %{id}C, %{Set-Cookie}o there",
		"LogLevel info ssl:trace1":                                    "",
	} {
		_, warnings, err := read(t, text)
		if err != nil {
			t.Fatal(err)
		}
		all := strings.Join(warnings, "\n")
		if (want == "") != (all == "") || !strings.Contains(all, want) {
			t.Errorf("%s: got %q, want %q", text, all, want)
		}
	}
}

// TestPrinted is about how the rules look in a configuration of Caddy's.
func TestPrinted(t *testing.T) {
	got, err := json.Marshal(mustRead(t, "LogFormat %h Short\nLogFormat %s\nCustomLog /a Short env=!quiet\nCustomLog /dev/null x\nErrorLog /e\nLogLevel warn"))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"formats":{"short":"%h"},"default":"%s",` +
		`"logs":[{"file":"/a","format":"Short","condition":"env=!quiet","line":"site.conf:3"},{"format":"x","line":"site.conf:4"}],` +
		`"error_log":{"file":"/e","line":"site.conf:5"},"log_level":"WARN"}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

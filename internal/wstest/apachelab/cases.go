// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package apachelab

import (
	"os"
	"strings"
	"testing"
)

// Case is one of the file.
type Case struct {
	Title  string
	Conf   string // with @A, @B, @C for origins, @W for the folder, @P for the port
	Strict bool   // httpd does not start; the adapter does, unless it is strict
	Refuse bool   // nor does the adapter
	NoRoot bool   // without the base's DocumentRoot
	Probes []Probe
}

// Probe is a request and the answer to it.
type Probe struct {
	Request string
	HTTPD   string // its answer
	Ours    string // which is another one if that is intended
}

// On is the configuration behind what is around every case.
func (c *Case) On(base string) string {
	if c.NoRoot {
		base = strings.Replace(base, "DocumentRoot @W/htdocs\n", "", 1)
	}
	return base + c.Conf
}

// Cases reads a file of cases.
func Cases(t testing.TB, file string) []Case {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var cases []Case
	for part := range strings.SplitSeq(string(text), "\n== ") {
		var c Case
		title, rest, _ := strings.Cut(strings.TrimPrefix(part, "== "), "\n")
		conf, probes, ok := strings.Cut(rest, "\n--\n")
		if !ok {
			t.Fatalf("case %q has no probes", title)
		}
		c.Title, c.Conf = title, conf
		for line := range strings.SplitSeq(strings.TrimSpace(probes), "\n") {
			switch line {
			case "error":
				c.Refuse = true
				continue
			case "error if strict":
				c.Strict = true
				continue
			case "without DocumentRoot":
				c.NoRoot = true
				continue
			}
			request, want, ok := strings.Cut(line, " -> ")
			if !ok {
				t.Fatalf("%s: probe %q has no answer", title, line)
			}
			p := Probe{request, want, want}
			if httpd, ours, differs := strings.Cut(want, " ~ "); differs {
				if p.HTTPD, p.Ours = httpd, ours; httpd == ours {
					t.Errorf("%s: %s: there is no difference", title, request)
				}
			}
			c.Probes = append(c.Probes, p)
		}
		cases = append(cases, c)
	}
	return cases
}

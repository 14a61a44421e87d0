// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package header

import (
	"regexp"
	"testing"

	"golang.org/x/net/http/httpguts"
)

func TestMoments(t *testing.T) {
	for text, want := range map[string]string{
		"%D": `^D=[0-9]+$`,
		"%l": `^l=-?[0-9.]+/-?[0-9.]+/-?[0-9.]+$`,
	} {
		v, err := parseValue(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := v.expand(client()); err != nil || !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%s: got %q, %v", text, got, err)
		}
	}
}

func TestListed(t *testing.T) {
	for _, tt := range []struct {
		list, item string
		want       bool
	}{
		{"a, b,c", "b", true},
		{"a, b,c", "c", true},
		{"a , b", "a", false}, // the space before a comma counts
		{`x="a,b", c`, `x="a,b"`, true},
		{`x="a,b", c`, "b", false},
		{`"open, a`, "a", false},
		{"a,,b", "", true},
		{"a,", "", false},
		{"", "", false},
	} {
		if got := listed(tt.list, tt.item); got != tt.want {
			t.Errorf("%q in %q: got %v", tt.item, tt.list, got)
		}
	}
}

// FuzzValue holds any value that is accepted to a field that may be sent.
func FuzzValue(f *testing.F) {
	for _, text := range []string{"a %{A}e %%", `\n`, `a\\n\t`, "expr=%{REQUEST_URI}", "expr='\\n'", "%", "%{", "%{}s", "%l%i%b%t%D", `"a,b",c`} {
		f.Add(text, "a\r\nb")
	}
	f.Fuzz(func(t *testing.T, text, variable string) {
		v, err := parseValue(text)
		if err != nil {
			return
		}
		r := client()
		r.URI = variable
		r.SetEnv("A", variable)
		value, err := v.expand(r)
		if err != nil {
			return
		}
		if !httpguts.ValidHeaderFieldValue(value) {
			t.Errorf("%q becomes %q", text, value)
		}
		listed(value, variable)
	})
}

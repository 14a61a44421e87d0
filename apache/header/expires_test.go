// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package header

import (
	"net/http"
	"testing"
	"time"
)

// TestExpires has what httpd 2.4.71 answered, apart from the time.
func TestExpires(t *testing.T) {
	const later = "Tue, 14 Nov 2023 23:18:20 GMT" // an hour and 5 minutes
	for _, tt := range []struct {
		name, text string
		file       bool
		status     int
		h          http.Header
		want       string
	}{
		{"default", `ExpiresDefault "access plus 1 hour 5 minutes"`, true, 200, http.Header{"Content-Type": {"a/b"}},
			"Cache-Control: max-age=3900\nContent-Type: a/b\nExpires: " + later},
		{"by type", "ExpiresDefault A1\nExpiresByType TEXT/plain A3900", true, 200, http.Header{"Content-Type": {"Text/Plain; charset=x"}},
			"Cache-Control: max-age=3900\nContent-Type: Text/Plain; charset=x\nExpires: " + later},
		{"by kind", "ExpiresDefault A1\nExpiresByType text/* A3900\nExpiresByType text/html A2", true, 200, http.Header{"Content-Type": {"text/plain"}},
			"Cache-Control: max-age=3900\nContent-Type: text/plain\nExpires: " + later},
		{"last one counts", "ExpiresByType text/plain A1\nExpiresByType text/plain A3900", true, 200, http.Header{"Content-Type": {"text/plain"}},
			"Cache-Control: max-age=3900\nContent-Type: text/plain\nExpires: " + later},
		{"appended", "ExpiresDefault A3900\nHeader append Cache-Control x\nHeader edit Expires .* E", true, 200, http.Header{"Cache-Control": {"private"}},
			"Cache-Control: private, max-age=3900, x\nExpires: E"},
		{"has one already", "ExpiresDefault A3900", true, 200, http.Header{"Expires": {"0"}}, "Expires: 0"},
		{"error", "ExpiresDefault A3900", true, 404, http.Header{}, ""},
		{"redirect", "ExpiresDefault A3900", true, 302, http.Header{}, "Cache-Control: max-age=3900\nExpires: " + later},
		{"no type, no default", "ExpiresByType text/* A1", true, 200, http.Header{}, ""},

		{"modified", "ExpiresDefault M3900", true, 200, http.Header{"Last-Modified": {"Tue, 14 Nov 2023 22:13:19 GMT"}},
			"Cache-Control: max-age=3898\nExpires: Tue, 14 Nov 2023 23:18:19 GMT\nLast-Modified: Tue, 14 Nov 2023 22:13:19 GMT"},
		{"modified long ago", "ExpiresDefault M3900", true, 200, http.Header{"Last-Modified": {"Tue, 14 Nov 2000 22:13:20 GMT"}},
			"Cache-Control: max-age=0\nExpires: Tue, 14 Nov 2023 22:13:20 GMT\nLast-Modified: Tue, 14 Nov 2000 22:13:20 GMT"},
		{"no file", "ExpiresDefault M3900", false, 200, http.Header{"Last-Modified": {"Tue, 14 Nov 2023 22:13:19 GMT"}},
			"Last-Modified: Tue, 14 Nov 2023 22:13:19 GMT"},
		{"modified unknown", "ExpiresDefault M3900", true, 200, http.Header{}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := client()
			r.Filename = "/srv/a.txt"
			if !tt.file {
				r.Filename = "proxy:http://be/a.txt"
			}
			if err := compile(t, mustRead(t, "ExpiresActive On\n"+tt.text)).Response(r, tt.status, tt.h, false); err != nil {
				t.Fatal(err)
			}
			if got := print(tt.h, ""); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
	if e := compile(t, mustRead(t, "ExpiresDefault A1\nExpiresActive Off")); e != nil {
		t.Error("it is off")
	}
}

// TestPeriods has what httpd 2.4.71 made of these, in seconds.
func TestPeriods(t *testing.T) {
	const day = 24 * 60 * 60
	for text, want := range map[string]period{
		"access":                     {},
		"access plus":                {},
		"now plus 1 mo 2 mi":         {false, 30*day + 120},
		"access 1 day":               {false, day},
		"access PLUS 1 Year 2 weeks": {false, 365*day + 14*day},
		"modification plus 30 s":     {true, 30},
		"modification":               {true, 0},
		"A":                          {},
		"A-5":                        {false, -5},
		"M60":                        {true, 60},
		"Access plus 1 month":        {},
		"A 5":                        {},
		"access plus 12x seconds":    {false, 12},
		// Of these httpd makes something negative, or less.
		"access plus 99999999999999999999 years": {false, maxSeconds},
		"A99999999999999999999":                  {false, maxSeconds},
	} {
		if got, err := parsePeriod(text); err != nil || got != want {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
	}
}

// TestMergeExpires is measured: a section with ExpiresByType image/png loses the
// text/* around it, one with image/* does not.
func TestMergeExpires(t *testing.T) {
	outer := mustRead(t, "ExpiresActive On\nExpiresByType text/* A10\nExpiresByType text/css A11\nExpiresDefault A5")
	for _, tt := range []struct{ inner, contentType, want string }{
		{"", "text/plain", "max-age=10"},
		{"Header set X y", "text/plain", "max-age=10"},
		{"ExpiresByType image/png A7", "text/plain", "max-age=5"},
		{"ExpiresByType image/png A7", "image/png", "max-age=7"},
		{"ExpiresByType image/png A7", "text/css", "max-age=11"},
		{"ExpiresByType image/* A7", "text/plain", "max-age=10"},
		{"ExpiresByType text/css A7\nExpiresDefault A6", "text/css", "max-age=7"},
		{"ExpiresDefault A6", "a/b", "max-age=6"},
		{"ExpiresActive Off", "a/b", ""},
	} {
		h := http.Header{"Content-Type": {tt.contentType}}
		if err := compile(t, Merge(outer, mustRead(t, tt.inner))).Response(client(), 200, h, false); err != nil {
			t.Fatal(err)
		}
		if got := h.Get("Cache-Control"); got != tt.want {
			t.Errorf("%q, %s: got %q, want %q", tt.inner, tt.contentType, got, tt.want)
		}
	}
	if len(outer.Expires.ByType) != 2 {
		t.Error("merging changes what is merged")
	}
}

// FuzzPeriod holds any period that is accepted to an answer that can be sent.
func FuzzPeriod(f *testing.F) {
	for _, text := range []string{"access plus 1 month", "A-1", "M9999999999", `now "1" 's'`, "modification 1 y 1 y", "n p 0 d", " ", "a '' s"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePeriod(text)
		if err != nil {
			return
		}
		h := http.Header{"Last-Modified": {"Tue, 14 Nov 2000 22:13:20 GMT"}}
		r := client()
		(&expiry{standard: &p}).apply(r, h)
		expires, err := http.ParseTime(h.Get("Expires"))
		if err != nil || expires.Before(r.Time.Truncate(time.Second)) {
			t.Errorf("%q: Expires is %q", text, h.Get("Expires"))
		}
	})
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"bytes"
	"net/http"
	"strconv"
	"testing"
)

// TestClean is what httpd 2.4.71 did with each path.
func TestClean(t *testing.T) {
	t.Parallel()
	options := []CleanOptions{
		{}, {EncodedSlashes: "On"}, {EncodedSlashes: "NoDecode"}, {KeepSlashes: true}, {EncodedSlashes: "on", KeepSlashes: true},
	}
	same := func(uri string) [5]string { return [5]string{uri, uri, uri, uri, uri} }
	for path, want := range map[string][5]string{
		"/":                same("/"),
		"/ws/x":            same("/ws/x"),
		"/a/../b":          same("/b"),
		"/..":              same("400"),
		"/../a":            same("400"),
		"/a/../../b":       same("400"),
		"/%2e%2e/a":        same("400"),
		"/a/%2e":           same("/a/"),
		"/a/.":             same("/a/"),
		"/a/..":            same("/"),
		"/a/...":           same("/a/..."),
		"/a/..b":           same("/a/..b"),
		"/a/b..":           same("/a/b.."),
		"/a/.%2e/b":        same("/b"),
		"/ws/%2E%2E/x":     same("/x"),
		"/a%2541":          same("/a%41"),
		"/%7Ea":            same("/~a"),
		"/a%00b":           same("404"),
		"/a%":              same("400"),
		"/a%4":             same("400"),
		"/a%zz":            same("400"),
		"/a%5cb":           same(`/a\b`),
		"/a;b/../c":        same("/c"),
		"/a%0ab":           same("/a\nb"),
		"/a%20b%7f":        same("/a b\x7f"),
		"/a+b%2Bc@d:e,f=g": same("/a+b+c@d:e,f=g"),
		"/%E3%81%82":       same("/あ"),
		"/a%3Fb":           same("/a?b"),
		"*":                same("400"),
		"a":                same("400"),
		"":                 same("400"),
		"//a///b":          {"/a/b", "/a/b", "/a/b", "//a///b", "//a///b"},
		"/a//../b":         {"/b", "/b", "/b", "/a/b", "/a/b"},
		"/a/..%2fb":        {"404", "/b", "/a/..%2fb", "404", "/b"},
		"/a%2fb":           {"404", "/a/b", "/a%2fb", "404", "/a/b"},
		"/a%2F%2Fb":        {"404", "/a/b", "/a%2F%2Fb", "404", "/a//b"},
		"/a%252Fb":         {"/a%2Fb", "/a%2Fb", "/a%2Fb", "/a%2Fb", "/a%2Fb"},
		"/%2f..%2fx/y":     {"404", "/x/y", "/%2f..%2fx/y", "404", "/x/y"},
		"/x/%2e%2e%2fy":    {"404", "/y", "/x/..%2fy", "404", "/y"},
		"/%2f../..":        same("/"),
	} {
		for i, o := range options {
			if got := cleaned(path, o); got != want[i] {
				t.Errorf("%s, %+v: %q, want %q", path, o, got, want[i])
			}
		}
	}
}

func cleaned(path string, o CleanOptions) string {
	uri, status := Clean(path, o)
	if status != 0 {
		return strconv.Itoa(status)
	}
	return uri
}

// FuzzClean compares Clean with a model of it that takes a step at a time, over
// and over.
func FuzzClean(f *testing.F) {
	for _, seed := range []string{"/a/../b", "/%2e%2e/", "//a%2f..%2F..//b", "/a/.%2e/./..", "/%252e%2541%zz", "/a%00", "/..%2f", "/./"} {
		f.Add(seed, "", false)
		f.Add(seed, "On", true)
		f.Add(seed, "NoDecode", false)
	}
	f.Fuzz(func(t *testing.T, path, slashes string, keep bool) {
		switch slashes {
		case "", "Off", "On", "NoDecode":
		default:
			return
		}
		o := CleanOptions{EncodedSlashes: slashes, KeepSlashes: keep}
		uri, status := Clean(path, o)
		wantURI, wantStatus := slowClean(path, o)
		if uri != wantURI || status != wantStatus {
			t.Fatalf("%q, %+v: %q %d, want %q %d", path, o, uri, status, wantURI, wantStatus)
		}
	})
}

// slowClean rewrites the path with the first rule that applies until none does.
func slowClean(path string, o CleanOptions) (string, int) {
	if len(path) == 0 || path[0] != '/' {
		return "", http.StatusBadRequest
	}
	first, ok := slowDecode(path, func(c byte) bool {
		return bytes.IndexByte([]byte("-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"), c) >= 0
	})
	if !ok {
		return "", http.StatusBadRequest
	}
	first, ok = slowDots(first, o.KeepSlashes)
	if !ok {
		return "", http.StatusBadRequest
	}
	// %XX that has come from %25 is not there yet: a % never is the first of two.
	nul, slash := false, false
	second, _ := slowDecode(first, func(c byte) bool {
		nul = nul || c == 0
		slash = slash || c == '/'
		return c != '/' || o.EncodedSlashes == "On"
	})
	if nul || slash && (o.EncodedSlashes == "" || o.EncodedSlashes == "Off") {
		return "", http.StatusNotFound
	}
	if o.EncodedSlashes == "On" {
		second, _ = slowDots(second, o.KeepSlashes)
	}
	return second, 0
}

func slowDecode(path string, decode func(byte) bool) (string, bool) {
	var out []byte
	for len(path) > 0 {
		if path[0] == '%' {
			if len(path) < 3 {
				return "", false
			}
			n, err := strconv.ParseUint(path[1:3], 16, 8)
			if err != nil {
				return "", false
			}
			if decode(byte(n)) {
				out = append(out, byte(n))
			} else {
				out = append(out, path[:3]...)
			}
			path = path[3:]
			continue
		}
		out = append(out, path[0])
		path = path[1:]
	}
	return string(out), true
}

func slowDots(path string, keepSlashes bool) (string, bool) {
	ok := true
	segments := bytes.Split([]byte(path), []byte("/"))[1:]
	var kept [][]byte
	for i, segment := range segments {
		last := i == len(segments)-1
		switch string(segment) {
		case "":
			if last || keepSlashes {
				kept = append(kept, segment)
			}
		case ".":
			if last {
				kept = append(kept, nil)
			}
		case "..":
			if len(kept) == 0 {
				ok = false
			} else {
				kept = kept[:len(kept)-1]
			}
			if last {
				kept = append(kept, nil)
			}
		default:
			kept = append(kept, segment)
		}
	}
	return "/" + string(bytes.Join(kept, []byte("/"))), ok
}

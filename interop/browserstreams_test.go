// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"strconv"
	"strings"
	"testing"
)

// TestBrowserStreams has Chromium open many WebSockets at once, with an origin that
// answers in fragments: each on a connection of its own, or as streams of one of
// HTTP/2. From a page of HTTP/3, too, it takes one of these.
func TestBrowserStreams(t *testing.T) {
	const sockets = 50
	type socket struct {
		Large bool
		Small int
		Code  int
		Clean bool
	}
	type seen struct {
		Page    string
		Sockets []socket
	}
	for _, test := range []struct {
		page, proto string // proto "": any
		site        func(l *lab) string
		connections int // 0: any number
	}{
		{"http/1.1", "HTTP/1.1", func(l *lab) string { return l.https }, sockets},
		{"h2", "HTTP/2.0", func(l *lab) string { return l.http2 }, 1},
		{"h3", "", func(l *lab) string { return l.http3 }, 0},
	} {
		t.Run(test.page, func(t *testing.T) {
			l := startLab(t, "")
			site := test.site(l)
			var flags []string
			if test.page == "h3" {
				_, port, _ := strings.Cut(site, ":")
				flags = forceHTTP3(t, port, l.cert)
			}
			got := browse[seen](t, "https://"+site+"/streams.html?sockets="+strconv.Itoa(sockets), flags...)()
			if got.Page != test.page || len(got.Sockets) != sockets {
				t.Fatalf("the page saw %+v", got)
			}
			connections := make(map[string]bool)
			for n, saw := range got.Sockets {
				path, code := "/chat/"+strconv.Itoa(n), 4000+n
				if want := (socket{true, 100, code, true}); saw != want {
					t.Errorf("WebSocket %d saw %+v, want %+v", n, saw, want)
				}
				l.origin.says(t, `"closed":"`+path+`?fragments"`, `"code":`+strconv.Itoa(code)+",", `"reason":"done here"`)
				r := l.record(t, path)
				if connections[r.RemoteAddr] = true; r.Reason != "client_closed" || test.proto != "" && r.Proto != test.proto {
					t.Errorf("the record of %d is %+v", n, r)
				}
			}
			if test.connections != 0 && len(connections) != test.connections {
				t.Errorf("they came on %d connections", len(connections))
			}
		})
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"strconv"
	"testing"
)

// TestBrowserStreams has Chromium open many WebSockets at once, as streams of one
// HTTP/2 connection, and an origin that answers in fragments.
func TestBrowserStreams(t *testing.T) {
	const sockets = 10
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
	l := startLab(t, "")
	got := browse[seen](t, "https://"+l.http2+"/streams.html?sockets="+strconv.Itoa(sockets))()
	if got.Page != "h2" || len(got.Sockets) != sockets {
		t.Fatalf("the page saw %+v", got)
	}
	connection := l.record(t, "/chat/0").RemoteAddr
	for n, saw := range got.Sockets {
		path, code := "/chat/"+strconv.Itoa(n), 4000+n
		if want := (socket{true, 500, code, true}); saw != want {
			t.Errorf("WebSocket %d saw %+v, want %+v", n, saw, want)
		}
		l.origin.says(t, `"closed":"`+path+`?fragments"`, `"code":`+strconv.Itoa(code)+",", `"reason":"done here"`)
		if r := l.record(t, path); r.Reason != "client_closed" || r.Proto != "HTTP/2.0" || r.RemoteAddr != connection {
			t.Errorf("the record of %d is %+v, that of 0 came from %s", n, r, connection)
		}
	}
}

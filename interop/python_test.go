// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// debianPython is the one that has Debian's packages; another one may come first in
// PATH.
const debianPython = "/usr/bin/python3"

// TestPython has a client and an origin made with Python's websockets.
func TestPython(t *testing.T) {
	originPort := wstest.FreePort(t)
	origin := start(t, "", nil, debianPython, "testdata/peer.py", "serve", originPort)
	origin.listens(t, originPort, nil)
	l := startLabBefore(t, "", originPort)
	for path, site := range map[string]string{"/chat/plain": "ws://" + l.http, "/chat/tls": "wss://" + l.https} {
		client := start(t, "", nil, debianPython, "testdata/peer.py", "visit", site+path, "4005")
		client.succeeds(t)
		client.says(t, `"code": 4005`, `"protocol": "first"`, `"extensions": ["permessage-deflate"]`)
		origin.says(t, `"closed": "`+path+`"`, `"code": 4005`, `"reason": "done here"`)
		if r := l.record(t, path); r.Reason != "client_closed" || r.ToOrigin.Code != 4005 || r.ToClient.Code != 4005 {
			t.Errorf("the record of %s is %+v", path, r)
		}
	}
}

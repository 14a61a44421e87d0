// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"encoding/json"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// TestGorilla has a client and an origin made with gorilla/websocket, both of which
// would compress.
func TestGorilla(t *testing.T) {
	originPort := wstest.FreePort(t)
	origin := start(t, "", nil, peer(t, "gorilla"), "serve", originPort)
	origin.listens(t, originPort, nil)
	l := startLabBefore(t, "", originPort)
	for _, url := range []string{"ws://" + l.http + "/chat/plain", "wss://" + l.https + "/chat/tls"} {
		client := start(t, "", nil, peer(t, "gorilla"), "visit", url, "4003")
		client.succeeds(t)
		var saw struct {
			Code, Pongs          int
			Protocol, Extensions string
		}
		if err := json.Unmarshal([]byte(client.said()), &saw); err != nil {
			t.Fatalf("the client said %q: %v", client.said(), err)
		}
		if saw.Code != 4003 || saw.Pongs != 1 || saw.Protocol != "first" || saw.Extensions == "" {
			t.Errorf("%s: the client saw %+v", url, saw)
		}
		origin.says(t, `"code":4003`, `"reason":"done here"`)
	}
	for _, path := range []string{"/chat/plain", "/chat/tls"} {
		if r := l.record(t, path); r.Reason != "client_closed" || r.ToOrigin.Code != 4003 || r.ToClient.Code != 4003 {
			t.Errorf("the record of %s is %+v", path, r)
		}
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// TestNPMWebSocket has a client and an origin made with the npm package ws.
func TestNPMWebSocket(t *testing.T) {
	cert, key, _ := certificate(t)
	for _, test := range []struct {
		name, deflate, options string
		close                  string // by the client, 0: not at all
		tls                    bool
		client, server         int // the codes that they see
		reason                 string
	}{
		{"plain", "false", "", "1000", false, 1000, 1000, "client_closed"},
		{"compressed", "true", "", "4001", false, 4001, 4001, "client_closed"},
		{"TLS", "true", "", "3999", true, 3999, 3999, "client_closed"},
		{"the gateway ends it", "true", "max_lifetime 2s", "0", false, 1001, 1001, "max_lifetime"},
	} {
		t.Run(test.name, func(t *testing.T) {
			originPort, port := wstest.FreePort(t), wstest.FreePort(t)
			server := node(t, "server.cjs", originPort)
			server.listens(t, originPort, nil)
			scheme, tlsLine := "http", ""
			if test.tls {
				scheme, tlsLine = "https", "\ttls "+cert+" "+key+"\n"
			}
			gateway := startCaddy(t, "", scheme+"://localhost:"+port+" {\n\tbind 127.0.0.1\n"+tlsLine+
				"\tws_tunnel 127.0.0.1:"+originPort+" {\n\t\t"+test.options+"\n\t}\n}\n")
			gateway.listens(t, port, nil)

			url := strings.Replace(scheme, "http", "ws", 1) + "://localhost:" + port + "/chat"
			said := node(t, "client.cjs", url, test.deflate, test.close).wait(t)
			var saw struct {
				Code                         int
				Reason, Protocol, Extensions string
			}
			if err := json.Unmarshal([]byte(said), &saw); err != nil {
				t.Fatalf("the client said %q: %v", said, err)
			}
			if saw.Code != test.client || saw.Protocol != "first" || (saw.Extensions == "permessage-deflate") != (test.deflate == "true") {
				t.Errorf("the client saw %+v", saw)
			}
			var closed struct {
				Code   int
				Reason string
			}
			if err := json.Unmarshal([]byte(server.says(t, `"closed":"/chat"`)), &closed); err != nil {
				t.Fatal(err)
			}
			if closed.Code != test.server || test.close != "0" && closed.Reason != "done here" {
				t.Errorf("the origin saw %+v", closed)
			}
			gateway.says(t, "tunnel ended", `"reason":"`+test.reason+`"`)
		})
	}
}

// node runs a script of testdata.
func node(t *testing.T, script string, args ...string) *program {
	t.Helper()
	modules, err := filepath.Abs("node_modules")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(modules, "ws")); err != nil {
		t.Fatalf("run npm ci --prefix interop first: %v", err)
	}
	return start(t, "", []string{"NODE_PATH=" + modules}, "node", append([]string{"testdata/" + script}, args...)...)
}

// wscat runs wscat.
func wscat(t *testing.T, args ...string) *program {
	t.Helper()
	return start(t, "", nil, "node_modules/.bin/wscat", append([]string{"--no-color"}, args...)...)
}

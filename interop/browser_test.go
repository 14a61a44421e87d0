// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// TestBrowser has Chromium open a WebSocket from a page. Whether that goes over
// HTTP/2 is for Chromium to decide: it does if the page came so, and the server
// said that it can.
func TestBrowser(t *testing.T) {
	type seen struct {
		Page        string
		Text, Bytes bool
		Code        int
		Clean       bool
	}
	for _, test := range []struct {
		name, protocols, options, query string
		want                            seen
		records                         []string
	}{
		{"HTTP/1.1", "h1", "", "?close=4002", seen{"http/1.1", true, true, 4002, true}, []string{`"proto":"HTTP/1.1"`, `"reason":"client_closed"`}},
		{"HTTP/2", "h1 h2", "", "?close=4002", seen{"h2", true, true, 4002, true}, []string{`"proto":"HTTP/2.0"`, `"reason":"client_closed"`}},
		{"HTTP/1.1, lifetime", "h1", "max_lifetime 3s", "", seen{"http/1.1", true, true, 1001, true}, []string{`"proto":"HTTP/1.1"`, `"reason":"max_lifetime"`}},
		{"HTTP/2, lifetime", "h1 h2", "max_lifetime 3s", "", seen{"h2", true, true, 1001, true}, []string{`"proto":"HTTP/2.0"`, `"reason":"max_lifetime"`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			reports := make(chan seen, 1)
			results := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				var got seen
				if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
					t.Error(err)
				}
				reports <- got
			}))
			defer results.Close()
			port, echo := wstest.FreePort(t), wstest.NewOrigin(t)
			cert, key, _ := certificate(t)
			gateway := startCaddy(t, "\tservers {\n\t\tprotocols "+test.protocols+"\n\t}\n", "https://localhost:"+port+` {
	bind 127.0.0.1
	tls `+cert+" "+key+`
	ws_tunnel /chat 127.0.0.1:`+echo.Port+` {
		`+test.options+`
	}
	reverse_proxy /result `+strings.TrimPrefix(results.URL, "http://")+`
	root interop/testdata
	file_server
}
`)
			gateway.listens(t, port, trusting("localhost"))
			chromium := startChromium(t, "https://localhost:"+port+"/browser.html"+test.query)
			select {
			case got := <-reports:
				if got != test.want {
					t.Errorf("the page saw %+v, want %+v", got, test.want)
				}
			case <-chromium.ended:
				t.Fatal("the browser ended without a result")
			case <-time.After(wstest.Patience):
				t.Fatal("no result from the page")
			}
			gateway.says(t, append(test.records, "tunnel ended")...)
			if asked := echo.Next(t); asked.Header.Get("Origin") != "https://localhost:"+port {
				t.Errorf("the origin saw %v", asked.Header)
			}
		})
	}
}

// startChromium opens a page in a browser without a window and without a past.
func startChromium(t *testing.T, url string) *program {
	t.Helper()
	// It writes there until it is killed, and after: t.TempDir would not do.
	profile, err := os.MkdirTemp("", "chromium")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(profile) })
	return start(t, "", []string{"HOME=" + profile}, "chromium",
		"--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-quic", "--disable-dev-shm-usage",
		"--proxy-server=direct://", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost",
		"--ignore-certificate-errors", "--user-data-dir="+profile, "--remote-debugging-port=0", url)
}

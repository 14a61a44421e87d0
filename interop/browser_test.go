// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// TestBrowser has Chromium open a WebSocket from a page. Whether that goes over
// HTTP/2 is for Chromium to decide: it does if the page came so, and the server
// said that it can. Over HTTP/3 it opens none: with a page that came so, it takes
// another version.
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
		{"HTTP/1.1", "h1", "", "close=4002", seen{"http/1.1", true, true, 4002, true}, []string{`"proto":"HTTP/1.1"`, `"reason":"client_closed"`}},
		{"HTTP/2", "h1 h2", "", "close=4002", seen{"h2", true, true, 4002, true}, []string{`"proto":"HTTP/2.0"`, `"reason":"client_closed"`}},
		{"page of HTTP/3", "h1 h2 h3", "", "close=4002", seen{"h3", true, true, 4002, true}, []string{`"reason":"client_closed"`}},
		{"HTTP/1.1, lifetime", "h1", "max_lifetime 3s", "", seen{"http/1.1", true, true, 1001, true}, []string{`"proto":"HTTP/1.1"`, `"reason":"max_lifetime"`}},
		{"HTTP/2, lifetime", "h1 h2", "max_lifetime 3s", "", seen{"h2", true, true, 1001, true}, []string{`"proto":"HTTP/2.0"`, `"reason":"max_lifetime"`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			port, echo := wstest.FreePort(t), wstest.NewOrigin(t)
			cert, key, _ := certificate(t)
			gateway := startCaddy(t, "\tservers {\n\t\tprotocols "+test.protocols+"\n\t}\n", "https://localhost:"+port+` {
	bind 127.0.0.1
	tls `+cert+" "+key+`
	ws_tunnel /chat 127.0.0.1:`+echo.Port+` {
		`+test.options+`
	}
	root interop/testdata
	file_server
}
`)
			gateway.listens(t, port, trusting("localhost"))
			var flags []string
			if test.want.Page == "h3" {
				flags = forceHTTP3(t, port, cert)
			}
			if got := browse[seen](t, "https://localhost:"+port+"/browser.html?"+test.query, flags...)(); got != test.want {
				t.Errorf("the page saw %+v, want %+v", got, test.want)
			}
			gateway.says(t, append(test.records, "tunnel ended")...)
			if asked := echo.Next(t); asked.Header.Get("Origin") != "https://localhost:"+port {
				t.Errorf("the origin saw %v", asked.Header)
			}
		})
	}
}

// browse opens a page, which is told where to report what it saw. The report is
// waited for by the function that it returns.
func browse[T any](t *testing.T, page string, flags ...string) (saw func() T) {
	t.Helper()
	reports := make(chan T, 1)
	results := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var got T
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		reports <- got
	}))
	t.Cleanup(results.Close)
	_, port, _ := net.SplitHostPort(results.Listener.Addr().String())
	chromium := startChromium(t, page+"&report="+url.QueryEscape("http://localhost:"+port), flags...)
	return func() (got T) {
		t.Helper()
		select {
		case got = <-reports:
		case <-chromium.ended:
			t.Fatal("the browser ended without a result")
		case <-time.After(wstest.Patience):
			t.Fatal("no result from the page")
		}
		return got
	}
}

// forceHTTP3 has Chromium use HTTP/3 with a port at once, and trust a certificate
// there: --ignore-certificate-errors is not for QUIC.
func forceHTTP3(t *testing.T, port, certFile string) (flags []string) {
	t.Helper()
	text, err := os.ReadFile(certFile)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	key := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return []string{
		"--origin-to-force-quic-on=localhost:" + port,
		"--ignore-certificate-errors-spki-list=" + base64.StdEncoding.EncodeToString(key[:]),
	}
}

// startChromium opens a page in a browser without a window and without a past.
func startChromium(t *testing.T, url string, flags ...string) *program {
	t.Helper()
	// It writes there until it is killed, and after: t.TempDir would not do.
	profile, err := os.MkdirTemp("", "chromium")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(profile) })
	return start(t, "", []string{"HOME=" + profile}, "chromium", append(flags,
		"--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--proxy-server=direct://", "--host-resolver-rules=MAP localhost 127.0.0.1, MAP * ~NOTFOUND",
		"--ignore-certificate-errors", "--user-data-dir="+profile, "--remote-debugging-port=0", url)...)
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// h2specDiffers are the cases in which Go's server is not as h2spec wants it. Stock
// Caddy fails them, too.
var h2specDiffers = map[string]string{
	"Sends multiple values of SETTINGS_INITIAL_WINDOW_SIZE":                                                                                  "it hangs up over a setting that comes twice",
	"Sends a HEADERS frame that contains the connection-specific header field":                                                               "it answers 400 where a stream error is asked for",
	"Sends a HEADERS frame that contains the TE header field with any value other than \"trailers\"":                                         "as before",
	"Sends a large size HEADERS frame that exceeds the SETTINGS_MAX_FRAME_SIZE":                                                              "it goes by a larger size than h2spec assumes",
	"Sends multiple WINDOW_UPDATE frames increasing the flow control window to above 2^31-1 on a stream":                                     "the stream may be over before the second one is there",
	"Sends a HEADERS frame with the \"content-length\" header field which does not equal the DATA frame payload length":                      "the answer may come before the body was looked at",
	"Sends a HEADERS frame with the \"content-length\" header field which does not equal the sum of the multiple DATA frames payload length": "as before",
}

// TestH2spec has h2spec try HTTP/2 (RFC 9113) on a listener with proxy_header and a
// site with ws_tunnel: neither must be in the way of Go's server.
func TestH2spec(t *testing.T) {
	cert, key, _ := certificate(t)
	port := wstest.FreePort(t)
	startCaddy(t, `
	servers {
		listener_wrappers {
			proxy_header {
				optional 127.0.0.1/32
			}
			tls
		}
	}
`, "https://localhost:"+port+" {\n\tbind 127.0.0.1\n\ttls "+cert+" "+key+"\n\tws_tunnel 127.0.0.1:9\n\trespond hello\n}\n").listens(t, port, trusting("localhost"))
	file := filepath.Join(t.TempDir(), "report.xml")
	spec := start(t, "", nil, peer(t, "h2spec"), "--host", "localhost", "--port", port, "--tls", "--insecure", "--junit-report", file)
	spec.wait(t) // with an error, because of those that differ

	var report struct {
		Suites []struct {
			ID    string `xml:"id,attr"`
			Cases []struct {
				Name    string    `xml:"classname,attr"`
				Skipped *struct{} `xml:"skipped"`
				Failure string    `xml:"failure"`
				Error   string    `xml:"error"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := xml.Unmarshal(text, &report); err != nil {
		t.Fatal(err)
	}
	cases := 0
	for _, suite := range report.Suites {
		for _, c := range suite.Cases {
			cases++
			if what := c.Failure + c.Error; what != "" && h2specDiffers[c.Name] == "" || c.Skipped != nil {
				t.Errorf("%s: %s: %s", suite.ID, c.Name, what)
			}
		}
	}
	if cases < 140 { // h2spec 2.2.1 has 145
		t.Errorf("h2spec tried %d cases", cases)
	}
}

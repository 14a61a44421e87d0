// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"io"
	"strings"
	"testing"
)

// A page of another site does not get in past `origin`, however it is called, and
// over whatever version of HTTP (RFC 6455 section 10.2).
func TestAttackCrossSite(t *testing.T) {
	g := startGateway(t, true, "", "@own websocket {\norigin https://site.test *.apps.test https://xn--bcher-kva.test same\n}\nroute {\nws_tunnel @own "+echoOrigin(t)+"\nrespond 403\n}")
	for _, own := range []string{
		"https://site.test", "https://site.test:443", "HTTPS://SITE.TEST", "https://a.apps.test", "https://xn--bcher-kva.test",
	} {
		for _, version := range allVersions {
			c := g.openVersion(version, "Origin", own)
			liveTunnels(t, 1) // or the client would leave during the handshake
			c.Close()
			g.expectEnd("client_gone", "client")
		}
	}
	for _, foreign := range [][]string{
		nil,
		{""},
		{"null"},
		{"https://evil.test"},
		{"https://site.test.evil.test"}, {"https://evilsite.test"}, {"https://site.test-evil.test"},
		{"https://site.test:8443"}, {"https://site.test:0443x"}, {"https://site.test:"}, {"https://site.test:-443"}, {"https://site.test:443:443"},
		{"http://site.test:81"},
		{"https://site.test."}, {"https://a.apps.test."}, {"https://.apps.test"}, {"https://apps.test"}, {"https://a.b.apps.test"},
		{"https://site.test@evil.test"}, {"https://evil.test@site.test"}, {"https://site.test:pass@evil.test"}, {"https://@site.test"},
		{"https://evil.test/https://site.test"}, {"https://evil.test?https://site.test"}, {"https://evil.test#.apps.test"}, {"https://evil.test\\.apps.test"},
		{"https://site.test/"}, {"https://site.test?"}, {"https://site.test#"},
		{"https://site.test https://evil.test"}, {"https://evil.test https://site.test"}, {"https://site.test, https://evil.test"}, {"https://evil.test,https://site.test"},
		{"https://site.test", "https://evil.test"}, {"https://evil.test", "https://site.test"}, {"https://site.test", "https://site.test"},
		{"https://b\u00fccher.test"}, {"https://B\u00dcCHER.test"}, {"https://xn--bucher-kva.test"}, {"https://s\u0456te.test"}, {"https://\uff53ite.test"}, {"https://\u017fite.test"}, {"https://site\u3002test"},
		{"https://site%2etest"}, {"https://%73ite.test"}, {"https://[site.test]"}, {"https://site.test\u200b"}, {"https://a%00.apps.test"},
		{"//site.test"}, {"site.test"}, {"https:site.test"}, {"https:/site.test"}, {"https:///site.test"}, {"file://site.test:443x"}, {"javascript://site.test:1"}, {"https\u200b://site.test"},
		{"chrome-extension://site.test:1"},
	} {
		for _, version := range allVersions {
			var fields []string
			lines := ""
			for _, origin := range foreign {
				fields = append(fields, "Origin", origin)
				lines += "Origin: " + origin + "\r\n"
			}
			var status int
			if version == "HTTP/1.1" {
				c := g.dial()
				c.send(handshakeOf("/ws", lines))
				resp := c.readAnswer()
				_, _ = io.Copy(io.Discard, resp.Body)
				c.Close()
				status = resp.StatusCode
			} else {
				resp, c := g.connect(version, fields...)
				c.Close()
				status = resp.StatusCode
			}
			if status != 403 && status != 400 { // what is no field's value is refused earlier
				t.Errorf("%s of %s: %d", strings.Join(foreign, " | "), version, status)
			}
		}
	}
	nothingLeft(t)
}

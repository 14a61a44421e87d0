// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"io"
	"strings"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// attackWho is whom a site takes a client for, and what it lets in by that.
const attackWho = `@inner proxy_header aws.vpce_id *
respond @inner "vpce"
@lan client_ip 203.0.113.0/24
respond @lan "lan"
respond "{client_ip}"`

// What looks like a PROXY header is none, but from those that the rules trust, and in
// the first bytes of their connections.
func TestAttackForgedProxyHeader(t *testing.T) {
	v2 := phVector(t, "sender-aws-nlb-vpce-example")
	for name, test := range map[string]struct{ rules, sent string }{
		"not listed, version 1":       {"require 192.0.2.1", phLineV1 + phGet},
		"not listed, version 2":       {"require 192.0.2.1", v2 + phGet},
		"skipped":                     {"skip 127.0.0.0/8\nrequire 0.0.0.0/0", phLineV1 + phGet},
		"skipped, version 2":          {"skip 127.0.0.0/8\nrequire 0.0.0.0/0", v2 + phGet},
		"rejected":                    {"reject 127.0.0.1\nrequire 0.0.0.0/0", phLineV1 + phGet},
		"twice":                       {"require 127.0.0.1", "PROXY TCP4 198.51.100.9 198.51.100.22 1 2\r\n" + phLineV1 + phGet},
		"twice, version 2":            {"require 127.0.0.1", phVector(t, "v2-tcp6") + v2 + phGet},
		"twice, both versions":        {"require 127.0.0.1", "PROXY TCP4 198.51.100.9 198.51.100.22 1 2\r\n" + v2 + phGet},
		"behind a LOCAL":              {"require 127.0.0.1", phVector(t, "sender-aws-nlb-health-check") + phLineV1 + phGet},
		"behind a request":            {"optional 127.0.0.1", "GET /a HTTP/1.1\r\nHost: site.test\r\n\r\n" + phLineV1 + phGet},
		"behind a space":              {"optional 127.0.0.1", " " + phLineV1 + phGet},
		"behind an empty line":        {"optional 127.0.0.1", "\r\n" + phLineV1 + phGet},
		"with one LF":                 {"require 127.0.0.1", strings.Replace(phLineV1, "\r\n", "\n", 1) + phGet},
		"with a header in it":         {"require 127.0.0.1", "PROXY UNKNOWN " + strings.TrimSuffix(phLineV1, "\r\n") + "\nGET / HTTP/1.1\r\n\r\n"},
		"in lower case":               {"optional 127.0.0.1", strings.ToLower(phLineV1) + phGet},
		"in a request's fields":       {"optional 127.0.0.1", strings.Replace(phGet, "\r\n\r\n", "\r\nX-Forwarded-For: 203.0.113.7\r\nForwarded: for=203.0.113.7\r\n\r\n", 1)},
		"huge, version 1":             {"require 127.0.0.1", "PROXY TCP4 203.0.113.7 198.51.100.22 56324 443" + strings.Repeat(" ", 1<<20) + "\r\n" + phGet},
		"huge, version 2":             {"require 127.0.0.1", v2[:14] + "\xff\xff" + v2[16:] + strings.Repeat("\x04\x00\x00", 65535/3) + phGet},
		"longer than max_size":        {"require 127.0.0.1\nmax_size 107", v2[:14] + "\x02\x00" + v2[16:] + strings.Repeat("\x04\x00\x00", 150) + phGet},
		"of a version not wanted":     {"require 127.0.0.1\nversions v2", phLineV1 + phGet},
		"ignored":                     {"ignore 127.0.0.1", phLineV1 + phGet},
		"for an address of IPv4-in-6": {"optional 127.0.0.1", "PROXY TCP4 ::ffff:203.0.113.7 198.51.100.22 1 2\r\n" + phGet},
	} {
		t.Run(name, func(t *testing.T) {
			site := phRun(t, "proxy_header {\n"+test.rules+"\n}", attackWho)
			c := wstest.Dial(t, site.address)
			_, _ = io.WriteString(c, test.sent) // it may be closed early
			answer, _ := io.ReadAll(c)
			for _, who := range []string{"vpce", "lan", "203.0.113.7"} {
				if strings.Contains(string(answer), who) {
					t.Errorf("taken for %s: %q", who, answer)
				}
			}
		})
	}
}

// Behind another proxy that one trusts, X-Forwarded-For of the client counts only as
// trusted_proxies has it of whom the PROXY header names.
func TestAttackForwardedBehindProxyHeader(t *testing.T) {
	site := phRunOptions(t, "proxy_header 127.0.0.1", "trusted_proxies static 127.0.0.0/8", "http://:0", attackWho)
	request := strings.Replace(phGet, "\r\n\r\n", "\r\nX-Forwarded-For: 203.0.113.7\r\n\r\n", 1)
	if got := site.send(t, "PROXY TCP4 198.51.100.9 198.51.100.22 1 2\r\n"+request); got != "198.51.100.9" {
		t.Errorf("taken for %s", got)
	}
}

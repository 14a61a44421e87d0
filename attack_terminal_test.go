// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/frame"
)

// Control sequences, of seven bits, eight, and none that is UTF-8; a line of its own;
// and text that turns round.
const (
	hostileText = "\x1b[2J\u009b31m\u202egone\r\n{\"level\":\"error\"}\x7f\u2028"
	hostileURI  = "/%1b[2J%c2%9b31m%e2%80%aegone%0d%0a%7b%22level%22:%22error%22%7d%7f%e2%80%a8%9b2J"
)

// expectHarmless fails the test if text would do anything but to be seen.
func expectHarmless(t *testing.T, what, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Errorf("%s is no UTF-8: %q", what, text)
	}
	for i, r := range text {
		if !strconv.IsPrint(r) && r != '\n' {
			t.Errorf("%s has %q in %q", what, r, text[max(0, i-30):min(len(text), i+30)])
			return
		}
	}
}

// expectHarmlessRecord does so for each text of a record.
func expectHarmlessRecord(t *testing.T, r record) {
	t.Helper()
	for name, value := range r {
		expectHarmless(t, name, name)
		switch value := value.(type) {
		case string:
			expectHarmless(t, name, value)
			if strings.Contains(value, "\n") {
				t.Errorf("%s has more than a line: %q", name, value)
			}
		case map[string]any:
			expectHarmlessRecord(t, value)
		}
	}
}

// Nothing that a client or an origin says steers the terminal of who looks at logs and
// lists, or makes a line there.
func TestAttackTerminal(t *testing.T) {
	closing := string(frame.AppendClose(nil, 1000, "\x1b[2J\u009b", false))
	const oddAnswer = "HTTP/1.1 403 \x1b[2J\u009b\r\nX: \x1b[2J\u009b\r\n\r\n\x1b[2J\u009b"
	g := startGateway(t, false, "", "ws_tunnel /refused* "+deadAddress(t)+"\nws_tunnel /odd "+startOrigin(t, nil, verbatim(oddAnswer))+"\nws_tunnel "+startOrigin(t, nil, func(p *peer) {
		p.send(answer(p.readHead(), "X-Odd: \u009b\r\nSec-WebSocket-Protocol: \u009b\r\n"))
		_, _ = frame.Read(p.r, 125)
		p.send(closing)
	})+" {\nname {path}\n}")
	fields := "User-Agent: \u009b2J\u202e\r\nOrigin: https://\u009b2J\r\nX-Forwarded-For: \u009b2J\r\nSec-WebSocket-Protocol: \u009b\r\nCookie: \u009b\r\n"
	host := func(handshake string) string {
		return strings.Replace(handshake, "Host: site.test", "Host: a%9b.test", 1)
	}
	refused := g.dial()
	refused.send(host(handshakeOf("/refused"+hostileURI, fields)))
	refused.readHead()
	expectHarmlessRecord(t, g.expectRefusal("dial_failed"))
	malformed := g.dial()
	malformed.send(strings.Replace(host(handshakeOf(hostileURI, fields)), testKey, "\u009b\u009b", 1))
	malformed.readHead()
	expectHarmlessRecord(t, g.expectRefusal("bad_key"))

	odd := g.dial()
	odd.send(handshakeOf("/odd", ""))
	odd.readHead()
	expectHarmlessRecord(t, g.expectRefusal("origin_malformed"))

	c := g.dial()
	c.send(host(handshakeOf(hostileURI, fields)))
	if head := c.readHead(); !strings.HasPrefix(head, "HTTP/1.1 101 ") {
		t.Fatalf("answered %q", head)
	}
	liveTunnels(t, 1)
	expectHarmlessRecord(t, g.await("tunnel opened"))
	for _, args := range [][]string{{"list"}, {"list", "--json"}, {"trace", "ws://site.test" + hostileURI}, {"trace", "ws://site.test" + hostileURI, "--json"}, {"switch", "show"}} {
		out, err := runCommand(t, args...)
		if err != nil {
			out += err.Error()
		}
		expectHarmless(t, strings.Join(args[:1], " "), out)
	}
	var top topView
	var screen strings.Builder
	top.update(listed(t, ""), time.Now())
	if err := top.print(&screen, 10, terminal{width: 1000, height: 50}); err != nil || len(top.now) != 1 {
		t.Errorf("%v, %d tunnels", err, len(top.now))
	}
	expectHarmless(t, "top", strings.Replace(screen.String(), clearScreen, "", 1))
	if n := strings.Count(screen.String(), "\n"); n != 4 {
		t.Errorf("top has %d lines:\n%q", n, screen.String())
	}
	c.send(closing)
	c.expectClose(1000)
	c.Close()
	expectHarmlessRecord(t, g.await("tunnel ended"))
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// allVersions are those of HTTP that a client may speak.
var allVersions = append([]string{"HTTP/1.1"}, streamVersions...)

// answered is what a handshake over some version is answered, if it opens no
// tunnel.
func (g *gateway) answered(version string, header ...string) (*http.Response, string) {
	g.t.Helper()
	var resp *http.Response
	if version == "HTTP/1.1" {
		c := g.dial()
		c.send(handshakeOf("/ws", ""))
		resp = c.readAnswer()
	} else {
		var c *streamConn
		resp, c = g.connect(version, header...)
		defer c.Close()
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Errorf("body: %v", err)
	}
	return resp, string(body)
}

// Nobody but the gateway can check the accept value where it has made the key.
func TestAcceptValueOverEveryVersion(t *testing.T) {
	edits := map[string][2]string{
		"wrong":          {"Accept: ", "Accept: A"},
		"missing":        {"Sec-WebSocket-Accept", "X-Accept"},
		"twice":          {"Connection", "Sec-WebSocket-Accept: x\r\nConnection"},
		"of another key": {"Sec-WebSocket-Key: ", "Sec-WebSocket-Key: A"},
	}
	for name, edit := range edits {
		for _, version := range allVersions {
			t.Run(name+" "+version, func(t *testing.T) {
				g := startGateway(t, true, "", "ws_tunnel "+startOrigin(t, nil, func(p *peer) {
					head := strings.Replace(p.readHead(), edit[0], edit[1], 1) // the key is in the question
					p.send(strings.Replace(answer(head, ""), edit[0], edit[1], 1))
				}))
				if resp, _ := g.answered(version); resp.StatusCode != http.StatusBadGateway {
					t.Errorf("answered %s", resp.Status)
				}
				g.expectRefusal("bad_accept")
				nothingLeft(t)
			})
		}
	}
}

// What an origin refuses with reaches the client: status, fields and body. What is
// of the connection does not, but for the Upgrade that a 426 must have.
func TestRefusalsArriveAsTheyAre(t *testing.T) {
	refusals := map[int]string{
		401: "WWW-Authenticate: Basic realm=\"x\"\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n",
		403: "X-Why: no\r\nKeep-Alive: timeout=5\r\nConnection: X-Hop\r\nX-Hop: 1\r\n",
		404: "Content-Type: text/plain\r\nLink: </>; rel=up\r\n",
		426: "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13, 8\r\n",
	}
	for status, lines := range refusals {
		for _, version := range allVersions {
			t.Run(http.StatusText(status)+" "+version, func(t *testing.T) {
				const body = "this is why"
				head := fmt.Sprintf("HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
				g := startGateway(t, true, "", "ws_tunnel "+startOrigin(t, nil, verbatim(head+lines+"Content-Length: 11\r\n\r\n"+body)))
				resp, got := g.answered(version)
				if resp.StatusCode != status || got != body {
					t.Errorf("%s %q", resp.Status, got)
				}
				expectFields(t, resp.Header, lines)
				of1 := version == "HTTP/1.1" && status == 426
				if upgrade := resp.Header.Get("Upgrade"); (upgrade == "websocket") != of1 {
					t.Errorf("Upgrade %q", upgrade)
				}
				g.expectRefusal("origin_refused")
				nothingLeft(t)
			})
		}
	}
}

// expectFields wants those of lines in h, but for what concerns a connection.
func expectFields(t *testing.T, h http.Header, lines string) {
	t.Helper()
	want := make(http.Header)
	for line := range strings.SplitSeq(strings.TrimSuffix(lines, "\r\n"), "\r\n") {
		name, value, _ := strings.Cut(line, ": ")
		want.Add(name, value)
	}
	for name, values := range want {
		switch name {
		case "Connection", "Upgrade":
		case "Keep-Alive", "X-Hop":
			if h.Get(name) != "" {
				t.Errorf("%s was passed on", name)
			}
		default:
			if !slices.Equal(h[name], values) {
				t.Errorf("%s is %q, want %q", name, h[name], values)
			}
		}
	}
}

// A 426 says what to upgrade to (RFC 9110 section 7.8), and that this is of the
// connection, whether it is the origin's or the gateway's own.
func TestUpgradeRequired(t *testing.T) {
	g := startGateway(t, false, "", "ws_tunnel "+startOrigin(t, nil, verbatim("HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n")))
	for _, version := range []string{"13", "8"} {
		c := g.dial()
		c.send(strings.Replace(handshakeOf("/ws", ""), "Version: 13", "Version: "+version, 1))
		asked{head: strings.Split(c.readHead(), "\r\n")}.expectLines(t, "HTTP/1.1 426 Upgrade Required", "Connection: close", "Connection: Upgrade", "Upgrade: websocket")
	}
}

// Answers that come before the one to the handshake open no tunnel and break none.
func TestInterimAnswers(t *testing.T) {
	for _, version := range allVersions {
		t.Run(version, func(t *testing.T) {
			g := startGateway(t, true, "", "ws_tunnel "+startOrigin(t, nil, func(p *peer) {
				head := p.readHead()
				p.send("HTTP/1.1 100 Continue\r\n\r\n")
				p.send("HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
				p.send(answer(head, ""))
				_, _ = io.Copy(p.Conn, p.r)
			}))
			c := g.openVersion(version) // which wants a 101 or 200 first
			c.send(textFrame("hello"))
			c.expect(textFrame("hello"))
			c.Close()
			g.expectEnd("client_gone", "client")
		})
	}
}

// A client that expects a 100 gets it before its 101, and the origin is not asked
// for one.
func TestContinueBeforeSwitching(t *testing.T) {
	for _, expect := range []string{"", "Expect: 100-Continue\r\n"} {
		origin, questions := askingOrigin(t, nil, false, "X-Down: 1\r\n")
		g := startGateway(t, false, "", "log\nencode\nheader X-Outer 1\nws_tunnel "+origin)
		c := g.dial()
		c.send(handshakeOf("/ws", expect))
		if expect != "" {
			c.expect("HTTP/1.1 100 Continue\r\n\r\n")
		}
		got := asked{head: strings.Split(c.readHead(), "\r\n")}
		got.expectLines(t, "HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "X-Down: 1", "X-Outer: 1")
		(<-questions).expectLines(t, "!Expect")
		c.Close()
		g.expectEnd("client_gone", "client")
	}
}

// Lines of a request are left apart; of an answer there must be one (RFC 6455
// section 11.3.2).
func TestRepeatedExtensions(t *testing.T) {
	const name = "Sec-WebSocket-Extensions"
	for _, version := range allVersions {
		t.Run(version, func(t *testing.T) {
			origin, questions := askingOrigin(t, nil, false, name+": permessage-deflate\r\n"+name+": x-other; a=1\r\n")
			g := startGateway(t, true, "", "ws_tunnel "+origin)
			offer := []string{name, "permessage-deflate; client_max_window_bits", name, "x-other", "Cookie", "a=b; c=d"}
			var got []string
			if version == "HTTP/1.1" {
				c := g.dial()
				defer c.Close()
				c.send(handshakeOf("/ws", offer[0]+": "+offer[1]+"\r\n"+offer[2]+": "+offer[3]+"\r\nCookie: a=b; c=d\r\n"))
				got = c.readAnswer().Header.Values(name)
			} else {
				resp, c := g.connect(version, offer...)
				defer c.Close()
				got = resp.Header.Values(name)
			}
			if want := []string{"permessage-deflate, x-other; a=1"}; !slices.Equal(got, want) {
				t.Errorf("answered %q, want %q", got, want)
			}
			a := <-questions
			// Cookies may have come in crumbs, and must not go on so (RFC 9113 section 8.2.3).
			a.expectLines(t, name+": "+offer[1], name+": "+offer[3], "Cookie: a=b; c=d")
			liveTunnels(t, 1)
		})
	}
}

// The site answers for an origin that cannot, or finds another one.
func TestErrorRoutesAnswerHandshakes(t *testing.T) {
	for _, version := range allVersions {
		t.Run(version, func(t *testing.T) {
			dead := deadAddress(t)
			g := startGateway(t, true, "", "ws_tunnel "+dead+"\nhandle_errors {\nheader X-Page yes\nrespond \"page for {err.status_code}\" 503\n}")
			resp, body := g.answered(version)
			if resp.StatusCode != 503 || body != "page for 502" || resp.Header.Get("X-Page") != "yes" {
				t.Errorf("%s %q %v", resp.Status, body, resp.Header)
			}
			g.expectRefusal("dial_failed")
		})
		t.Run("another origin "+version, func(t *testing.T) {
			g := startGateway(t, true, "", "ws_tunnel "+deadAddress(t)+"\nhandle_errors {\nws_tunnel "+echoOrigin(t)+"\n}")
			c := g.openVersion(version)
			c.send(textFrame("still"))
			c.expect(textFrame("still"))
			c.Close()
			g.expectRefusal("dial_failed")
			g.expectEnd("client_gone", "client")
			nothingLeft(t)
		})
	}
}

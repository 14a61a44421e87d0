// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// Caddy's policies see what they are meant to see.
func TestUpstreamOf(t *testing.T) {
	o := origin{network: "tcp", host: "a", port: "1"}
	if u := upstreamOf(o, 7, true); u.NumRequests() != 7 || !u.Available() || u.Dial != "ws://a:1" {
		t.Errorf("%d requests, available %t", u.NumRequests(), u.Available())
	}
	if u := upstreamOf(o, 0, false); u.Available() {
		t.Error("available")
	}
	var policy reverseproxy.LeastConnSelection
	pool := reverseproxy.UpstreamPool{upstreamOf(o, 2, true), upstreamOf(o, 1, true), upstreamOf(o, 0, false)}
	if policy.Select(pool, nil, nil) != pool[1] {
		t.Error("another one has the least")
	}
}

// several are origins that say which they are: "0", "1" and so on.
func several(t *testing.T, n int) (addresses []string) {
	for i := range n {
		addresses = append(addresses, startOrigin(t, nil, func(p *peer) {
			p.send(answer(p.readHead(), fmt.Sprintf("X-Origin: %d\r\n", i)))
			_, _ = p.r.WriteTo(p.Conn)
		}))
	}
	return addresses
}

// openAt opens a tunnel and says at which of several origins.
func (g *gateway) openAt(path, fields string) (*peer, string) {
	g.t.Helper()
	p := g.dial()
	p.send(handshakeOf(path, fields))
	resp := p.readAnswer()
	if resp.StatusCode != http.StatusSwitchingProtocols {
		g.t.Fatalf("answered %s: %v", resp.Status, g.await("handshake refused")["error"])
	}
	return p, resp.Header.Get("X-Origin")
}

// Every policy of Caddy's can be configured, and chooses as it should.
func TestPolicies(t *testing.T) {
	ask := func(g *gateway, n int, path, fields string) (got []string) {
		for range n {
			_, origin := g.openAt(path, fields)
			got = append(got, origin)
		}
		return got
	}
	same := func(got []string) bool { return len(slices.Compact(slices.Clone(got))) == 1 }
	all := func(got []string) bool {
		got = slices.Sorted(slices.Values(got))
		return slices.Equal(slices.Compact(got), []string{"0", "1", "2"})
	}
	for policy, right := range map[string]func(got []string) bool{
		"":                           all,
		"first":                      func(got []string) bool { return same(got) && got[0] == "0" },
		"random":                     func(got []string) bool { return !slices.Contains(got, "") },
		"random_choose 2":            func(got []string) bool { return !same(got) },
		"least_conn":                 all,
		"round_robin":                func(got []string) bool { return all(got[:3]) && slices.Equal(got[:3], got[3:6]) },
		"weighted_round_robin 1 0 3": func(got []string) bool { return !slices.Contains(got, "1") && !same(got) },
		"ip_hash":                    same,
		"client_ip_hash":             same,
		"uri_hash":                   same,
		"header X-Room":              same,
		"query room":                 same,
		"cookie lb secret":           same,
		"header Absent {\nfallback least_conn\n}": all,
	} {
		t.Run(policy, func(t *testing.T) {
			option := ""
			if policy != "" {
				option = "lb_policy " + policy
			}
			g := startGateway(t, false, "", "ws_tunnel "+strings.Join(several(t, 3), " ")+" {\n"+option+"\n}")
			fields := "X-Room: blue\r\n"
			if strings.HasPrefix(policy, "cookie") {
				p := g.dial()
				p.send(handshakeOf("/ws?room=blue", ""))
				cookies := p.readAnswer().Cookies()
				if len(cookies) != 1 || cookies[0].Name != "lb" {
					t.Fatalf("the 101 has cookies %v", cookies)
				}
				fields += "Cookie: " + cookies[0].Name + "=" + cookies[0].Value + "\r\n"
			}
			if got := ask(g, 12, "/ws?room=blue", fields); !right(got) {
				t.Errorf("chose %v", got)
			}
		})
	}
}

// A cookie of the policy's stands beside those of the origin, and there is only
// one, however many origins were tried.
func TestPolicyCookieBesideOthers(t *testing.T) {
	origin := startOrigin(t, nil, func(p *peer) {
		p.send(answer(p.readHead(), "Set-Cookie: theirs=1\r\n"))
		p.expectEOF()
	})
	for range 8 { // that the dead one is tried first is a matter of chance
		g := startGateway(t, false, "", "ws_tunnel "+origin+" "+deadAddress(t)+" {\nlb_policy cookie\nlb_retries 1\n}")
		p := g.dial()
		p.send(handshakeOf("/ws", ""))
		var names []string
		for _, cookie := range p.readAnswer().Cookies() {
			names = append(names, cookie.Name)
		}
		if slices.Sort(names); !slices.Equal(names, []string{"lb", "theirs"}) {
			t.Errorf("cookies %v", names)
		}
		p.Close()
	}
}

// deadAddress is one that refuses connections.
func deadAddress(t *testing.T) string { return wstest.DeadAddress(t) }

// least_conn counts tunnels until they end, whatever config they were opened
// under.
func TestLeastTunnelsAcrossReloads(t *testing.T) {
	origins := several(t, 2)
	g := startGateway(t, false, "", "ws_tunnel "+strings.Join(origins, " ")+" {\nname chat\nlb_policy first\nlb_slow_start 0s\n}")
	var old []*peer
	for range 5 {
		p, _ := g.openAt("/ws", "")
		old = append(old, p)
	}
	liveTunnels(t, 5)
	g.change("lb_policy first", "lb_policy least_conn")
	for i := range 5 {
		if _, at := g.openAt("/ws", ""); at != "1" {
			t.Fatalf("number %d went to the origin with five", i)
		}
	}
	for _, p := range old {
		p.Close()
		g.expectEnd("client_gone", "client")
	}
	if _, at := g.openAt("/ws", ""); at != "0" {
		t.Error("what has ended still counts")
	}
}

// An origin that is added gets its part of the tunnels, not all.
func TestSlowStartOfAnAddedOrigin(t *testing.T) {
	origins := several(t, 2)
	g := startGateway(t, false, "", "ws_tunnel "+origins[0]+" {\nname grows\nlb_slow_start 0s\n}")
	const before = 40
	for range before {
		g.openAt("/ws", "")
	}
	liveTunnels(t, before)
	g.change("ws_tunnel "+origins[0], "ws_tunnel "+strings.Join(origins, " "))
	g.change("lb_slow_start 0s", "lb_slow_start 1h")
	for range 20 {
		// In the first hundredth of the time it counts as if it had a hundred times
		// as many: after the first, more than the other one has.
		if _, at := g.openAt("/ws", ""); at != "0" {
			t.Fatal("the new origin is sent tunnels as if it were old")
		}
	}
}

// max_tunnels_per_origin holds for each origin, and a handshake waits for room as
// long as it may.
func TestMaxTunnelsPerOrigin(t *testing.T) {
	origins := several(t, 2)
	g := startGateway(t, false, "", "ws_tunnel "+strings.Join(origins, " ")+" {\nmax_tunnels_per_origin 2\n}")
	var open []*peer
	var at []string
	for range 4 {
		p, origin := g.openAt("/ws", "")
		open, at = append(open, p), append(at, origin)
	}
	if slices.Sort(at); !slices.Equal(at, []string{"0", "0", "1", "1"}) {
		t.Errorf("went to %v", at)
	}
	fifth := g.dial()
	fifth.send(handshakeOf("/ws", ""))
	if resp := fifth.readAnswer(); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("answered %s", resp.Status)
	}
	g.expectRefusal("no_origin")

	g.change("max_tunnels_per_origin 2", "max_tunnels_per_origin 2\nlb_try_duration 1h\nlb_try_interval 1h")
	waits := g.dial()
	waits.send(handshakeOf("/ws", ""))
	answered := make(chan *http.Response, 1)
	go func() { answered <- waits.readAnswer() }()
	awaitWaiting(t)
	open[0].Close()
	if resp := <-answered; resp.StatusCode != http.StatusSwitchingProtocols {
		t.Errorf("who waited is answered %s", resp.Status)
	}
}

// awaitWaiting waits until a handshake waits for an origin.
func awaitWaiting(t *testing.T) {
	t.Helper()
	awaitStacks(t, runs("(*attempt).awaitOrigin("))
}

// Another origin is tried if one cannot be connected to, cannot speak TLS, or
// answers with a chosen status.
func TestRetry(t *testing.T) {
	good := several(t, 1)[0]
	busy := startOrigin(t, nil, verbatim("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy"))
	for name, test := range map[string]struct{ origins, options string }{
		"refused":    {deadAddress(t) + " " + good, "lb_retries 1"},
		"twice":      {deadAddress(t) + " " + deadAddress(t) + " " + good, "lb_retries 2"},
		"no TLS":     {"wss://" + startOrigin(t, nil, func(p *peer) { p.send("no TLS") }) + " " + good, "lb_retries 1"},
		"status":     {busy + " " + good, "lb_retries 1\nlb_retry_status 5xx"},
		"for a time": {deadAddress(t) + " " + good, "lb_try_duration 1m"},
		"by default": {deadAddress(t) + " " + deadAddress(t) + " " + deadAddress(t) + " " + good, ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := startGateway(t, false, "", "ws_tunnel "+test.origins+" {\nlb_policy first\n"+test.options+"\n}")
			p, _ := g.openAt("/ws", "")
			g.await("trying another origin")
			p.send(textFrame("hi"))
			p.expect(textFrame("hi"))
			p.Close()
			if r := g.expectEnd("client_gone", "client"); r["origin"] != "ws://"+good {
				t.Errorf("recorded at %v", r["origin"])
			}
		})
	}
}

// What cannot be retried is not, and what all tries came to is what is said.
func TestRetryEnds(t *testing.T) {
	good := several(t, 1)[0]
	busy := startOrigin(t, nil, verbatim("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy"))
	hangsUp := startOrigin(t, nil, func(p *peer) { p.readHead() })
	for name, test := range map[string]struct {
		origins, options string
		status           int
		reason           string
	}{
		"not asked to":          {deadAddress(t) + " " + good, "lb_retries 0", 502, "dial_failed"},
		"no other":              {deadAddress(t), "", 502, "dial_failed"},
		"others are dead, too":  {deadAddress(t) + " " + deadAddress(t), "", 502, "dial_failed"},
		"others say so, too":    {busy + " " + startOrigin(t, nil, verbatim("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")), "lb_retry_status 503", 503, "origin_refused"},
		"enough of them":        {strings.Join([]string{deadAddress(t), deadAddress(t), deadAddress(t), deadAddress(t), good}, " "), "", 502, "dial_failed"},
		"too often":             {deadAddress(t) + " " + deadAddress(t) + " " + good, "lb_retries 1", 502, "dial_failed"},
		"not such a status":     {busy + " " + good, "lb_retries 1\nlb_retry_status 502", 503, "origin_refused"},
		"all say so":            {busy, "lb_retries 1\nlb_retry_status 503", 503, "origin_refused"},
		"it was asked":          {hangsUp + " " + good, "lb_retries 1", 502, "origin_hung_up"},
		"nothing before it was": {deadAddress(t), "lb_try_duration 1ms\nlb_try_interval 1ms", 502, "dial_failed"},
	} {
		t.Run(name, func(t *testing.T) {
			g := startGateway(t, false, "", "ws_tunnel "+test.origins+" {\nlb_policy first\n"+test.options+"\n}")
			p := g.dial()
			p.send(handshakeOf("/ws", ""))
			if resp := p.readAnswer(); resp.StatusCode != test.status {
				t.Errorf("answered %s", resp.Status)
			}
			g.expectRefusal(test.reason)
			nothingCounted(t)
		})
	}
}

// A client that leaves while an origin is waited for is not kept.
func TestClientLeavesTheQueue(t *testing.T) {
	g := startGateway(t, false, "", "ws_tunnel "+several(t, 1)[0]+" {\nmax_tunnels_per_origin 1\nlb_try_duration 1h\nlb_try_interval 1h\n}")
	g.open()
	waits := g.dial()
	waits.send(handshakeOf("/ws", ""))
	awaitWaiting(t)
	waits.Close()
	g.expectRefusal("client_left")
}

// Mistakes about several origins are found where they stand.
func TestBalanceCaddyfileMistakes(t *testing.T) {
	for input, want := range map[string]string{
		"lb_policy fairest":                         "there is no policy",
		"lb_policy":                                 "wrong argument count",
		"lb_retries some":                           "whole number",
		"lb_retry_status 99 ":                       "write a code as 503, or 5xx",
		"lb_retry_status 503":                       "without another origin, lb_retries",
		"lb_retries 1\nlb_retry_status 101":         "would be a tunnel",
		"lb_quickly":                                `unknown ws_tunnel option "lb_quickly"`,
		"max_tunnels_per_origin 0":                  "leave the option out",
		"lb_try_duration -1s":                       "negative",
		"dynamic psychic":                           "there is no source",
		"health":                                    "needs something to go by",
		"health smtp":                               "write tcp, http <path> or websocket <path>",
		"health http healthz":                       "does not begin with a slash",
		"health tcp {\nport 0\n}":                   "from 1 to 65535",
		"health tcp {\nevery 1s\n}":                 `unknown health option "every"`,
		"health tcp {\ninterval 1s\ninterval 2s\n}": "interval is given twice",
		"health http / {\nstatus ok\n}":             "write a code as 503",
		"on_origin_down close":                      "without health",
		"health tcp\non_origin_down panic":          "write keep or close",
		"local_address localhost":                   "is not an IP address",
		"local_address 127.0.0.1 127.0.0.1":         "is given twice",
		"local_address":                             "wrong argument count",
	} {
		err := new(Handler).UnmarshalCaddyfile(caddyfile.NewTestDispenser("ws_tunnel a:1 {\n" + input + "\n}"))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "Testfile:") {
			t.Errorf("%q: got %v, want it to place the mistake and say %q", input, err, want)
		}
	}
}

// Waiting does not use up tries, and a handshake that waits does not hold up the
// end of the process.
func TestQueueAtTheEnd(t *testing.T) {
	g := startGateway(t, false, "", "ws_tunnel "+several(t, 1)[0]+" {\nmax_tunnels_per_origin 1\nlb_retries 1\nlb_try_duration 1h\nlb_try_interval 1ms\nlinger 1ms\n}")
	g.open()
	waits := g.dial()
	waits.send(handshakeOf("/ws", ""))
	awaitWaiting(t)
	stopped := stopGateway(t)
	if resp := waits.readAnswer(); resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("answered %s", resp.Status)
	}
	g.expectRefusal("draining")
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// An origin that the policy does not take is no reason to try another one over and
// over.
func TestRetryOfOnlyOneChoice(t *testing.T) {
	dead := deadAddress(t)
	g := startGateway(t, false, "", "ws_tunnel "+dead+" "+deadAddress(t)+" {\nlb_policy weighted_round_robin 1 0\nlb_retries 3\nlb_try_interval 1ms\n}")
	p := g.dial()
	p.send(handshakeOf("/ws", ""))
	if resp := p.readAnswer(); resp.StatusCode != http.StatusBadGateway {
		t.Errorf("answered %s", resp.Status)
	}
	for range 3 {
		if r := g.await("trying another origin"); r["origin"] != "ws://"+dead {
			t.Errorf("tried %v", r["origin"])
		}
	}
	g.expectRefusal("dial_failed")
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// Tunnels come and go in every way there is, in an order drawn by lot. There
// are never more than may be, and when all have gone nothing is counted.
func TestCountsComeToNothing(t *testing.T) {
	for _, withTLS := range []bool{false, true} { // with it, over HTTP/2 as well
		for seed := range uint64(2) {
			t.Run(fmt.Sprintf("tls %t seed %d", withTLS, seed), func(t *testing.T) {
				runLot(t, withTLS, seed)
			})
		}
	}
}

// lot is such a run.
type lot struct {
	*gateway
	random *rand.Rand
	asked  chan struct{} // gets one when the silent origin is asked
	live   []drawn
	steps  []string // what was done, for whoever has to find out
}

// drawn is a tunnel that is open, as far as its client knows.
type drawn struct {
	*peer
	key string
}

const (
	lotMax   = 6 // tunnels in all
	lotOfKey = 3 // tunnels of a key
)

var lotKeys = []string{"", "somebody", "192.0.2.1", "2001:db8::1"}

func runLot(t *testing.T, withTLS bool, seed uint64) {
	l := &lot{random: rand.New(rand.NewPCG(seed, seed)), asked: make(chan struct{}, 1)}
	dead := deadAddress(t)
	var site strings.Builder
	for path, origin := range map[string]string{
		"/ws":      l.origin(t, func(p *peer, key string) { p.send(answer(key, "")); _, _ = io.Copy(p.Conn, p.r) }) + " " + dead,
		"/brief":   l.origin(t, func(p *peer, key string) { p.send(answer(key, "")) }),
		"/refuse":  l.origin(t, func(p *peer, _ string) { p.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno") }),
		"/half":    l.origin(t, func(p *peer, _ string) { p.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\n") }),
		"/accept":  l.origin(t, func(p *peer, _ string) { p.send(answer("", "")) }),
		"/hang-up": l.origin(t, func(*peer, string) {}),
		"/silent":  l.origin(t, l.silent),
		"/dead":    dead,
		"/nowhere": "{header.X-Nowhere}:80",
	} {
		fmt.Fprintf(&site, `ws_tunnel %s %s {
			name lot
			max_tunnels %d
			limit {header.X-Key} %d
			handshake_rate {header.X-Key} 50 1s
			handshake_timeout 100ms
			linger 50ms
			lb_retries 1
			lb_retry_status 403
			lb_try_interval 1ms
			max_tunnels_per_origin %d
		}
		`, path, origin, lotMax, lotOfKey, lotMax)
	}
	l.gateway = startGateway(t, withTLS, "", site.String())
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d; steps %v", seed, l.steps)
		}
	})
	for range 4 {
		for range 30 {
			l.step(withTLS)
		}
		l.do("all gone")
		for len(l.live) > 0 {
			l.end()
		}
		nothingCounted(t)
	}
	for range 3 {
		l.open(false)
	}
	l.do("exit")
	exitAfterwards(t)
	if err := caddy.Stop(); err != nil {
		t.Error(err)
	}
	nothingCounted(t)
}

// origin is one that a gateway may turn away from at any time. serve gets the
// line with the key.
func (l *lot) origin(t *testing.T, serve func(p *peer, key string)) string {
	return startOrigin(t, nil, func(p *peer) {
		if r, err := http.ReadRequest(p.r); err == nil {
			serve(p, "Sec-WebSocket-Key: "+r.Header.Get("Sec-WebSocket-Key"))
		}
	})
}

func (l *lot) silent(p *peer, _ string) {
	select {
	case l.asked <- struct{}{}:
	default: // that is known
	}
	_, _ = io.Copy(io.Discard, p.r)
}

func (l *lot) do(step string) { l.steps = append(l.steps, step) }

func pick[T any](l *lot, of ...T) T { return of[l.random.IntN(len(of))] }

func (l *lot) step(withTLS bool) {
	switch n := l.random.IntN(20); {
	case n < 8:
		l.open(withTLS && n < 4)
	case n < 12:
		if len(l.live) > 0 {
			l.end()
		}
	case n < 15:
		l.fail(pick(l, "/refuse", "/half", "/accept", "/hang-up", "/dead", "/nowhere", "/silent"))
	case n < 19:
		l.leave(pick(l, "/ws", "/ws", "/brief", "/refuse", "/silent"))
	default:
		l.reload()
	}
}

func (l *lot) open(stream bool) {
	l.t.Helper()
	key := pick(l, lotKeys...)
	l.do("open " + key)
	var p *peer
	var resp *http.Response
	if stream {
		var c *streamConn
		resp, c = l.connect("HTTP/2.0", "X-Key", key)
		p = newPeer(l.t, c)
	} else {
		p, resp = l.askAs("/ws", key)
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests:
		p.Close()
		return
	case http.StatusOK, http.StatusSwitchingProtocols:
	default:
		l.t.Fatalf("status %s", resp.Status)
	}
	l.live = append(l.live, drawn{p, key})
	ofKey := 0
	for _, d := range l.live {
		if d.key == key {
			ofKey++
		}
	}
	if ofKey > lotOfKey || len(l.live) > lotMax {
		l.t.Fatalf("%d tunnels, %d of %q", len(l.live), ofKey, key)
	}
}

// end ends one of the tunnels.
func (l *lot) end() {
	i := l.random.IntN(len(l.live))
	p := l.live[i].peer
	l.live = slices.Delete(l.live, i, i+1)
	defer p.Close()
	how := pick(l, "close", "half-close", "reset", "Close", "nonsense")
	l.do(how)
	switch how {
	case "half-close":
		p.closeWrite()
	case "reset":
		reset(p)
	case "Close":
		_, _ = io.WriteString(p.Conn, closeFrame(1000))
	case "nonsense":
		_, _ = io.WriteString(p.Conn, "\x88\x7f")
	}
}

// reset has the other side find that the connection is gone.
func reset(p *peer) {
	c := p.Conn
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	switch c := c.(type) {
	case *net.TCPConn:
		_ = c.SetLinger(0)
		c.Close()
	case *streamConn:
		c.reset()
	}
}

// fail asks for what becomes no tunnel.
func (l *lot) fail(path string) {
	l.do("fail " + path)
	p := l.dial()
	p.send(handshakeOf(path, "X-Key: "+pick(l, lotKeys...)+"\r\n"))
	if all, _ := io.ReadAll(p.r); strings.HasPrefix(string(all), "HTTP/1.1 101 ") {
		l.t.Errorf("%s: %q", path, all)
	}
	p.Close()
}

// leave makes a client that goes, at once or when it has reached the origin.
func (l *lot) leave(path string) {
	l.do("leave " + path)
	p := l.dial()
	question := handshakeOf(path, "X-Key: "+pick(l, lotKeys...)+"\r\n")
	if pick(l, true, false, false) {
		question = question[:l.random.IntN(len(question))]
		path = ""
	}
	p.send(question)
	if path == "/silent" {
		select {
		case <-l.asked:
		case <-answered(p): // with a refusal
		}
	}
	if pick(l, true, false) {
		reset(p)
	}
	p.Close()
}

// answered is closed when p gets an answer.
func answered(p *peer) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = p.r.Peek(1)
	}()
	return done
}

// reload ends the streams, and nothing else. The new config has a port of its
// own, since the old one's listener resets who is in its queue when it closes.
func (l *lot) reload() {
	l.do("reload")
	if _, port, _ := net.SplitHostPort(l.address); l.client != nil {
		l.config = strings.Replace(l.config, "site.test:"+port, "site.test:"+freePort(l.t), 1)
	}
	if err := l.load(); err != nil {
		l.t.Fatal(err)
	}
	l.live = slices.DeleteFunc(l.live, func(d drawn) bool {
		_, stream := d.Conn.(*streamConn)
		if stream {
			d.Close()
		}
		return stream
	})
}

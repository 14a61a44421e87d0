// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// fated is a tunnel that has met its fate, and all of whose ends have been heard of
// but the record.
func fated(l *ledger, name string) *tunnel {
	t := &tunnel{kind: plain, habit: chatty, handler: steady}
	for _, f := range allFates() {
		if f.name == name {
			t.fate = f
		}
	}
	l.begin(t)
	client, origin := newPeer(nil, nil, true), newPeer(nil, nil, false)
	l.reached(t.number, &origin0, origin)
	l.openedBy(t, client, "id")
	client.sent.Store(3)
	origin.received.Store(3)
	client.wrote.Store(100)
	if t.fate.name != "" {
		l.meets(t)
	}
	l.finish(t, client)
	l.finish(t, origin)
	return t
}

var origin0 origin

// good is the record of a tunnel that fated has made.
func good(t *tunnel) *record {
	r := &record{number: t.number, Message: tunnelEnded, ID: "id", Engine: "poll", Proto: "HTTP/1.1", Reason: t.fate.reasons[0]}
	r.ToOrigin.Messages, r.ToOrigin.Bytes = 3, 100
	return r
}

func TestJudge(t *testing.T) {
	for name, test := range map[string]struct {
		fate   string
		change func(*tunnel, *record)
		want   string // "": nothing is wrong
	}{
		"as it should be":     {clientCloses, func(*tunnel, *record) {}, ""},
		"another reason":      {clientCloses, func(_ *tunnel, r *record) { r.Reason = "client_gone" }, "no reason of the soak's: client_gone"},
		"another engine":      {clientCloses, func(_ *tunnel, r *record) { r.Engine = "pump" }, "carried by pump"},
		"another id":          {clientCloses, func(_ *tunnel, r *record) { r.ID = "other" }, "recorded as other"},
		"lost":                {clientCloses, func(t *tunnel, _ *record) { t.origin.received.Store(2) }, "the client sent 3 messages, the gateway counted 3, and the origin got 2"},
		"lost in half":        {"client half-closes", func(t *tunnel, _ *record) { t.origin.received.Store(2) }, "the origin got 2"},
		"lost by a reset":     {"client resets", func(t *tunnel, _ *record) { t.origin.received.Store(2) }, ""},
		"lost in a restart":   {clientCloses, func(t *tunnel, _ *record) { t.may(restartReasons...); t.origin.received.Store(2) }, ""},
		"counted wrongly":     {originCloses, func(_ *tunnel, r *record) { r.ToOrigin.Messages = 4 }, "the gateway counted 4"},
		"bytes":               {clientCloses, func(_ *tunnel, r *record) { r.ToOrigin.Bytes = 99 }, "the client sent 100 bytes, and the gateway counted 99"},
		"another code":        {"protocol error", func(t *tunnel, _ *record) { t.client.closeCode = 1001 }, "the client was told 1001"},
		"its code":            {"protocol error", func(t *tunnel, _ *record) { t.client.closeCode = 1002 }, ""},
		"refused for nothing": {clientCloses, func(_ *tunnel, r *record) { r.Message, r.Reason = handshakeRefused, "no_origin" }, "refused: no_origin"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLedger()
			tunnel := fated(l, test.fate)
			r := good(tunnel)
			test.change(tunnel, r)
			l.recorded(r)
			expectFault(t, l, test.want)
			if len(l.live) > 0 {
				t.Error("it is not settled")
			}
		})
	}
}

func expectFault(t *testing.T, l *ledger, want string) {
	t.Helper()
	all := strings.Join(l.faults, "\n")
	if want == "" && all != "" || !strings.Contains(all, want) {
		t.Errorf("faults: %q, want %q", all, want)
	}
}

func TestLedger(t *testing.T) {
	t.Run("no cause", func(t *testing.T) {
		l := newLedger()
		tunnel := fated(l, "")
		tunnel.fate.reasons = []string{"origin_gone"}
		l.recorded(good(tunnel))
		expectFault(t, l, "no reason of the soak's: origin_gone")
	})
	t.Run("recorded twice", func(t *testing.T) {
		l := newLedger()
		tunnel := fated(l, clientCloses)
		l.recorded(good(tunnel))
		l.recorded(good(tunnel))
		expectFault(t, l, "tunnel 1 is recorded (tunnel ended, client_closed), and there is none")
	})
	t.Run("late", func(t *testing.T) {
		l := newLedger()
		tunnel := fated(l, "")
		tunnel.client.link = brokenOff(make(chan struct{}))
		tunnel.must(time.Now().Add(-time.Second), "reload")
		l.lateOnes()
		expectFault(t, l, "is still there")
		<-tunnel.client.link.(brokenOff) // so that its client goes on with another one
	})
	t.Run("a reload", func(t *testing.T) {
		l := newLedger()
		kept, ended := fated(l, ""), &tunnel{kind: overHTTP2, handler: steady}
		l.begin(ended)
		l.openedBy(ended, newPeer(nil, nil, true), "id")
		l.reload(true)
		if kept.allowed("reload") || !ended.allowed("reload") || ended.allowed(refusal) {
			t.Error("a reload ends tunnels over HTTP/2, and no others")
		}
		during := &tunnel{kind: plain, handler: onClose}
		l.begin(during)
		l.failed(during, io.ErrUnexpectedEOF)
		expectFault(t, l, "")
		l.failed(during, errRefused)
		expectFault(t, l, errRefused.Error())
	})
	t.Run("a handshake", func(t *testing.T) {
		l := newLedger()
		tunnel := &tunnel{kind: plain, handler: steady}
		l.begin(tunnel)
		l.failed(tunnel, errors.New("reset"))
		expectFault(t, l, "the handshake failed: reset")
	})
}

// TestLog has lines of a gateway's log that are none of its business, and some that
// are.
func TestLog(t *testing.T) {
	for line, want := range map[string]string{
		`{"level":"info","msg":"serving initial configuration"}`:                             "",
		`{"level":"error","logger":"http.log.error","msg":"no origin"}`:                      "",
		`{"level":"error","logger":"http","msg":"HTTP/3 server shutdown","error":"timeout"}`: "",
		`{"level":"error","logger":"http","msg":"loading"}`:                                  "the gateway logged",
		`panic: runtime error`: "the gateway printed",
		`{"level":"info","msg":"tunnel ended","reason":"client_gone","path":"/steady/77"}`:    "tunnel 77 is recorded",
		`{"level":"info","msg":"tunnel ended","reason":"client_gone","path":"/steady/seven"}`: "has no tunnel's number",
	} {
		l := newLedger()
		var kept strings.Builder
		if err := readLog(strings.NewReader(line+"\n"), &kept, l); err != nil {
			t.Fatal(err)
		}
		expectFault(t, l, want)
		if kept.String() != line+"\n" {
			t.Errorf("kept %q", kept.String())
		}
	}
}

// brokenOff is a link that tells when it is reset.
type brokenOff chan struct{}

func (b brokenOff) Read([]byte) (int, error)  { return 0, io.EOF }
func (b brokenOff) Write([]byte) (int, error) { return 0, io.EOF }
func (b brokenOff) Close() error              { return nil }
func (b brokenOff) CloseWrite() error         { return nil }
func (b brokenOff) Reset()                    { close(b) }

// Interface guards
var _ link = brokenOff(nil)

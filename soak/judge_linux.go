// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
)

// recorded takes what the gateway says of a tunnel's end.
func (l *ledger) recorded(r *record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.live[r.number]
	if r.Message == handshakeRefused {
		l.refused[r.Reason]++
	} else {
		l.ended[r.Reason]++
		l.bytes += r.ToOrigin.Bytes + r.ToClient.Bytes
	}
	switch {
	case t == nil:
		l.wrongLocked("tunnel %d is recorded (%s, %s), and there is none, or no more", r.number, r.Message, r.Reason)
		return
	case t.record != nil:
		l.wrongLocked("%s is recorded again: %s, %s", t.describe(), r.Message, r.Reason)
		return
	}
	t.record = r
	close(t.hurry)
	for _, p := range []*peer{t.client, t.origin} {
		if p != nil {
			p.gate.open() // one that has vanished learns that all is over
		}
	}
	l.settle(t)
}

// reached notes that a tunnel has come to an origin; nil means that nobody waits for
// it any more. A second time it is another try of the gateway's.
func (l *ledger) reached(number uint64, o *origin, p *peer) *tunnel {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.live[number]
	if t == nil || t.record != nil {
		return nil
	}
	t.origin, t.at = p, o
	return t
}

// openedBy notes that the client has its answer.
func (l *ledger) openedBy(t *tunnel, p *peer, id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t.client, t.id, t.opened = p, id, true
	l.opened++
	if t.record != nil {
		p.gate.open()
	}
}

// finish notes that a peer is done.
func (l *ledger) finish(t *tunnel, p *peer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p.finished = true
	if p == t.client {
		t.done = true
	}
	l.settle(t)
}

// failed notes that a handshake did not succeed.
func (l *ledger) failed(t *tunnel, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t.done, t.failure = true, err
	if !t.allowed(refusal) && (errors.Is(err, errRefused) || !t.allowed(unanswered)) {
		l.wrongLocked("%s: the handshake failed: %w", t.describe(), err)
	}
	l.settle(t)
}

// errRefused is a handshake that was answered otherwise.
var errRefused = errors.New("the answer is no 101, and no 200 for a stream")

// settle judges a tunnel of which all is known.
func (l *ledger) settle(t *tunnel) {
	if !t.settled() || l.live[t.number] != t {
		return
	}
	delete(l.live, t.number)
	close(l.change)
	l.change = make(chan struct{})
	for _, fault := range t.judge() {
		l.wrongLocked("%s: %s", t.describe(), fault)
	}
}

// judge compares what the gateway recorded with what the soak did.
func (t *tunnel) judge() (faults []string) {
	r := t.record
	say := func(format string, arguments ...any) { faults = append(faults, fmt.Sprintf(format, arguments...)) }
	if r.Message == handshakeRefused {
		if !t.allowed(refusal) {
			say("refused: %s: %s", r.Reason, r.Error)
		}
		return faults
	}
	if !t.allowed(r.Reason) {
		say("ended for no reason of the soak's: %s by the %s", r.Reason, r.Side)
	}
	if r.Engine != t.kind.engine() || r.Proto != t.kind.proto() {
		say("carried by %s, %s", r.Engine, r.Proto)
	}
	if t.client == nil || t.origin == nil {
		return faults
	}
	if r.ID != t.id {
		say("recorded as %s, and the client was told %s", r.ID, t.id)
	}
	if code, ok := closeCodes[r.Reason]; ok && t.client.closeCode != 0 && t.client.closeCode != code {
		say("ended for %s, and the client was told %d", r.Reason, t.client.closeCode)
	}
	return append(faults, t.judgeTraffic()...)
}

// closeCodes are those of the ends that are the gateway's (docs/ws_tunnel.md).
var closeCodes = map[string]int{
	"idle_timeout": 1001, "max_lifetime": 1001, "heartbeat_timeout": 1001, "admin": 1001, "shutdown": 1001,
	"message_too_big": 1009, "protocol_error": 1002, "reload": 1012,
}

// judgeTraffic finds out whether anything was lost at the end. That may be, unless
// one side was the only one to end the tunnel, and did so in good order: then what
// it sent has all arrived, and with a Close frame what the other sent, too.
func (t *tunnel) judgeTraffic() (faults []string) {
	r := t.record
	if len(t.causes) != 1 || !t.met || t.habit.slow() {
		return nil
	}
	say := func(format string, arguments ...any) { faults = append(faults, fmt.Sprintf(format, arguments...)) }
	up := func() {
		if sent, got := t.client.sent.Load(), t.origin.received.Load(); sent != got || sent != r.ToOrigin.Messages {
			say("the client sent %d messages, the gateway counted %d, and the origin got %d", sent, r.ToOrigin.Messages, got)
		}
	}
	down := func() {
		if sent, got := t.origin.sent.Load(), t.client.received.Load(); sent != got || sent != r.ToClient.Messages {
			say("the origin sent %d messages, the gateway counted %d, and the client got %d", sent, r.ToClient.Messages, got)
		}
	}
	switch t.fate.order {
	case bothWays:
		up()
		down()
		if sent := t.client.wrote.Load(); sent != r.ToOrigin.Bytes && t.handler != withHeartbeat {
			say("the client sent %d bytes, and the gateway counted %d", sent, r.ToOrigin.Bytes)
		}
		if sent := t.origin.wrote.Load(); sent != r.ToClient.Bytes && t.handler != withHeartbeat {
			say("the origin sent %d bytes, and the gateway counted %d", sent, r.ToClient.Bytes)
		}
	case toOrigin:
		up()
	case toClient:
		down()
	}
	return faults
}

func (t *tunnel) describe() string {
	return fmt.Sprintf("tunnel %d (%s, %s, %s, fate: %s)", t.number, t.handler, t.kind, t.habit, t.fate.name)
}

// await waits until no tunnel is left.
func (l *ledger) await(ctx context.Context) error {
	for {
		l.mu.Lock()
		left, change := 0, l.change
		for _, t := range l.live {
			if !t.unheardOf() {
				left++
			}
		}
		l.mu.Unlock()
		if left == 0 {
			return nil
		}
		select {
		case <-change:
		case <-ctx.Done():
			return fmt.Errorf("%d tunnels are left", left)
		}
	}
}

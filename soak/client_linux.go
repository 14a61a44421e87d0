// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// keepOne keeps one tunnel going, by opening another one when it has ended, until
// ctx is done.
func (s *soak) keepOne(ctx context.Context) {
	for ctx.Err() == nil {
		t := s.newTunnel()
		s.handshakes <- struct{}{}
		p, left := s.open(t)
		<-s.handshakes
		if p != nil {
			s.live(ctx, t, p)
		}
		left()
		wait(ctx, between(0, s.plan.life/50))
	}
}

// wait waits for a time, or until ctx is done.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// newTunnel decides what the next tunnel will be.
func (s *soak) newTunnel() *tunnel {
	t := &tunnel{fate: draw(s.fates, func(f fate) int { return f.weight })}
	t.kind = draw([]kind{plain, overTLS, overHTTP2, overHTTP3}, func(k kind) int { return [...]int{50, 25, 15, 10}[k] })
	if t.handler = t.fate.handler; t.handler == "" {
		t.handler = draw([]string{steady, withHeartbeat, onDrain, onClose}, func(h string) int {
			return map[string]int{steady: 60, withHeartbeat: 30, onDrain: 5, onClose: 5}[h]
		})
	}
	t.habit = draw([]habit{idle, chatty, bursty, slowReader}, func(h habit) int {
		if h == slowReader && t.handler == withHeartbeat {
			return 0 // who reads a Ping too late is taken for gone
		}
		return [...]int{0, 50, 30, 15, 5}[h]
	})
	if t.handler == withIdle {
		t.habit = silent
	}
	return t
}

// open opens a tunnel; the peer is nil if it did not come to be. left is called when
// the tunnel is over.
func (s *soak) open(t *tunnel) (p *peer, left func()) {
	s.ledger.begin(t)
	if t.fate.givesUp {
		s.ledger.mayRefuse(t, t.fate.name, "client_gone")
	}
	var answer http.Header
	var err error
	left = func() {}
	if t.kind.stream() {
		f := s.fleets[t.kind]
		c := f.board(t, s.trust)
		p, answer, err = s.openStream(t, c)
		worn := err != nil && !t.fate.givesUp // the connection may be one that ends
		left = func() { f.leave(c, t, worn) }
		if err == nil {
			f.connected(c)
		}
	} else {
		p, answer, err = s.openConn(t)
	}
	if err != nil {
		s.ledger.failed(t, err)
		return nil, left
	}
	s.ledger.openedBy(t, p, answer.Get("X-Tunnel-Id"))
	go func() {
		defer s.ledger.finish(t, p)
		err := p.read(t.number, func(int) {
			if t.habit.slow() {
				t.ponder()
			}
		})
		if err != nil {
			s.ledger.wrongOf(t, "at the client", err)
		}
	}()
	return p, left
}

// live has a tunnel talk until it meets its fate, and awaits its end. When ctx is
// done, its client closes it.
func (s *soak) live(ctx context.Context, t *tunnel, p *peer) {
	due := time.NewTimer(s.after(t.fate))
	defer due.Stop()
	talk := time.NewTimer(t.habit.pause(s.plan.life))
	defer talk.Stop()
	stop := ctx.Done()
	var tooLate <-chan time.Time
	for {
		select {
		case <-p.over:
			return
		case <-talk.C:
			t.talk()
			talk.Reset(t.habit.pause(s.plan.life))
		case <-due.C:
			s.meet(t)
			if t.fate.again {
				s.ledger.destine(t, draw(s.fates, func(f fate) int {
					if f.givesUp || f.handler != "" && f.handler != t.handler {
						return 0
					}
					return f.weight
				}))
				due.Reset(s.plan.stall + s.after(t.fate))
			}
		case <-stop:
			stop, tooLate = nil, time.After(patience)
			s.ledger.must(t, "client_closed")
			go p.close(1000) // a write to one who reads nothing may be under way
		case <-tooLate:
			s.ledger.wrongOf(t, "at the client", errStillOpen)
			p.gate.open()
			p.link.Reset()
			return
		}
	}
}

var errStillOpen = errors.New("the tunnel does not end")

// after is when a fate comes.
func (s *soak) after(f fate) time.Duration {
	if f.after != nil {
		return f.after(s.plan)
	}
	return between(s.plan.life/10, s.plan.life)
}

// meet has a tunnel meet its fate.
func (s *soak) meet(t *tunnel) {
	s.ledger.meets(t)
	if t.fate.act != nil {
		t.fate.act(s, t)
	}
}

// closeByAdmin has the gateway end a tunnel.
func (s *soak) closeByAdmin(t *tunnel) {
	_, err := s.gateway.ask(context.Background(), http.MethodDelete, "/ws_tunnel/tunnels?id="+url.QueryEscape(t.id), "")
	if err != nil {
		s.ledger.wrongOf(t, "closing it", err)
	}
}

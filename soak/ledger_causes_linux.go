// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import "time"

// restartReasons are those for which tunnels end, or are refused, whose origin
// restarts.
var restartReasons = []string{"origin_gone", "origin_closed", refusal}

// reloaded notes that a reload has begun. In HTTP/2 and HTTP/3 it ends all tunnels,
// and refuses streams of connections that it ends; in HTTP/1.1 it ends those of
// handlers which want that. A request that Go's server reads just when it is told to
// stop is not answered: the connection is closed.
func (t *tunnel) reloaded(open bool) {
	if !open {
		t.may(unanswered)
	}
	switch ends := t.handler == onDrain || t.handler == onClose; {
	case t.kind.stream():
		if !open {
			t.may(refusal)
		}
		fallthrough
	case ends:
		if open {
			t.must(time.Now().Add(patience), "reload")
		} else {
			t.may("reload")
		}
	}
}

// reload notes the beginning, or the end, of a reload.
func (l *ledger) reload(begins bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reloading = begins; !begins {
		return
	}
	l.done["reload"]++
	for _, t := range l.live {
		t.reloaded(t.opened)
	}
}

// restart notes the beginning of an origin's restart, of which handshakes that are
// under way may take notice.
func (l *ledger) restart(o *origin) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.restarting++
	l.done["origin restarts"]++
	for _, t := range l.live {
		switch {
		case !t.opened:
			t.may(restartReasons...)
		case t.at == o:
			t.must(time.Now().Add(patience), restartReasons...)
		}
	}
}

func (l *ledger) restarted() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.restarting--
}

// cut notes that the connection breaks which a tunnel is a stream of.
func (l *ledger) cut(t *tunnel) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done["tunnels of a connection that broke"]++
	if t.opened {
		t.must(time.Now().Add(patience), "client_gone")
	} else {
		t.may("client_gone", refusal)
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// requestFrom is a request for the status as the server of a site has it.
func requestFrom(remote, client string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "http://localhost/ws-status", nil)
	r.RemoteAddr = remote
	vars := map[string]any{caddyhttp.ClientIPVarKey: client}
	return r.WithContext(context.WithValue(r.Context(), caddyhttp.VarsCtxKey, vars))
}

// statusEvents asks for events. Next waits for one.
func (g *gateway) statusEvents() (in io.Closer, next func() statusView) {
	g.t.Helper()
	resp := g.askStatus(http.MethodGet, "?events")
	if got := resp.Header.Get("Content-Type"); got != "text/event-stream" {
		g.t.Fatalf("%s %s", resp.Status, got)
	}
	lines := bufio.NewReader(resp.Body)
	return resp.Body, func() (view statusView) {
		g.t.Helper()
		view, err := nextStatus(lines)
		if err != nil {
			g.t.Fatal(err)
		}
		return view
	}
}

func nextStatus(in *bufio.Reader) (view statusView, err error) {
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return view, err
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			return view, json.Unmarshal([]byte(data), &view)
		}
	}
}

// The first event has the history, and those that follow have the newest point. A
// client that leaves leaves nothing behind.
func TestStatusEvents(t *testing.T) {
	g := startGateway(t, false, "", "ws_status /ws-status")
	in, next := g.statusEvents()
	first, second := next(), next()
	if n := len(first.History); n == 0 || first.History[n-1] != first.Now {
		t.Errorf("the first event is %+v", first)
	}
	if len(second.History) != 0 || !second.Now.At.After(first.Now.At) {
		t.Errorf("the second event is %+v", second)
	}
	in.Close()
	awaitStacks(t, nobodyRuns(").serveEvents("))
}

// Events end with their config, in every version of HTTP: otherwise it could not
// stop.
func TestStatusEventsEndWithTheirConfig(t *testing.T) {
	for _, version := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(version, func(t *testing.T) {
			g := startGateway(t, true, "", "ws_status {\nallow_remote\n}")
			transport := &http.Transport{TLSClientConfig: g.client.Clone(), ForceAttemptHTTP2: version == "HTTP/2.0"}
			defer transport.CloseIdleConnections()
			if version == "HTTP/1.1" {
				transport.TLSClientConfig.NextProtos = []string{"http/1.1"}
				transport.TLSNextProto = make(map[string]func(string, *tls.Conn) http.RoundTripper)
			}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+g.address+"/", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = "site.test"
			r.Header.Set("Accept", "text/event-stream")
			resp, err := transport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			in := bufio.NewReader(resp.Body)
			if _, err := nextStatus(in); err != nil || resp.Proto != version {
				t.Fatalf("%s: %v", resp.Proto, err)
			}
			if err := g.load(); err != nil {
				t.Fatal(err)
			}
			for err == nil {
				_, err = nextStatus(in)
			}
			if err != io.EOF {
				t.Errorf("they end with %v", err)
			}
			awaitStacks(t, nobodyRuns(").serveEvents("))
		})
	}
}

// Who reads nothing is given up.
func TestStatusEventsOfSilentClient(t *testing.T) {
	s := Status{stopping: t.Context()}
	w := &refusingWriter{header: make(http.Header)}
	if err := s.serveEvents(w, requestFrom("127.0.0.1:1", "127.0.0.1")); err != nil || w.deadline.IsZero() {
		t.Errorf("%v, deadline %v", err, w.deadline)
	}
}

// refusingWriter is an answer that nobody reads.
type refusingWriter struct {
	header   http.Header
	deadline time.Time
}

func (w *refusingWriter) Header() http.Header                { return w.header }
func (*refusingWriter) WriteHeader(int)                      {}
func (*refusingWriter) Write([]byte) (int, error)            { return 0, io.ErrClosedPipe }
func (w *refusingWriter) SetWriteDeadline(t time.Time) error { w.deadline = t; return nil }

// It is counted while somebody looks and for five minutes after; then nothing is left
// of it, until somebody looks again.
func TestStatusWatchEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w statusWatch
		running := func() bool {
			synctest.Wait()
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.running && strings.Contains(stacks(), "(*statusWatch).run(0x")
		}
		first := w.look()
		if !running() || len(first.History) != 1 {
			t.Fatalf("%+v", first)
		}
		leave := w.join()
		time.Sleep(2 * statusKeep)
		synctest.Wait()
		view, fresh := w.newest()
		if len(view.History) != statusPoints || view.round != first.round+2*statusPoints {
			t.Fatalf("%d points after %d rounds", len(view.History), view.round)
		}
		for i, p := range view.History[1:] {
			if p.At.Sub(view.History[i].At) != statusInterval {
				t.Errorf("points %d and %d are at %v and %v", i, i+1, view.History[i].At, p.At)
			}
		}
		<-fresh
		leave()
		time.Sleep(statusKeep - 2*statusInterval)
		if !running() {
			t.Error("it ended early")
		}
		w.look()
		time.Sleep(statusKeep - statusInterval)
		if !running() {
			t.Error("it ended early although somebody looked")
		}
		time.Sleep(2 * statusInterval)
		if running() || w.view != nil || w.count.tunnels != nil {
			t.Error("it goes on for nobody")
		}
		if again := w.look(); len(again.History) != 1 || !running() {
			t.Errorf("later %+v", again)
		}
		time.Sleep(statusKeep + statusInterval) // otherwise the bubble would not end
		synctest.Wait()
	})
}

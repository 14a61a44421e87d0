// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/coder/websocket"
)

// arrivals are clients that come, send a message, and go, one after another, by each way
// into a lab.
type arrivals struct {
	lab    *lab
	leave  chan struct{}
	going  sync.WaitGroup
	opened atomic.Int64
	failed atomic.Int64
}

// arrive has some come by each way at a time. bad is called with each that does not fare
// as it should, and with what it saw: a status, 0 without any, and a close code, -1
// without any.
func (l *lab) arrive(t *testing.T, each int, bad func(way string, status int, code websocket.StatusCode, err error)) *arrivals {
	t.Helper()
	a := &arrivals{lab: l, leave: make(chan struct{})}
	for _, way := range l.ways() {
		for n := range each {
			client := way.client(t, dialing{})
			a.going.Go(func() {
				defer client.CloseIdleConnections()
				for round := 0; ; round++ {
					select {
					case <-a.leave:
						return
					default:
					}
					path := "/chat/arrival-" + way.name + "-" + strconv.Itoa(n) + "-" + strconv.Itoa(round)
					conn, resp, err := websocket.Dial(t.Context(), way.url+path, &websocket.DialOptions{HTTPClient: client}) //nolint:bodyclose // coder does
					status := 0
					if resp != nil {
						status = resp.StatusCode
					}
					if err == nil {
						a.opened.Add(1)
						if err = conn.Write(t.Context(), websocket.MessageText, []byte(path)); err == nil {
							var got []byte
							if _, got, err = conn.Read(t.Context()); err == nil && string(got) != path {
								t.Errorf("%s came back as %s", path, got)
							}
						}
						if err == nil {
							err = conn.Close(4000, "bye")
						}
						_ = conn.CloseNow()
					}
					if err != nil {
						a.failed.Add(1)
						bad(way.name, status, websocket.CloseStatus(err), err)
					}
				}
			})
		}
	}
	return a
}

// end has nobody come any more, and waits for those that are there.
func (a *arrivals) end() {
	close(a.leave)
	a.going.Wait()
}

// Under a storm of reloads, tunnels of HTTP/1.1 go on, and streams are ended with 1012 or
// not opened. That is all that may happen to anybody who was answered: Caddy listens anew
// for each config, and the kernel resets connections that it had not accepted yet.
func TestReloadStormUnderLoad(t *testing.T) {
	const reloads = 12
	l := labPlan{originPort: coderOrigin(t, websocket.CompressionDisabled), global: "\tmetrics\n"}.start(t)
	before := l.warmUp(t)
	bystanders := l.standBy(t, 5, "plain", "tls")
	arrivals := l.arrive(t, 2, func(way string, status int, code websocket.StatusCode, err error) {
		stream := way == "http2" || way == "http3"
		if status != 0 && !(stream && (status != 101 || code == websocket.StatusServiceRestart)) {
			t.Errorf("by %s: %d, %d, %v", way, status, code, err)
		}
	})
	for n := range reloads {
		l.reload(t, "linger "+strconv.Itoa(n+1)+"s")
		bystanders.goOn(t)
	}
	arrivals.end()
	if arrivals.opened.Load() < reloads {
		t.Errorf("only %d tunnels were opened meanwhile", arrivals.opened.Load())
	}
	bystanders.leaveWell(t)
	l.leavesNothing(t, before)
}

// A gateway that is told to stop under load tells each tunnel, and ends well. One that is
// killed tells nobody, and everybody learns of it all the same; the next one can start at
// once on the same ports.
func TestEndUnderLoad(t *testing.T) {
	for _, test := range []struct {
		name   string
		signal syscall.Signal
		code   websocket.StatusCode // that tunnels end with
	}{
		{"SIGTERM", syscall.SIGTERM, websocket.StatusGoingAway},
		{"SIGKILL", syscall.SIGKILL, -1},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := labPlan{originPort: coderOrigin(t, websocket.CompressionDisabled), global: "\tgrace_period 10s\n"}.start(t)
			bystanders := l.standBy(t, 5)
			arrivals := l.arrive(t, 2, func(string, int, websocket.StatusCode, error) {})
			bystanders.goOn(t)
			if err := l.cmd.Process.Signal(test.signal); err != nil {
				t.Fatal(err)
			}
			for _, one := range bystanders.all {
				<-one.ended
				if code := websocket.CloseStatus(one.err); code != test.code {
					t.Errorf("%s ended with %d: %v", one.path, code, one.err)
				}
			}
			arrivals.end()
			l.wait(t)
			if test.signal == syscall.SIGTERM {
				l.succeeds(t)
				for _, one := range bystanders.all {
					if r := l.record(t, one.path); r.Reason != "shutdown" {
						t.Errorf("the record of %s is %+v", one.path, r)
					}
				}
			}
			l.restart(t)
			l.standBy(t, 1).leaveWell(t)
		})
	}
}

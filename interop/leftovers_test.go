// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// state is what a gateway holds.
type state struct {
	tunnels     int // in its list
	active      int // in its metrics
	unended     int // opened and not ended, in its metrics
	handshakes  int // goroutines in the handler
	connections int // with clients, but for those of tunnels of HTTP/1.1
	goroutines  int
	descriptors int
}

// state looks at the gateway.
func (l *lab) state(t *testing.T) (s state) {
	t.Helper()
	stacks := l.get(t, "/debug/pprof/goroutine?debug=2")
	s.goroutines = strings.Count("\n"+stacks, "\ngoroutine ")
	s.connections = strings.Count(stacks, "net/http.(*conn).serve(") - 1 + strings.Count(stacks, "quic-go.(*Conn).run(") // less ours
	s.handshakes = strings.Count(stacks, "wstunnel.(*Handler).ServeHTTP(")
	descriptors, err := os.ReadDir("/proc/" + strconv.Itoa(l.cmd.Process.Pid) + "/fd")
	if err != nil {
		t.Fatal(err)
	}
	s.descriptors = len(descriptors)
	metrics := l.get(t, "/metrics")
	s.active = sum(t, metrics, "caddy_ws_tunnel_active")
	s.unended = sum(t, metrics, "caddy_ws_tunnel_opened_total") - sum(t, metrics, "caddy_ws_tunnel_ended_total")
	if _, err := fmt.Sscanf(regexp.MustCompile(`"total":\s*\d+`).FindString(l.get(t, "/ws_tunnel/tunnels?limit=1")), `"total":%d`, &s.tunnels); err != nil {
		t.Fatal(err)
	}
	return s
}

// warmUp has the gateway carry tunnels of each kind, and returns its state after them:
// what it makes once and keeps is there.
func (l *lab) warmUp(t *testing.T) state {
	t.Helper()
	l.standBy(t, 1).leaveWell(t)
	return l.settles(t, state{goroutines: math.MaxInt, descriptors: math.MaxInt})
}

// leavesNothing waits until the gateway holds no tunnel, and no more of anything
// than before.
func (l *lab) leavesNothing(t *testing.T, before state) {
	t.Helper()
	l.settles(t, before)
}

func (l *lab) settles(t *testing.T, most state) state {
	t.Helper()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for deadline := time.Now().Add(30 * time.Second); ; <-again.C {
		now := l.state(t)
		if now.tunnels == 0 && now.active == 0 && now.unended == 0 && now.handshakes == 0 && now.connections == 0 &&
			now.goroutines <= most.goroutines && now.descriptors <= most.descriptors {
			return now
		}
		if time.Now().After(deadline) {
			t.Fatalf("it was %+v before, and stays %+v:\n%s", most, now, l.get(t, "/debug/pprof/goroutine?debug=1"))
		}
	}
}

// get asks the gateway's admin endpoint, on a connection that is over then.
func (l *lab) get(t *testing.T, path string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.admin+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s: %s, %v", path, resp.Status, text, err)
	}
	return string(text)
}

// sum adds up the series of a metric.
func sum(t *testing.T, metrics, name string) (sum int) {
	t.Helper()
	for _, series := range regexp.MustCompile(`(?m)^`+name+`(?:\{.*\})? (\S+)$`).FindAllStringSubmatch(metrics, -1) {
		value, err := strconv.ParseFloat(series[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		sum += int(value)
	}
	return sum
}

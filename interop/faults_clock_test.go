// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop && linux && amd64

package interop

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// A wall clock that is set to another hour, or another day, changes nothing for tunnels
// and their many times, which go by how much has passed. What goes by the hour of the
// day follows it: a window of time, and a switch that is off until then.
func TestWallClockJumps(t *testing.T) {
	const later = 3 * time.Hour
	window := time.Now().Add(later).UTC()
	clock := newWallClock(t)
	l := labPlan{
		originPort: coderOrigin(t, websocket.CompressionDisabled), global: "\tmetrics\n", command: clock.command(),
		options: "heartbeat 1s 10s\n\t\tidle_timeout 20m\n\t\tmax_lifetime 1h",
		routes: "\t@later time_window " + window.Add(-time.Hour).Format("15:04") + "-" + window.Add(time.Hour).Format("15:04") + " UTC\n" +
			"\t@on ws_switch chat\n\theader @later X-Later yes\n\theader @on X-On yes\n\theader X-Now {time.now.unix}\n",
	}.start(t)
	before := l.warmUp(t)
	l.turnOff(t, "2h")
	began := time.Now()
	bystanders := l.standBy(t, 1)
	silent := dialCoderWith(t, l.ways()[0].url+"/chat/silent", &websocket.DialOptions{})
	silent.CloseRead(silent.patience)

	for _, test := range []struct {
		ahead     time.Duration
		later, on bool
	}{
		{0, false, false},
		{later, true, true},
		{-49 * time.Hour, false, false},
		{2400 * time.Hour, false, true},
		{0, false, false},
	} {
		clock.jump(t, test.ahead)
		header := l.header(t)
		now, err := strconv.ParseInt(header.Get("X-Now"), 10, 64)
		if off := time.Since(time.Unix(now, 0).Add(-test.ahead)); err != nil || off.Abs() > time.Minute {
			t.Fatalf("its clock should be ahead by %s, and is wrong by %s more (%v)", test.ahead, off, err)
		}
		if later, on := header.Get("X-Later") != "", header.Get("X-On") != ""; later != test.later || on != test.on {
			t.Errorf("ahead by %s, it is later: %t, and on: %t", test.ahead, later, on)
		}
		bystanders.goOn(t)
		silent.pinged(t)
		l.standBy(t, 1).leaveWell(t)
	}

	if err := silent.Close(4001, "what time is it?"); err != nil {
		t.Errorf("closing: %v", err)
	}
	var r struct {
		Reason   string
		Duration float64 // seconds
	}
	if err := json.Unmarshal([]byte(l.says(t, `"tunnel ended"`, `"path":"/chat/silent"`)), &r); err != nil {
		t.Fatal(err)
	}
	if most := time.Since(began).Seconds(); r.Reason != "client_closed" || r.Duration <= 0 || r.Duration > most {
		t.Errorf("the record of a tunnel of at most %g s is %+v", most, r)
	}
	bystanders.leaveWell(t)
	l.leavesNothing(t, before)
}

// turnOff turns the switch chat off for a while.
func (l *lab) turnOff(t *testing.T, d string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+l.admin+"/ws_tunnel/switches/chat", strings.NewReader(`{"on":false,"for":"`+d+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		t.Fatalf("turning a switch off: %s: %s, %v", resp.Status, text, err)
	}
}

// header is that of an ordinary response.
func (l *lab) header(t *testing.T) http.Header {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.http+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.Header
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"strconv"
	"strings"
	"testing"
)

// TestHeartbeat has real peers that say nothing answer the gateway's Pings, and
// see nothing of each other's answers.
func TestHeartbeat(t *testing.T) {
	// Since its side is asked every 100ms, the origin sees so many in no less
	// than seven seconds. By then, clients that do not answer are gone.
	const times = 70
	l := startLab(t, "heartbeat 100ms 5s")
	visits := make([]visit, len(visitors))
	for i, v := range visitors {
		visits[i] = v.visit(t, l, "/chat/"+v.name, 0)
	}
	for i, v := range visitors {
		if visits[i].pinged != nil { // browsers do not show it
			visits[i].pinged(times)
		}
		l.origin.says(t, `"pinged":"/chat/`+v.name+`"`, `"times":`+strconv.Itoa(times)+"}")
	}
	l.terminate(t)
	for i, v := range visitors {
		if saw := visits[i].ended(); saw != (ending{1001, true}) {
			t.Errorf("%s saw %+v", v.name, saw)
		}
		// And not heartbeat_timeout, which has the same code.
		if r := l.record(t, "/chat/"+v.name); r.Reason != "shutdown" {
			t.Errorf("the record of %s is %+v", v.name, r)
		}
		l.origin.says(t, `"closed":"/chat/`+v.name+`"`)
	}
	if strings.Contains(l.origin.said(), `"ponged"`) {
		t.Error("the origin saw a Pong that it had not asked for")
	}
}

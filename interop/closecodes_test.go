// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"strconv"
	"testing"
)

// TestCloseCodes has real clients see how the gateway ends their tunnels, and
// the origin, too: never with 1006, which would be for peers that vanished.
func TestCloseCodes(t *testing.T) {
	stopped := func(t *testing.T, l *lab) { l.succeeds(t) }
	for _, test := range []struct {
		name, options string
		send          int // the size of the message that clients send
		end           func(t *testing.T, l *lab)
		after         func(t *testing.T, l *lab)
		want          record
	}{
		{"idle_timeout", "idle_timeout 200ms", 0, nil, nil, endedWith("idle_timeout", "gateway", 1001, 1001)},
		{"max_lifetime", "max_lifetime 200ms", 0, nil, nil, endedWith("max_lifetime", "gateway", 1001, 1001)},
		{"max_message", "max_message 1KiB", 2000, nil, nil, endedWith("message_too_big", "client", 1009, 1009)},
		{"max_message, while much is sent", "max_message 1KiB", 4 << 20, nil, nil, endedWith("message_too_big", "client", 1009, 1009)},
		{
			"reload", "on_reload close", 0,
			func(t *testing.T, l *lab) { l.reload(t, "on_reload close\n\t\tlinger 4s") }, nil,
			endedWith("reload", "gateway", 1012, 1012),
		},
		{"SIGTERM", "drain 1s", 0, func(t *testing.T, l *lab) { l.terminate(t) }, stopped, endedWith("shutdown", "gateway", 1001, 1001)},
		{"caddy stop", "drain 1s", 0, func(t *testing.T, l *lab) { l.stop(t) }, stopped, endedWith("shutdown", "gateway", 1001, 1001)},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := startLab(t, test.options)
			visits := make([]visit, len(visitors))
			for i, v := range visitors {
				visits[i] = v.visit(t, l, "/chat/"+v.name, test.send)
			}
			if test.end != nil {
				for _, v := range visitors {
					l.says(t, `"tunnel opened"`, `"path":"/chat/`+v.name+`"`)
				}
				test.end(t, l)
			}
			code := test.want.ToClient.Code
			for i, v := range visitors {
				if saw, want := visits[i].ended(), (ending{code, true}); saw != want {
					t.Errorf("%s saw %+v, want %+v", v.name, saw, want)
				}
				l.origin.says(t, `"closed":"/chat/`+v.name+`"`, `"code":`+strconv.Itoa(code)+",")
				got := l.record(t, "/chat/"+v.name)
				got.RemoteAddr = ""
				want := test.want
				want.Proto = v.proto
				if got != want {
					t.Errorf("the record of %s is %+v, want %+v", v.name, got, want)
				}
			}
			if test.after != nil {
				test.after(t, l)
			}
		})
	}
}

// endedWith is the record of a tunnel with the codes that its sides sent.
func endedWith(reason, side string, client, origin int) (r record) {
	r.Reason, r.Side, r.ToOrigin.Code, r.ToClient.Code = reason, side, client, origin
	return r
}

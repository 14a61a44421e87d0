// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"bytes"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/frame"
)

func TestCloseAsksBothSides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		r.tunnel.Close(Reload)
		r.tunnel.Close(Shutdown) // too late to count

		var masked [2]byte
		if _, err := io.ReadFull(r.origin, masked[:]); err != nil || masked[1]&0x80 == 0 {
			t.Fatalf("to the origin: %x (%v), want a masked frame", masked, err)
		}
		r.expectClose(r.client, 1012)

		// What a peer sends before its answer is its right, and dropped, and not counted.
		r.send(r.client, clientMessage("crossing"))
		r.send(r.client, frame.AppendClose(nil, 1012, "", true))
		r.send(r.origin, frame.AppendClose(nil, 1012, "", false))
		s := r.expectEnd(Reload, Gateway)
		if s.Duration != 0 {
			t.Errorf("took %v although both sides answered", s.Duration)
		}
		if s.ToOrigin.Messages != 0 || s.ToOrigin.CloseCode != 1012 {
			t.Errorf("to origin: %+v", s.ToOrigin)
		}
		r.expectEOF(r.client)
	})
}

func TestCloseWaitsForTheFrameToEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		long := frame.Frame{Opcode: frame.Text, Payload: bytes.Repeat([]byte("x"), 3000)}.Append(nil) // a fragment
		r.send(r.origin, long[:1000])
		r.expect(r.client, long[:1000])
		r.tunnel.Close(Shutdown)
		synctest.Wait()
		if n := len(r.client.in.data); n > 0 {
			t.Fatalf("%d bytes were put into a frame", n)
		}
		r.send(r.origin, append(long[1000:], message("never seen")...))
		r.expect(r.client, long[1000:])
		r.expectClose(r.client, 1001)
		r.send(r.client, frame.AppendClose(nil, 1001, "", true))
		r.send(r.origin, frame.AppendClose(nil, 1001, "", false))
		r.expectEnd(Shutdown, Gateway)
	})
}

func TestCloseIsBounded(t *testing.T) {
	tests := []struct {
		name string
		do   func(r *rig)
	}{
		{"peers do not answer", func(r *rig) {}},
		{"origin stops within a frame", func(r *rig) { r.send(r.origin, []byte{0x82, 100, 1, 2, 3}) }},
		{"client reads nothing", func(r *rig) {
			go func() { _, _ = r.origin.Write(bytes.Repeat(message("flood"), 50_000)) }()
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, Config{})
				test.do(r)
				synctest.Wait()
				r.tunnel.Close(Shutdown)
				if s := r.expectEnd(Shutdown, Gateway); s.Duration != 5*time.Second {
					t.Errorf("took %v, want the linger time", s.Duration)
				}
				r.origin.Close()
			})
		})
	}
}

// A Close frame that nobody answers does not make a tunnel immortal, whatever
// else would have ended it.
func TestUnansweredClose(t *testing.T) {
	for name, do := range map[string]func(r *rig){
		"alone":            func(*rig) {},
		"then a shutdown":  func(r *rig) { r.tunnel.Close(Shutdown) },
		"then no frames":   func(r *rig) { r.send(r.client, []byte{0x08, 0x00}) },
		"and more to send": func(r *rig) { r.send(r.origin, message("unmoved")) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, Config{MaxLifetime: time.Minute, Limits: &Limits{IdleTimeout: time.Minute}})
				r.send(r.client, frame.AppendClose(nil, 1000, "", true))
				synctest.Wait()
				do(r)
				if s := r.expectEnd(ClientClosed, Client); s.Duration != 5*time.Second {
					t.Errorf("took %v, want the linger time", s.Duration)
				}
			})
		})
	}
}

// A side that has sent its Close frame gets no second one of the gateway's in
// front of the answer.
func TestCloseDuringClosingHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		r.send(r.client, frame.AppendClose(nil, 1000, "", true))
		if _, err := frame.Read(r.origin, 125); err != nil {
			t.Fatal(err)
		}
		r.tunnel.Close(Shutdown) // the client was first
		r.send(r.origin, frame.AppendClose(nil, 1000, "", false))
		r.expectClose(r.client, 1000)
		r.client.Close()
		r.origin.Close()
		r.expectEnd(ClientClosed, Client)
	})
}

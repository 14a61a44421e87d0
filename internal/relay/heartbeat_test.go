// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/frame"
)

// beating is a config with a heartbeat.
func beating() Config {
	return Config{Limits: &Limits{Heartbeat: 30 * time.Second, HeartbeatTimeout: 10 * time.Second, IdleTimeout: 150 * time.Second}}
}

// expectPing reads a Ping of the gateway's and returns its payload.
func (r *rig) expectPing(from *memory) []byte {
	r.t.Helper()
	f, err := frame.Read(from, 125)
	if err != nil || f.Opcode != frame.Ping {
		r.t.Fatalf("got %+v (%v), want a Ping", f, err)
	}
	return f.Payload
}

// pong is a Pong as its sender would make it.
func pong(payload []byte, masked bool) []byte {
	p := frame.Frame{Fin: true, Opcode: frame.Pong, Payload: payload}.Append(nil)
	if !masked {
		return p
	}
	p[1] |= 0x80
	for i := range payload {
		p[2+i] ^= "mask"[i%4]
	}
	return slices.Insert(p, 2, []byte("mask")...)
}

// Sides that are silent are asked, and the answers end here. That is no traffic:
// in the end the tunnel is idle.
func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, beating())
		opened := time.Now()
		for beat := time.Duration(1); beat <= 4; beat++ {
			toClient, toOrigin := r.expectPing(r.client), r.expectPing(r.origin)
			if took := time.Since(opened); took != beat*30*time.Second {
				t.Fatalf("Ping %d after %v", beat, took)
			}
			r.send(r.client, pong(toClient, true))
			r.send(r.origin, pong(toOrigin, false))
			synctest.Wait()
		}
		r.expectClose(r.client, 1001)
		r.expectClose(r.origin, 1001)
		if took := time.Since(opened); took != 150*time.Second {
			t.Errorf("idle after %v", took)
		}
		r.client.Close()
		r.origin.Close()
		s := r.expectEnd(IdleTimeout, Gateway)
		if s.ToOrigin.Bytes != 0 || s.ToClient.Bytes != 0 {
			t.Errorf("summary %+v", s)
		}
	})
}

// A side that does not answer is gone; the other one is told.
func TestHeartbeatTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, beating())
		opened := time.Now()
		r.expectPing(r.origin)
		r.send(r.origin, message("anything is an answer"))
		r.expectPing(r.client)
		r.expect(r.client, message("anything is an answer"))
		r.expectClose(r.origin, 1001)
		if took := time.Since(opened); took != 40*time.Second {
			t.Errorf("gone after %v", took)
		}
		r.origin.Close()
		r.expectEnd(HeartbeatTimeout, Client)
	})
}

// A side that sends is not asked.
func TestHeartbeatOfTheBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, beating())
		for range 5 {
			<-time.After(29 * time.Second)
			r.send(r.client, clientMessage("busy"))
			r.send(r.origin, message("busy"))
			r.expect(r.origin, clientMessage("busy"))
			r.expect(r.client, message("busy"))
		}
		r.client.Close()
		synctest.Wait()
		r.origin.Close()
		r.expectEnd(ClientGone, Client)
	})
}

// A Ping waits for the end of the frame that its side is being sent, and its
// time runs from when it was sent.
func TestPingWaitsForTheFrameToEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Limits: &Limits{Heartbeat: 30 * time.Second, HeartbeatTimeout: 10 * time.Second}})
		long := message("a frame that takes its time")
		r.send(r.origin, long[:5])
		r.expect(r.client, long[:5])
		for range 4 { // the origin goes on sending, slowly
			<-time.After(20 * time.Second)
			r.send(r.origin, long[5:6])
			r.expect(r.client, long[5:6])
			long = slices.Delete(long, 5, 6)
		}
		r.send(r.origin, append(long[5:], message("next")...))
		r.expect(r.client, long[5:])
		r.send(r.client, pong(r.expectPing(r.client), true))
		r.expect(r.client, message("next"))
		r.client.Close()
		synctest.Wait()
		r.origin.Close()
		r.expectEnd(ClientGone, Client)
	})
}

// Whatever the pieces, only the Pongs that answer the gateway are taken out.
func TestOnlyOurPongsEndHere(t *testing.T) {
	for seed := range uint64(200) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rnd := rand.New(rand.NewPCG(seed, 0))
				masked := seed%2 == 0
				r := newRig(t, beating())
				from, to := r.origin, r.client
				if masked {
					from, to = to, from
				}
				payload := r.expectPing(from)
				r.expectPing(to)
				almost := bytes.Clone(payload)
				almost[rnd.IntN(len(almost))] ^= 1
				others := [][]byte{
					pong(almost, masked), pong(payload[:7], masked), pong(nil, masked), pong(append(bytes.Clone(payload), 0), masked),
					frame.Frame{Fin: true, Opcode: frame.Ping, Payload: payload}.Append(nil),
					message("between"), {0x01, 0x02, 'a', 'b'}, {0x80, 0x01, 'c'},
				}
				var wire, want []byte
				at := rnd.IntN(len(others) + 1)
				for i := range len(others) + 1 {
					if i == at {
						wire = append(wire, pong(payload, masked)...)
					}
					if i < len(others) {
						wire, want = append(wire, others[i]...), append(want, others[i]...)
					}
				}
				// A second answer to one Ping, and half an answer, are not ours.
				rest := append(pong(payload, masked), pong(payload, masked)[:1+rnd.IntN(8)]...)
				wire, want = append(wire, rest...), append(want, rest...)
				for len(wire) > 0 {
					n := 1 + rnd.IntN(min(len(wire), 30))
					r.send(from, wire[:n])
					wire = wire[n:]
					synctest.Wait()
				}
				from.CloseWrite()
				r.expect(to, want)
				to.Close()
				from.Close()
				<-r.summary
			})
		})
	}
}

// A message that is too large is stopped before its first byte, and counts as little
// as its bytes; both sides are told.
func TestMaxMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Limits: &Limits{MaxMessage: 5}})
		r.send(r.client, clientMessage("hello"))
		r.send(r.client, clientMessage("hello!"))
		r.expect(r.origin, clientMessage("hello"))
		r.expectClose(r.client, 1009)
		r.expectClose(r.origin, 1009)
		r.send(r.client, frame.AppendClose(nil, 1009, "", true))
		r.send(r.origin, frame.AppendClose(nil, 1009, "", false))
		s := r.expectEnd(MessageTooBig, Client)
		if s.ToOrigin.Messages != 1 || s.ToOrigin.CloseCode != 1009 || s.ToOrigin.Bytes != uint64(len(clientMessage("hello"))) || s.Duration != 0 {
			t.Errorf("summary %+v", s)
		}
	})
}

// So is one whose header comes in pieces.
func TestMaxMessageHeaderInPieces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for cut := 1; cut < 8; cut++ {
			r := newRig(t, Config{Limits: &Limits{MaxMessage: 1000}})
			r.send(r.client, clientMessage("hello"))
			head := []byte{0x82, 0xfe, 0x07, 0xd0, 1, 2, 3, 4} // 2000 bytes
			r.send(r.client, head[:cut])
			synctest.Wait()
			r.send(r.client, head[cut:])
			r.expect(r.origin, clientMessage("hello"))
			r.expectClose(r.client, 1009)
			r.expectClose(r.origin, 1009)
			r.client.Close()
			r.origin.Close()
			if s := r.expectEnd(MessageTooBig, Client); s.ToOrigin.Bytes != uint64(len(clientMessage("hello"))) {
				t.Errorf("cut at %d: %d bytes to the origin", cut, s.ToOrigin.Bytes)
			}
		}
	})
}

// In the sockets' engines, too, a Ping costs the stream nothing.
func TestHeartbeatInTraffic(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			w := newWired(t, engine.network, engine.end, Config{Limits: &Limits{Heartbeat: time.Millisecond, HeartbeatTimeout: time.Hour}})
			answered := make(chan error, 1)
			go func() { // the client answers three Pings, then sends a message
				for range 3 {
					f, err := frame.Read(w.client, 125)
					if err == nil && f.Opcode == frame.Ping {
						_, err = w.client.Write(pong(f.Payload, true))
					}
					if err != nil {
						answered <- err
						return
					}
				}
				_, err := w.client.Write(clientMessage("over"))
				answered <- err
			}()
			// The origin gets a Ping, which it does not answer, and the message.
			f, err := frame.Read(w.origin, 125)
			if err != nil || f.Opcode != frame.Ping {
				t.Fatalf("got %+v (%v)", f, err)
			}
			got := make([]byte, len(clientMessage("over")))
			if _, err := io.ReadFull(w.origin, got); err != nil || !bytes.Equal(got, clientMessage("over")) {
				t.Errorf("got %q (%v)", got, err)
			}
			if err := <-answered; err != nil {
				t.Error(err)
			}
		})
	}
}

// A look at the very moment that a Ping is sent may find it not yet sent, and want
// another. That one is not sent.
func TestNoSecondPing(t *testing.T) {
	w := newWired(t, "tcp", func(c net.Conn) End { return Conn(opaque{c}) }, Config{Limits: &Limits{Heartbeat: time.Hour, HeartbeatTimeout: time.Hour}})
	p, f := w.tunnel.pulse(Origin), &w.tunnel.toOrigin
	ask := func() int32 {
		p.due.Store(true)
		f.mu.Lock()
		defer f.mu.Unlock()
		f.pingIfDue()
		return p.owed.Load()
	}
	if owed := ask(); owed != 1 {
		t.Fatalf("%d Pings were sent", owed)
	}
	p.asked.Store(int64(time.Hour)) // as it would be an hour later
	if owed := ask(); owed != 1 {
		t.Errorf("%d Pings were sent, and none was answered", owed)
	}
	p.heard.Store(p.asked.Load())
	if owed := ask(); owed != 2 {
		t.Errorf("%d Pings were sent, and the first was answered", owed)
	}
}

// To begin without bytes of a side is not to hear of it.
func TestNothingHeard(t *testing.T) {
	w := newWired(t, "tcp", func(c net.Conn) End { return Conn(opaque{c}) }, Config{Limits: &Limits{Heartbeat: time.Hour, HeartbeatTimeout: time.Hour}})
	p := w.tunnel.pulse(Client)
	p.heard.Store(-1)
	w.tunnel.toOrigin.forward(nil)
	if heard := p.heard.Load(); heard != -1 {
		t.Errorf("heard at %d", heard)
	}
}

// A side that answers late is asked again when it has been silent for as long as
// ever, however long it may take to answer.
func TestHeartbeatAfterALateAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Limits: &Limits{Heartbeat: 10 * time.Second, HeartbeatTimeout: time.Hour}})
		opened := time.Now()
		payload := r.expectPing(r.client)
		<-time.After(15 * time.Second)
		r.send(r.client, pong(payload, true))
		r.expectPing(r.client)
		if at := time.Since(opened); at > 45*time.Second {
			t.Errorf("asked again after %v", at)
		}
		r.client.Close()
		synctest.Wait()
		r.origin.Close()
		<-r.summary
	})
}

// A look that comes much too late, as after the machine was asleep, takes nobody for
// gone. The next one does.
func TestBeatOverslept(t *testing.T) {
	limits := &Limits{Heartbeat: time.Second, HeartbeatTimeout: time.Second}
	var p pulse
	p.asked.Store(int64(time.Second))
	next, ping, gone := p.beat(time.Minute, limits, false)
	if next != time.Minute+time.Second || ping || gone {
		t.Errorf("after a minute of sleep: %s, %t, %t", next, ping, gone)
	}
	if _, _, gone := p.beat(next, limits, false); !gone {
		t.Error("a side that still says nothing is not taken for gone")
	}
}

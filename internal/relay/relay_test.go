// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"bytes"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/frame"
)

// rig is a tunnel with both peers in the test's hands. It runs in a bubble of
// testing/synctest: time passes when all wait, and a goroutine that outlives
// the test fails it.
type rig struct {
	t              *testing.T
	client, origin *memory // the peers' sides
	tunnel         *Tunnel
	summary        chan Summary
}

// rigClock is the clock that a bubble's has replaced.
var rigClock struct {
	of   *testing.T
	real *clock
}

func newRig(t *testing.T, c Config) *rig {
	t.Helper()
	if rigClock.of != t { // timers of a bubble are not touched by others
		rigClock.of, rigClock.real = t, theClock
		theClock = new(clock)
		t.Cleanup(func() { theClock = rigClock.real })
	}
	const capacity = 64 << 10
	r := &rig{t: t, summary: make(chan Summary, 1)}
	var client, origin *memory
	r.client, client = newMemory(capacity)
	r.origin, origin = newMemory(capacity)
	c.Client, c.Origin = client, origin
	c.Limits = withLinger(c.Limits, 5*time.Second)
	r.tunnel = Start(c, func(s Summary) { r.summary <- s })
	return r
}

func (r *rig) send(to *memory, p []byte) {
	r.t.Helper()
	if _, err := to.Write(p); err != nil {
		r.t.Fatalf("sending: %v", err)
	}
}

func (r *rig) expect(from *memory, want []byte) {
	r.t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(from, got); err != nil || !bytes.Equal(got, want) {
		r.t.Fatalf("got %x (%v), want %x", got[:n], err, want)
	}
}

// expectClose reads a Close frame of the gateway's.
func (r *rig) expectClose(from *memory, code int) {
	r.t.Helper()
	f, err := frame.Read(from, 125)
	if err != nil || f.Opcode != frame.Close || len(f.Payload) < 2 {
		r.t.Fatalf("got frame %+v (%v), want a Close", f, err)
	}
	if got := int(f.Payload[0])<<8 | int(f.Payload[1]); got != code {
		r.t.Fatalf("close code %d, want %d", got, code)
	}
}

func (r *rig) expectEOF(from *memory) {
	r.t.Helper()
	if p, err := io.ReadAll(from); err != nil || len(p) > 0 {
		r.t.Fatalf("got %x (%v), want EOF", p, err)
	}
}

func (r *rig) expectEnd(reason Reason, side Side) Summary {
	r.t.Helper()
	s := <-r.summary
	if s.Reason != reason || s.Side != side {
		r.t.Fatalf("ended as %s by %s, want %s by %s", s.Reason, s.Side, reason, side)
	}
	return s
}

// message is an unmasked text frame, clientMessage a masked one.
func message(text string) []byte {
	return frame.Frame{Fin: true, Opcode: frame.Text, Payload: []byte(text)}.Append(nil)
}

func clientMessage(text string) []byte {
	p := message(text)
	p[1] |= 0x80
	return slices.Insert(p, 2, 0, 0, 0, 0) // a mask that changes nothing
}

// A Tunnel is most of what an idle tunnel takes, and Go's allocator has 320 bytes
// ready, and then 352.
func TestTunnelIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(Tunnel{}); size > 320 {
		t.Errorf("a Tunnel has %d bytes, which take the next size of memory", size)
	}
}

func TestBytesPassBothWays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{FromClient: clientMessage("early"), FromOrigin: message("greeting")})
		r.expect(r.origin, clientMessage("early"))
		r.expect(r.client, message("greeting"))
		r.send(r.client, clientMessage("question"))
		r.expect(r.origin, clientMessage("question"))
		r.send(r.origin, message("answer"))
		r.expect(r.client, message("answer"))

		r.send(r.client, frame.AppendClose(nil, 1000, "", true))
		if f, err := frame.Read(r.origin, 125); err != nil || f.Opcode != frame.Close {
			t.Fatalf("got %+v (%v)", f, err)
		}
		r.send(r.origin, frame.AppendClose(nil, 1000, "", false))
		r.origin.CloseWrite()
		r.expectClose(r.client, 1000)
		r.expectEOF(r.client)
		r.client.Close()
		s := r.expectEnd(ClientClosed, Client)
		want := Traffic{Bytes: uint64(len(clientMessage("earlyquestion")) + 6 + 8), Messages: 2, CloseCode: 1000}
		if s.ToOrigin != want {
			t.Errorf("to origin: %+v, want %+v", s.ToOrigin, want)
		}
		if s.ToClient.Messages != 2 || s.ToClient.CloseCode != 1000 {
			t.Errorf("to client: %+v", s.ToClient)
		}
	})
}

func TestWhoEndedIt(t *testing.T) {
	closeOf := func(mask bool) []byte { return frame.AppendClose(nil, 1000, "", mask) }
	tests := []struct {
		name   string
		do     func(r *rig)
		reason Reason
		side   Side
	}{
		{"client closes", func(r *rig) { r.send(r.client, closeOf(true)); r.client.Close() }, ClientClosed, Client},
		{"origin closes", func(r *rig) { r.send(r.origin, closeOf(false)); r.origin.Close() }, OriginClosed, Origin},
		{"client ends", func(r *rig) { r.client.Close() }, ClientGone, Client},
		{"origin ends", func(r *rig) { r.origin.Close() }, OriginGone, Origin},
		{"client resets", func(r *rig) { r.client.reset() }, ClientGone, Client},
		{"origin resets", func(r *rig) { r.origin.reset() }, OriginGone, Origin},
		{"client sends no frames", func(r *rig) { r.send(r.client, []byte{0x08, 0x00}) }, ProtocolError, Client},
		{"origin sends no frames", func(r *rig) { r.send(r.origin, []byte{0x89, 0x7e}) }, ProtocolError, Origin},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, Config{})
				test.do(r)
				r.expectEnd(test.reason, test.side)
				r.client.Close()
				r.origin.Close()
			})
		})
	}
}

// An origin that closed both ways makes writing to it fail, maybe before its
// Close frame was read. It is that frame that counts.
func TestCloseFrameBehindFailedWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		r.origin.in.finish(nil, errReset) // takes nothing more
		r.send(r.client, clientMessage("too late"))
		synctest.Wait()
		r.send(r.origin, frame.AppendClose(nil, 1001, "", false))
		r.origin.CloseWrite()
		r.expectClose(r.client, 1001)
		if s := r.expectEnd(OriginClosed, Origin); s.ToClient.CloseCode != 1001 {
			t.Errorf("%+v", s)
		}
	})
}

// What is on its way to a side is not lost because that side goes on sending to
// one that takes nothing more: its bytes are read, or closing its socket with
// them unread would reset the connection.
func TestFailedWriteKeepsReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		r.origin.in.finish(nil, errReset) // takes nothing more
		for range 100 {
			r.send(r.client, clientMessage(string(make([]byte, 4000))))
		}
		synctest.Wait()
		if left := len(r.client.out.data); left > 0 {
			t.Errorf("%d bytes are unread", left)
		}
		r.origin.CloseWrite()
		r.expectEOF(r.client)
		r.client.CloseWrite()
		r.expectEnd(OriginGone, Origin)
	})
}

func TestHalfClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Limits: &Limits{Linger: time.Minute}})
		r.send(r.client, clientMessage("last words"))
		r.client.CloseWrite()
		r.expect(r.origin, clientMessage("last words"))
		r.expectEOF(r.origin)
		r.send(r.origin, message("heard"))
		r.expect(r.client, message("heard"))
		r.origin.CloseWrite()
		r.expectEOF(r.client)
		r.expectEnd(ClientGone, Client)
	})
}

func TestHalfCloseIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Limits: &Limits{Linger: time.Minute}})
		r.client.CloseWrite()
		if s := r.expectEnd(ClientGone, Client); s.Duration != time.Minute {
			t.Errorf("ended after %v, want the linger time", s.Duration)
		}
	})
}

// After both Close frames a tunnel does not depend on the peers' closing their
// connections.
func TestClosedButNotDisconnected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		r.send(r.client, frame.AppendClose(nil, 1000, "", true))
		r.send(r.origin, frame.AppendClose(nil, 1000, "", false))
		if s := r.expectEnd(s1(r)); s.Duration != 5*time.Second {
			t.Errorf("ended after %v, want the linger time", s.Duration)
		}
	})
}

// s1 tells which of two simultaneous Close frames came first.
func s1(r *rig) (Reason, Side) {
	synctest.Wait()
	r.tunnel.mu.Lock()
	defer r.tunnel.mu.Unlock()
	return r.tunnel.end.reason, r.tunnel.end.side
}

func TestTimeouts(t *testing.T) {
	tests := []struct {
		name   string
		config Config
		reason Reason
		after  time.Duration
	}{
		{"idle", Config{Limits: &Limits{IdleTimeout: time.Minute}}, IdleTimeout, 90 * time.Second},
		{"lifetime", Config{MaxLifetime: 2 * time.Minute}, MaxLifetime, 2 * time.Minute},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, test.config)
				opened := time.Now()
				<-time.After(30 * time.Second) // the bubble's time
				r.send(r.origin, message("still here"))
				r.expect(r.client, message("still here"))
				r.expectClose(r.client, 1001)
				if took := time.Since(opened); took != test.after {
					t.Errorf("closed after %v, want %v", took, test.after)
				}
				r.expectClose(r.origin, 1001)
				r.send(r.client, frame.AppendClose(nil, 1001, "", true))
				r.send(r.origin, frame.AppendClose(nil, 1001, "", false))
				r.expectEnd(test.reason, Gateway)
				r.expectEOF(r.client)
			})
		})
	}
}

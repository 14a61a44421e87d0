// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"errors"
	"os"
	"sync"
	"time"
)

// pump is the engine that moves bytes with a goroutine for each direction. It
// works with ends of every kind. On Linux, a direction whose end is made of a
// socket has its goroutine only while there is traffic.
type pump struct{}

func (pump) name() string { return "pump" }

func (pump) start(t *Tunnel, c *Config) {
	if !c.Attached {
		go t.toOrigin.pumpToOrigin(c.FromClient)
	}
	go t.toClient.pumpToClient(c.FromOrigin)
}

func (pump) do(_ *Tunnel, f func()) { go f() }

// abort makes both flows' reads and writes fail.
func (pump) abort(t *Tunnel) {
	t.closeEnds()
	t.toOrigin.unpark()
	t.toClient.unpark()
}

// The goroutines have functions of their own so that a stack dump tells them
// apart.

func (f *flow) pumpToOrigin(early []byte) { f.pump(early) }

func (f *flow) pumpToClient(early []byte) { f.pump(early) }

// pump begins. Most tunnels are idle at first, so there is no wait to see whether
// this one is.
func (f *flow) pump(early []byte) {
	if f.move(early) {
		f.carry(0)
	} else {
		f.tunnel.flowEnded(false)
	}
}

// resume goes on after a time in the parking.
func (f *flow) resume() { f.carry(firstPatience) }

// A flow keeps its goroutine with nothing to carry for once to twice its patience.
// That is short at first, since many wake for one message, and doubles while there
// are more.
const firstPatience = 16 * time.Millisecond

// mostPatience is a variable for the sake of tests.
var mostPatience = time.Second

// carry moves bytes until src ends, dst takes no more, or the flow is parked,
// which it is if nothing comes within patience.
func (f *flow) carry(patience time.Duration) {
	var buf buffer
	defer buf.free()
	conn, _ := f.src.(connEnd)
	conn.bePatient(patience)
	quiet := true
	for {
		p := buf.bytes()
		n, err := f.src.Read(p)
		if n > 0 {
			quiet = false
			if !f.move(p[:n]) {
				f.tunnel.flowEnded(false)
				return
			}
		}
		switch {
		case err == nil:
			buf.fit(n)
		case conn.socket != nil && errors.Is(err, os.ErrDeadlineExceeded):
			if quiet && f.park(conn.socket) {
				return
			}
			quiet = true
			patience = min(max(2*patience, firstPatience), mostPatience)
			conn.bePatient(patience)
		default:
			f.tunnel.flowEnded(f.srcEnded(err))
			return
		}
	}
}

// move is forward, which may wait for a slow dst. What src sends meanwhile is not seen.
func (f *flow) move(p []byte) (more bool) {
	before := f.tunnel.lastActive.Load()
	more = f.forward(p)
	if len(p) == 0 || !f.tunnel.watchful() {
		return more
	}
	at := now() - f.tunnel.opened
	f.heard(at)
	if f.tunnel.lastActive.Load() != before { // a Pong that ends here does not count
		f.tunnel.active(at)
	}
	return more
}

// bePatient bounds the wait for what comes next, if the flow can be parked. It
// is not done for each read: a timer would have to be set.
func (e connEnd) bePatient(d time.Duration) {
	if e.socket != nil {
		_ = e.SetReadDeadline(time.Now().Add(d))
	}
}

// buffer is what a flow reads into. One that is mostly idle has a small one. A
// flow that fills it gets a large one, for as long as it needs it.
type buffer struct {
	small *[smallBuffer]byte
	large *[largeBuffer]byte
}

const (
	smallBuffer = 256
	largeBuffer = 32 << 10
)

var (
	smallBuffers = sync.Pool{New: func() any { return new([smallBuffer]byte) }}
	largeBuffers = sync.Pool{New: func() any { return new([largeBuffer]byte) }}
)

func (b *buffer) bytes() []byte {
	if b.large != nil {
		return b.large[:]
	}
	if b.small == nil {
		b.small = smallBuffers.Get().(*[smallBuffer]byte)
	}
	return b.small[:]
}

// fit chooses the buffer for what comes after a read of n bytes.
func (b *buffer) fit(n int) {
	switch {
	case b.large == nil && n == smallBuffer:
		b.large = largeBuffers.Get().(*[largeBuffer]byte)
	case b.large != nil && n <= smallBuffer:
		largeBuffers.Put(b.large)
		b.large = nil
	}
}

func (b *buffer) free() {
	if b.small != nil {
		smallBuffers.Put(b.small)
	}
	if b.large != nil {
		largeBuffers.Put(b.large)
	}
}

// Interface guards
var _ engine = pump{}

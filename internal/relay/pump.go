// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package relay

import "sync"

// pump is the engine that moves bytes with a goroutine for each direction. It
// works with ends of every kind.
type pump struct{}

func (pump) name() string { return "pump" }

func (pump) start(t *Tunnel, fromClient, fromOrigin []byte) {
	go t.toOrigin.pumpToOrigin(fromClient)
	go t.toClient.pumpToClient(fromOrigin)
}

func (pump) do(_ *Tunnel, f func()) { go f() }

// abort makes both goroutines' reads and writes fail.
func (pump) abort(t *Tunnel) { t.closeEnds() }

// The two goroutines have functions of their own so that a stack dump tells
// them apart.

func (f *flow) pumpToOrigin(early []byte) { f.pump(early) }

func (f *flow) pumpToClient(early []byte) { f.pump(early) }

func (f *flow) pump(early []byte) {
	f.tunnel.flowEnded(f.carry(early))
}

// A flow that is mostly idle waits with a small buffer. One that fills it gets
// a large one, for as long as it needs it.
const (
	smallBuffer = 1 << 10
	largeBuffer = 32 << 10
)

var largeBuffers = sync.Pool{New: func() any { return new([largeBuffer]byte) }}

// carry moves bytes until src ends or dst takes no more, and reports whether
// the opposite flow has no use then.
func (f *flow) carry(early []byte) (useless bool) {
	if !f.forward(early) {
		return false
	}
	small := make([]byte, smallBuffer)
	var large *[largeBuffer]byte
	defer func() {
		if large != nil {
			largeBuffers.Put(large)
		}
	}()
	for {
		buf := small
		if large != nil {
			buf = large[:]
		}
		n, err := f.src.Read(buf)
		if n > 0 && !f.forward(buf[:n]) {
			return false
		}
		if err != nil {
			return f.srcEnded(err)
		}
		switch {
		case large == nil && n == smallBuffer:
			large = largeBuffers.Get().(*[largeBuffer]byte)
		case large != nil && n <= smallBuffer:
			largeBuffers.Put(large)
			large = nil
		}
	}
}

// Interface guards
var _ engine = pump{}

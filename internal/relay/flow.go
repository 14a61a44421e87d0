// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"errors"
	"io"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/frame"
)

// flow is one direction of a tunnel, from src to dst, which is the src of the
// other direction. What it does with bytes is the same whichever way they are
// moved.
type flow struct {
	tunnel *Tunnel
	src    End

	// due is why the gateway wants to send dst a Close frame, which it does
	// when dst is between two frames. Whoever holds mu then, or next, sends it.
	due atomic.Uint32 // a close code, and a Reason in the last eight bits; or zero

	berth int32 // where the flow is parked, or was, plus one; guarded by the parking

	// taken is how much dst had taken when it was last looked at closely.
	taken atomic.Uint64

	mu    sync.Mutex // held while dst is written to; guards what follows
	scan  frame.Scanner
	bytes uint64

	// shut: dst gets no more. What src still sends is watched for its Close
	// frame and dropped.
	shut bool

	// refused: dst has taken nothing of what waits for it between the last two close
	// looks, or the last Ping and the last of them. Guarded by the tunnel's mu; it
	// stands here since a tunnel of 16 bytes more takes 32.
	refused bool
}

// forward takes the next bytes of src to dst, and reports whether there is use
// in more of them.
func (f *flow) forward(p []byte) (more bool) {
	// At the beginning there may be nothing to forward, and nothing was heard then.
	if f.tunnel.heartbeat() != nil && len(p) > 0 {
		f.heard(now() - f.tunnel.opened)
	}
	for paced := f.tunnel.paces() != nil; ; {
		f.mu.Lock()
		n, more := f.forwardLocked(p, paced)
		f.mu.Unlock()
		if f.insertDue() {
			f.insertUnlessBusy() // it became due while the lock was held
		}
		if p = p[n:]; paced {
			f.keepPace(n)
		}
		if !more || len(p) == 0 {
			return more
		}
	}
}

// forwardLocked takes bytes to dst, those of one frame if oneFrame is set, and
// returns how many.
func (f *flow) forwardLocked(p []byte, oneFrame bool) (n int, more bool) {
	from := f.tunnel.pulse(f.from())
	for n < len(p) && (n == 0 || !oneFrame) {
		f.insert()
		swallowing := from != nil && (from.owed.Load() > 0 || from.have > 0)
		if swallowing && f.scan.Boundary() {
			held, rest := f.swallow(p[n:])
			n = len(p) - len(rest)
			if _, ok := f.pass(held, false); !ok {
				return len(p), true
			}
			continue
		}
		// With something to insert or to take out, one frame at a time.
		took, ok := f.pass(p[n:], oneFrame || swallowing || !f.shut && f.insertDue())
		if n += took; !ok {
			return len(p), true
		}
	}
	f.insert()
	return n, !f.shut || !f.scan.CloseSeen()
}

// pass passes bytes on, those of one frame if oneFrame is set, and returns how
// many. It fails when src breaks the rules.
func (f *flow) pass(p []byte, oneFrame bool) (n int, ok bool) {
	if len(p) == 0 {
		return 0, true
	}
	f.tunnel.touch()
	already := f.scan.CloseSeen()
	most := f.tunnel.limits.MaxMessage
	if f.shut {
		most = 0
	}
	messages := f.scan.Messages()
	var begun []byte // a header that came in pieces goes on when it is complete, and judged
	if h := f.scan.Header(); len(h) > 0 {
		begun = slices.Clone(h)
	}
	n, broken := f.scan.Scan(p, oneFrame, most)
	if f.shut {
		f.scan.Recount(messages) // what is dropped counts neither in bytes nor in messages
	}
	if f.scan.CloseSeen() && !already {
		f.closeSeen() // before dst has it, and answers
	}
	left := len(f.scan.Header())
	if inOneHeader := n == 0 || left == len(begun)+n; !inOneHeader {
		f.write(begun)
		f.write(p[:n-left])
	}
	if broken != nil {
		f.broken(broken)
	}
	return n, broken == nil || errors.Is(broken, frame.ErrMessageTooBig)
}

// write writes to dst unless that is shut.
func (f *flow) write(p []byte) {
	if f.shut || len(p) == 0 {
		return
	}
	n, err := f.dst().Write(p)
	f.bytes += uint64(n)
	if err != nil {
		f.dstFailed()
	}
}

// dstFailed notes that dst takes nothing more. That does not say that it sent
// nothing: a Close frame of its may be on the way, and tells better why the
// tunnel ends. Until that is clear src is read on, as in broken.
func (f *flow) dstFailed() {
	f.shut = true
	f.tunnel.suspect(gone(f.to()), f.to())
	f.tunnel.startLinger()
}

// closeSeen notes that src has sent its Close frame. Whether it is answered, and
// whether the connections are closed then, is up to the peers, but not how long
// that may take.
func (f *flow) closeSeen() {
	f.tunnel.cause(closed(f.from()), f.from())
	f.tunnel.startLinger()
}

// broken ends the tunnel because src sends what are no frames, or too large a
// message, behind which frames are still watched. All that it sends from here on is dropped, but read: closing a
// connection with unread bytes would reset it, and lose the Close frame that
// says why.
func (f *flow) broken(err error) {
	reason := ProtocolError
	if errors.Is(err, frame.ErrMessageTooBig) {
		reason = MessageTooBig
	}
	if f.tunnel.cause(reason, f.from()) {
		f.tunnel.sendCloses(reason, 0)
	}
	f.tunnel.startLinger()
	f.closeIfDue()
	f.shut = true
}

// between tells whether dst is between two frames: it has nothing of a header that is
// not complete.
func (f *flow) between() bool { return f.scan.Boundary() || len(f.scan.Header()) > 0 }

// insertDue tells whether the gateway has a frame of its own for dst.
func (f *flow) insertDue() bool {
	to := f.tunnel.pulse(f.to())
	return f.due.Load() != 0 || to != nil && to.due.Load()
}

// insertUnlessBusy sends what is due, if dst is between two frames. It does not
// wait for a write that is under way: forward looks again when that is done.
func (f *flow) insertUnlessBusy() {
	if f.mu.TryLock() {
		f.insert()
		f.mu.Unlock()
	}
}

func (f *flow) insert() {
	f.closeIfDue()
	f.pingIfDue()
}

func (f *flow) closeIfDue() {
	due := f.due.Load()
	if due == 0 || f.shut || !f.between() {
		return
	}
	f.shut = true
	if f.scan.CloseSeen() {
		return // src's own was the last frame that dst may get
	}
	// The error does not matter: the end is under way and bounded by linger.
	_, _ = f.dst().Write(frame.AppendClose(nil, int(due>>8), f.tunnel.closeText(Reason(due&0xff)), f.to() == Origin))
}

// srcEnded says what becomes of the tunnel when src ended with err: whether
// the opposite flow has any use.
func (f *flow) srcEnded(err error) (useless bool) {
	if !errors.Is(err, io.EOF) {
		f.tunnel.broke(f.from())
		return true // a reset connection takes nothing either
	}
	f.tunnel.cause(gone(f.from()), f.from())
	f.mu.Lock()
	defer f.mu.Unlock()
	if from := f.tunnel.pulse(f.from()); from != nil && from.have > 0 {
		f.pass(from.held[:from.have], false) // it was no Pong
		from.have = 0
	}
	f.write(f.scan.Header()) // and this will be no frame
	f.shut = true
	if f.tunnel.running.Load() == 1 {
		return true // both ends are about to be closed
	}
	return f.dst().CloseWrite() != nil
}

func (f *flow) dst() End {
	if f.from() == Client {
		return f.tunnel.toClient.src
	}
	return f.tunnel.toOrigin.src
}

func (f *flow) from() Side {
	if f == &f.tunnel.toOrigin {
		return Client
	}
	return Origin
}

func (f *flow) to() Side {
	if f.from() == Client {
		return Origin
	}
	return Client
}

func (f *flow) traffic() Traffic {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.trafficLocked()
}

// trafficNow is traffic without waiting for a dst that takes nothing. Only with
// pump is one waited for with mu held.
func (f *flow) trafficNow() (t Traffic) {
	if f.tunnel.by != byPump {
		return f.traffic()
	}
	for range 100 {
		if f.mu.TryLock() {
			defer f.mu.Unlock()
			return f.trafficLocked()
		}
		runtime.Gosched()
	}
	return t
}

func (f *flow) trafficLocked() Traffic {
	return Traffic{Bytes: f.bytes, Messages: f.scan.Messages(), CloseCode: f.scan.CloseCode()}
}

func closed(side Side) Reason {
	if side == Client {
		return ClientClosed
	}
	return OriginClosed
}

func gone(side Side) Reason {
	if side == Client {
		return ClientGone
	}
	return OriginGone
}

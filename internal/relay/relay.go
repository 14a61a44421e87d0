// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package relay carries a WebSocket tunnel between its two ends until it
// ends. Bytes pass untouched; frames are watched, so that messages are
// counted, close codes seen, and a Close frame of the gateway's own goes out
// only between frames.
//
// Two engines move the bytes, and a tunnel behaves the same on either: poll,
// for sockets on Linux, and pump, for everything else.
package relay

import (
	"io"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// End is one end of a tunnel: a connection or a stream.
//
// Read and Write are each called by one goroutine at a time. Close may be
// called at any time and from anywhere; a Read or Write that waits returns.
type End interface {
	io.ReadWriteCloser

	// CloseWrite ends what is sent to this end, and no more. An end that
	// cannot do so returns an error, and the tunnel ends as a whole.
	CloseWrite() error
}

// Stream is an end that shares a connection with others. Where the client is one, a
// side that breaks off has the other side reset, as RFC 9113 section 8.5 has it.
type Stream interface {
	End

	// ResetAtClose has Close, which comes soon, reset the stream.
	ResetAtClose()
}

// Longest is what no time of a tunnel's may be above, 73 years. What is later is
// never: a sum of two such times is one still.
const Longest time.Duration = math.MaxInt64 / 4

// Config is what a tunnel starts with.
type Config struct {
	Client, Origin End

	// FromClient and FromOrigin came early, behind the handshake. They go
	// out first.
	FromClient, FromOrigin []byte

	// Attached: there is a goroutine that has to stay as long as the tunnel
	// anyway, and will call Carry. Nothing may have come early from the client.
	Attached bool

	// MaxLifetime ends the tunnel after so long. Zero: never. A time above Longest
	// is taken for that.
	MaxLifetime time.Duration

	Limits *Limits // nil: none
}

// Limits bound the life of a tunnel. Many tunnels may share them; they must not
// change any more. No time of theirs may be above Longest.
type Limits struct {
	// IdleTimeout ends a tunnel that carried nothing in either direction for
	// so long. Zero: never.
	IdleTimeout time.Duration

	// MaxMessage ends a tunnel in which one message is announced to be larger,
	// in bytes. Zero: never.
	MaxMessage uint64

	// Heartbeat sends a Ping to a side that has sent nothing for so long, and
	// HeartbeatTimeout ends the tunnel if it sends nothing for so long after
	// that either. Zero: no heartbeat.
	Heartbeat, HeartbeatTimeout time.Duration

	// ToOrigin and ToClient bound how fast either direction goes.
	ToOrigin, ToClient Pace

	// Linger bounds every wait for a peer once an end has begun: for the rest
	// of a frame, for the answer to a Close frame, for the other half of a
	// half-closed tunnel.
	Linger time.Duration
}

// Tunnel is a running tunnel.
type Tunnel struct {
	limits   *Limits
	limited  *limited // what some limits need; nil: these do not
	toOrigin flow
	toClient flow
	opened   time.Duration // since the process began; a time.Time is three times as large
	ended    func(Summary)

	// running counts the flows that still run; the last one finishes the tunnel,
	// and no alarm is set any more.
	running atomic.Int32

	alarm int32 // the tunnel's place in clock's, plus one; clock's
	clock *clock

	// lastActive is when bytes last came, in nanoseconds since opened. It is
	// only kept when there is an idle timeout to keep it for.
	lastActive atomic.Int64

	by engineNumber // the engine that carries it

	mu        sync.Mutex // guards what follows
	end       end        // why the tunnel ends, once that is known
	suspicion end        // why it would seem to, if nothing better comes
	lingers   bool       // the end has begun

	// until is how long there may be a tunnel, since opened: the end of its
	// lifetime, if it has one, and then of its lingering.
	until time.Duration
}

// limited is what a tunnel with a heartbeat or a pace has beside.
type limited struct {
	heartbeat *heartbeat
	paces     *paces
}

func (t *Tunnel) heartbeat() *heartbeat {
	if t.limited == nil {
		return nil
	}
	return t.limited.heartbeat
}

func (t *Tunnel) paces() *paces {
	if t.limited == nil {
		return nil
	}
	return t.limited.paces
}

// now is the time that tunnels go by.
func now() time.Duration { return time.Since(began) }

var began = time.Now()

type end struct {
	reason Reason
	side   Side
}

// engine moves the bytes of tunnels.
type engine interface {
	// name is what records call it.
	name() string

	// start begins to move a tunnel's bytes, the early ones first. When there
	// is nothing more to move in a direction, it calls flowEnded.
	start(t *Tunnel, c *Config)

	// do calls f, which may write to an end, where that holds up nobody.
	do(t *Tunnel, f func())

	// abort ends both flows and closes both ends, soon.
	abort(t *Tunnel)
}

// engineBy are those of the process: pump, and the loops of poll once they run.
// That a tunnel has a number saves a word and more in each.
var engineBy [1 + maxLoops]engine

type engineNumber uint8

func init() { engineBy[byPump] = pump{} }

const byPump engineNumber = 0

func (t *Tunnel) engine() engine { return engineBy[t.by] }

// Start starts a tunnel between two ends that have shaken hands. It returns at
// once; ended is called once, in a goroutine of its own, when both ends are
// closed.
func Start(c Config, ended func(Summary)) *Tunnel {
	if c.Limits == nil {
		c.Limits = new(Limits)
	}
	t := &Tunnel{clock: theClock, limits: c.Limits, opened: now(), until: min(c.MaxLifetime, Longest), ended: ended}
	heartbeats, paced := c.Limits.Heartbeat > 0, !c.Limits.ToOrigin.zero() || !c.Limits.ToClient.zero()
	if heartbeats || paced {
		t.limited = new(limited)
	}
	if heartbeats {
		t.limited.heartbeat = new(heartbeat)
	}
	if paced {
		t.limited.paces = newPaces()
	}
	t.toOrigin = flow{tunnel: t, src: c.Client}
	t.toClient = flow{tunnel: t, src: c.Origin}
	t.running.Store(2)
	t.by = chooseEngine(t)
	t.engine().start(t, &c)
	t.startAlarm()
	return t
}

// Carry moves the bytes of the client of an attached tunnel, and returns when
// there are no more. The tunnel may go on for a while.
func (t *Tunnel) Carry() { t.toOrigin.carry(0) }

// Opened is when the tunnel was opened, in time since the process began.
func (t *Tunnel) Opened() time.Duration { return t.opened }

// Close ends the tunnel for a reason of the gateway's: it sends a Close frame
// to both sides as soon as each is between two frames, awaits their answers,
// and closes. All that takes no longer than the tunnel's linger time. Close
// itself does not wait for it. A tunnel that is ending already keeps its
// first reason, and has the linger time left.
func (t *Tunnel) Close(reason Reason) { t.CloseWith(reason, 0, "") }

// CloseWith is Close with a close code and a text of its own, of at most 123
// bytes. Zero and "" are those of the reason.
func (t *Tunnel) CloseWith(reason Reason, code int, text string) {
	if !t.cause(reason, Gateway) {
		t.startLinger()
		return
	}
	if text != "" {
		closeTexts.Store(t, text)
		if t.running.Load() == 0 {
			closeTexts.Delete(t) // it has finished meanwhile
		}
	}
	t.sendCloses(reason, code)
}

// closeTexts are the texts of Close frames to come that are not their reasons, by
// tunnel. Few have one, so it takes no room in the others.
var closeTexts sync.Map

func (t *Tunnel) closeText(reason Reason) string {
	if text, ok := closeTexts.Load(t); ok {
		return text.(string)
	}
	return reason.String()
}

// sendCloses has a Close frame sent both ways. A peer that reads nothing can
// hold up either, until the linger time is over. A code of zero is the reason's.
func (t *Tunnel) sendCloses(reason Reason, code int) {
	t.startLinger()
	if code == 0 {
		code = reason.closeCode()
	}
	due := uint32(code)<<8 | uint32(reason)
	t.toClient.due.Store(due)
	t.toOrigin.due.Store(due)
	t.engine().do(t, t.toClient.insertUnlessBusy)
	t.engine().do(t, t.toOrigin.insertUnlessBusy)
}

// Status is what a running tunnel is now.
type Status struct {
	Opened  time.Time
	Age     time.Duration
	Engine  string
	Closing bool // its end has begun

	ToOrigin, ToClient Traffic
}

// Status returns what the tunnel is now. What went in a direction in which a peer
// is waited for at this moment may be missing: counting goes on with the bytes.
func (t *Tunnel) Status() Status {
	t.mu.Lock()
	s := Status{Opened: began.Add(t.opened), Age: now() - t.opened, Engine: t.engine().name(), Closing: t.end.reason != 0 || t.lingers}
	t.mu.Unlock()
	s.ToOrigin, s.ToClient = t.toOrigin.trafficNow(), t.toClient.trafficNow()
	return s
}

// Summary says what a tunnel was.
type Summary struct {
	Reason   Reason
	Side     Side
	Duration time.Duration

	// Engine is what moved the bytes: "poll" or "pump".
	Engine string

	ToOrigin, ToClient Traffic
}

// Traffic is what went one way.
type Traffic struct {
	Bytes    uint64
	Messages uint64

	// CloseCode is that of the sender's Close frame: 1005 if it had none, 0
	// if there was no Close frame.
	CloseCode int
}

// cause records why the tunnel ends and reports whether this was the first
// cause.
func (t *Tunnel) cause(reason Reason, side Side) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.end.reason != 0 {
		return false
	}
	t.end = end{reason, side}
	return true
}

// broke records that a side broke off, if that is why the tunnel ends, and passes
// a reset on if the client is a stream. Between two connections the other one is
// closed in good order, since a reset could throw away what is under way.
func (t *Tunnel) broke(side Side) {
	client, streams := t.toOrigin.src.(Stream)
	if !t.cause(gone(side), side) || !streams {
		return
	}
	if side == Origin {
		client.ResetAtClose()
	} else if origin, ok := t.toClient.src.(connEnd); ok {
		origin.resetAtClose()
	}
}

// suspect records a cause that counts only if no other turns up.
func (t *Tunnel) suspect(reason Reason, side Side) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.suspicion.reason == 0 {
		t.suspicion = end{reason, side}
	}
}

// flowEnded is called when a flow has nothing more to carry. Its other half
// goes on for the linger time at most, unless there is no use in it.
func (t *Tunnel) flowEnded(useless bool) {
	if t.running.Add(-1) == 0 {
		t.finish()
		return
	}
	if useless {
		t.engine().abort(t)
	} else {
		t.startLinger()
	}
}

func (t *Tunnel) finish() {
	t.mu.Lock()
	t.clock.clear(t)
	closeTexts.Delete(t)
	if t.end.reason == 0 {
		t.end = t.suspicion
	}
	summary := Summary{Reason: t.end.reason, Side: t.end.side, Engine: t.engine().name()}
	t.mu.Unlock()

	t.closeEnds()
	summary.Duration = now() - t.opened
	summary.ToOrigin, summary.ToClient = t.toOrigin.traffic(), t.toClient.traffic()
	go t.ended(summary) // whatever it does must not hold up a loop
}

func (t *Tunnel) closeEnds() {
	if paces := t.paces(); paces != nil {
		paces.stop()
	}
	t.toOrigin.src.Close()
	t.toClient.src.Close()
}

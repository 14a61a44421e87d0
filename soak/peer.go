// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/frame"
)

// peer is one end of a tunnel, the client's or the origin's. One goroutine reads,
// any may write.
type peer struct {
	link link
	in   io.Reader // of link, what came with the handshake included
	mask bool      // it is the client
	gate gate
	over chan struct{} // closed when there is nothing more to read

	sent, received atomic.Uint64 // whole messages
	wrote          atomic.Uint64 // bytes

	mu     sync.Mutex // held while something is written; guards what follows
	closed bool       // nothing more may be sent

	closeCode int  // that came; written before over is closed
	finished  bool // guarded by the ledger
}

// link is what carries a peer.
type link interface {
	io.ReadWriteCloser
	CloseWrite() error // ends what is sent in good order
	Reset()            // breaks off
}

func newPeer(l link, in io.Reader, mask bool) *peer {
	p := &peer{link: l, in: in, mask: mask, over: make(chan struct{})}
	p.gate.init()
	return p
}

// read takes what comes until nothing more does, and closes the link. The error is
// what the other side cannot have sent. got is called with each whole message.
func (p *peer) read(tunnel uint64, got func(size int)) error {
	defer close(p.over)
	defer p.link.Close()
	m := messages{tunnel: tunnel}
	for {
		p.gate.wait()
		f, err := frame.Read(p.in, maxMessage)
		var broken frame.Error
		switch {
		case errors.As(err, &broken), errors.Is(err, frame.ErrTooLong):
			return fmt.Errorf("reading message %d: %w", m.next, err)
		case err != nil:
			return nil // how it ended is the gateway's to tell
		}
		switch f.Opcode {
		case frame.Ping:
			p.control(frame.Frame{Fin: true, Opcode: frame.Pong, Payload: f.Payload})
		case frame.Pong:
		case frame.Close:
			if p.closeCode = 1005; len(f.Payload) >= 2 {
				p.closeCode = int(binary.BigEndian.Uint16(f.Payload))
			}
			p.close(1000)
			if !p.mask {
				return nil // a server closes its connection first (RFC 6455 section 7.1.1)
			}
		default:
			size, err := m.take(f)
			if err != nil {
				return err
			}
			if f.Fin {
				p.received.Add(1)
				got(size)
			}
		}
	}
}

// send sends a message, one of sixteen in fragments. It reports whether that was
// still possible.
func (p *peer) send(tunnel uint64, size int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	number := p.sent.Add(1) - 1
	message := appendMessage(make([]byte, 0, size), tunnel, number, size)
	var wire []byte
	if number%16 == 7 {
		wire = appendFragments(nil, message, p.mask)
	} else {
		wire = appendFrame(make([]byte, 0, size+14), frame.Frame{Fin: true, Opcode: frame.Binary, Payload: message}, p.mask)
	}
	return p.write(wire)
}

func (p *peer) control(f frame.Frame) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.write(appendFrame(nil, f, p.mask))
	}
}

// close sends a Close frame, once.
func (p *peer) close(code int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.closed = true
	p.write(frame.AppendClose(nil, code, "", p.mask))
}

// breakOff sends bytes that are no whole frame, or none that may be sent, as the
// last ones.
func (p *peer) breakOff(bytes []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.closed = true
		p.write(bytes)
	}
}

// halfClose ends what is sent without a Close frame.
func (p *peer) halfClose() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	_ = p.link.CloseWrite()
}

// write is called with mu held.
func (p *peer) write(wire []byte) bool {
	n, err := p.link.Write(wire)
	p.wrote.Add(uint64(n))
	if err != nil {
		p.closed = true
	}
	return err == nil
}

// gate holds up a peer's reading.
type gate struct {
	mu     sync.Mutex
	opened chan struct{} // closed while the gate is open
	shut   bool
}

func (g *gate) init() {
	g.opened = make(chan struct{})
	close(g.opened)
}

func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.shut {
		g.shut, g.opened = true, make(chan struct{})
	}
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		g.shut = false
		close(g.opened)
	}
}

func (g *gate) wait() {
	g.mu.Lock()
	opened := g.opened
	g.mu.Unlock()
	<-opened
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"errors"
	"io"
	"net"
	"sync"
)

// memory is a connection with two halves that close on their own and a limited
// buffer, like a socket. Its waits are such that testing/synctest can see them.
type memory struct {
	in, out *half
}

// newMemory makes the two sides of a connection. capacity is how much each
// direction holds before a writer waits.
func newMemory(capacity int) (a, b *memory) {
	x, y := newHalf(capacity), newHalf(capacity)
	return &memory{x, y}, &memory{y, x}
}

func (m *memory) Read(p []byte) (int, error)  { return m.in.read(p) }
func (m *memory) Write(p []byte) (int, error) { return m.out.write(p) }
func (m *memory) CloseWrite() error           { m.out.finish(io.EOF, nil); return nil }

func (m *memory) Close() error {
	m.out.finish(io.EOF, net.ErrClosed)
	m.in.finish(net.ErrClosed, errReset)
	return nil
}

// reset is Close with what is under way thrown away.
func (m *memory) reset() {
	m.out.finish(errReset, net.ErrClosed)
	m.in.finish(net.ErrClosed, errReset)
}

var errReset = errors.New("connection reset")

type half struct {
	mu       sync.Mutex
	changed  sync.Cond
	data     []byte
	capacity int
	readErr  error // once data is read
	writeErr error
}

func newHalf(capacity int) *half {
	h := &half{capacity: capacity}
	h.changed.L = &h.mu
	return h
}

func (h *half) read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.data) == 0 && h.readErr == nil {
		h.changed.Wait()
	}
	if len(h.data) == 0 || errors.Is(h.readErr, net.ErrClosed) || errors.Is(h.readErr, errReset) {
		return 0, h.readErr
	}
	n := copy(p, h.data)
	h.data = h.data[n:]
	h.changed.Broadcast()
	return n, nil
}

func (h *half) write(p []byte) (n int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(p) > 0 {
		for len(h.data) >= h.capacity && h.writeErr == nil {
			h.changed.Wait()
		}
		if h.writeErr != nil {
			return n, h.writeErr
		}
		took := min(h.capacity-len(h.data), len(p))
		h.data = append(h.data, p[:took]...)
		n, p = n+took, p[took:]
		h.changed.Broadcast()
	}
	if h.writeErr != nil {
		return n, h.writeErr
	}
	return n, nil
}

// finish ends the half for its reader and its writer. The first end counts.
func (h *half) finish(readErr, writeErr error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.readErr == nil || errors.Is(h.readErr, io.EOF) && readErr != io.EOF {
		h.readErr = readErr
	}
	if h.writeErr == nil {
		h.writeErr = writeErr
		if writeErr == nil {
			h.writeErr = net.ErrClosed
		}
	}
	h.changed.Broadcast()
}

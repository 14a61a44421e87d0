// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"sync"

	"golang.org/x/sys/unix"
)

// parking is where pump's flows wait that have had nothing to carry for a
// while: without a goroutine, its stack and its buffer. When there is something
// to read from its socket, a flow gets a goroutine again.
type parking struct {
	*epoll

	mu     sync.Mutex // guards the below, and where flows are parked
	berths []berth    // by descriptor
	tokens int32
}

// berth is a place in a parking.
type berth struct {
	flow  *flow
	token int32 // tells its use from earlier ones
}

var (
	parkMu sync.Mutex
	park   *parking
)

// thePark returns the parking of the process, or nil if there can be none now:
// descriptors may have run out.
func thePark() *parking {
	parkMu.Lock()
	defer parkMu.Unlock()
	if park == nil {
		if e, err := newEpoll(); err == nil {
			park = &parking{epoll: e}
			go park.run()
		}
	}
	return park
}

func (p *parking) run() { p.epoll.run(p.serve) }

func (p *parking) serve(events []unix.EpollEvent) (more bool) {
	for i := range events {
		if f := p.leave(events[i].Fd, events[i].Pad); f != nil {
			go f.resume()
		}
	}
	return false
}

// park leaves f to wait for s without a goroutine, and reports whether it does.
func (f *flow) park(s socket) bool {
	p := thePark()
	if p == nil {
		return false
	}
	if c, ok := f.src.(connEnd).Conn.(interface{ Rest() }); ok {
		c.Rest()
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return false
	}
	parked := false
	// Within Control the descriptor is s's. If s is closed later, whoever does
	// that wakes f.
	err = raw.Control(func(fd uintptr) { parked = p.enter(f, int32(fd)) })
	return parked && err == nil
}

func (p *parking) enter(f *flow, fd int32) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for int(fd) >= len(p.berths) {
		p.berths = append(p.berths, berth{})
	}
	op := unix.EPOLL_CTL_ADD
	if f.berth != 0 {
		op = unix.EPOLL_CTL_MOD // it has been here
	}
	p.tokens++
	if p.control(op, int(fd), unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLONESHOT, p.tokens) != nil {
		return false
	}
	if gone := p.berths[fd].flow; gone != nil {
		go gone.resume() // its socket is closed, or fd would not be ours
	}
	p.berths[fd] = berth{f, p.tokens}
	f.berth = fd + 1
	return true
}

// leave empties a berth and returns the flow that was there, if the token is
// its.
func (p *parking) leave(fd, token int32) *flow {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := &p.berths[fd]
	f := b.flow
	if b.token != token {
		return nil
	}
	*b = berth{}
	return f
}

// unpark has f go on if it is parked, since its end has been closed.
func (f *flow) unpark() {
	if conn, _ := f.src.(connEnd); conn.socket == nil {
		return // it cannot be
	}
	p := thePark()
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if f.berth == 0 || p.berths[f.berth-1].flow != f {
		return
	}
	p.berths[f.berth-1] = berth{}
	go f.resume()
}

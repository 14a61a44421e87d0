// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"runtime/debug"
	"unsafe"

	"golang.org/x/sys/unix"
)

// bareRelay is a proxy without everything that makes it one: it moves bytes between a
// client and the origin, and looks at none. What it costs is what the kernel takes for
// the same reads and writes, and no proxy that makes them can cost less. It is this
// program, run once more.
type bareRelay struct {
	epoll    int
	listener int
	origin   unix.SockaddrInet4
	peers    []int // by descriptor
	buffer   []byte
}

// What a descriptor has for a peer before and after it has one.
const (
	noPeerYet = -1
	closed    = -2
)

// runBare serves for ever.
func runBare(listen, origin string) error {
	from, err := socketAddress(listen)
	if err != nil {
		return err
	}
	b := bareRelay{buffer: make([]byte, readSize)}
	if b.origin, err = socketAddress(origin); err != nil {
		return err
	}
	if b.listener, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err == nil {
		err = errors.Join(unix.SetsockoptInt(b.listener, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1), unix.Bind(b.listener, &from), unix.Listen(b.listener, 4096))
	}
	if err != nil {
		return fmt.Errorf("listening on %s: %w", listen, err)
	}
	if b.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err == nil {
		err = b.watch(b.listener, 0)
	}
	if err != nil {
		return fmt.Errorf("watching a socket: %w", err)
	}
	// Nothing of Go runs beside the loop, which waits without telling.
	runtime.LockOSThread()
	debug.SetGCPercent(-1)
	for events := make([]unix.EpollEvent, 256); ; {
		n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(b.epoll), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), ^uintptr(0), 0, 0)
		if errno != 0 && errno != unix.EINTR {
			return fmt.Errorf("waiting for sockets: %w", errno)
		}
		for i := range int(n) {
			if fd := int(events[i].Fd); fd == b.listener {
				b.accept()
			} else {
				b.move(fd, events[i].Events != unix.EPOLLIN)
			}
		}
	}
}

func (b *bareRelay) watch(fd int, further uint32) error {
	return unix.EpollCtl(b.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN | further, Fd: int32(fd)})
}

func (b *bareRelay) accept() {
	fd, _, err := unix.Accept4(b.listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	if err == nil {
		b.add(fd, noPeerYet)
	}
}

func (b *bareRelay) add(fd, peer int) {
	for fd >= len(b.peers) {
		b.peers = append(b.peers, closed)
	}
	b.peers[fd] = peer
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if err := b.watch(fd, unix.EPOLLRDHUP|unix.EPOLLET); err != nil {
		b.end(fd)
	}
}

// move takes what there is from fd to its peer, and waits where that takes no more. If
// fd has come to its end, too, that is not told again.
func (b *bareRelay) move(fd int, toTheEnd bool) {
	for b.peers[fd] != closed {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&b.buffer[0])), uintptr(len(b.buffer)), 0, 0, 0)
		switch {
		case errno == unix.EAGAIN:
			return
		case errno != 0 || n == 0 || b.peers[fd] == noPeerYet && !b.dial(fd):
			b.end(fd)
			return
		}
		for rest := b.buffer[:n]; len(rest) > 0; {
			m, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(b.peers[fd]), uintptr(unsafe.Pointer(&rest[0])), uintptr(len(rest)), unix.MSG_NOSIGNAL, 0, 0)
			switch errno {
			case 0:
				rest = rest[m:]
			case unix.EAGAIN:
				_, _ = unix.Poll([]unix.PollFd{{Fd: int32(b.peers[fd]), Events: unix.POLLOUT}}, -1)
			default:
				b.end(fd)
				return
			}
		}
		if int(n) < len(b.buffer) && !toTheEnd {
			return
		}
	}
}

// dial connects a client's first bytes with the origin: a connection that only looks
// whether somebody listens is none of the origin's business.
func (b *bareRelay) dial(client int) bool {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false
	}
	if unix.Connect(fd, &b.origin) != nil || unix.SetNonblock(fd, true) != nil {
		unix.Close(fd)
		return false
	}
	b.peers[client] = fd
	b.add(fd, client)
	return true
}

func (b *bareRelay) end(fd int) {
	for _, one := range []int{fd, b.peers[fd]} {
		if one >= 0 {
			b.peers[one] = closed
			unix.Close(one)
		}
	}
}

func socketAddress(address string) (unix.SockaddrInet4, error) {
	a, err := netip.ParseAddrPort(address)
	if err != nil || !a.Addr().Is4() {
		return unix.SockaddrInet4{}, fmt.Errorf("%q is no address of IPv4 with a port", address)
	}
	return unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}, nil
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The calls below never wait, since sockets and epoll are asked for what there
// is. So the Go runtime need not be told of them, as package unix would: that
// takes a good part of the time that a short message takes. And they are those of
// sockets, which skip what read and write do for files, a thirtieth of it. On 386 and
// s390x they are system calls of their own since Linux 4.3.

// read reads what there is.
func read(fd int32, p []byte) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), 0, 0, 0)
	return outcome(n, errno)
}

// write writes as much of p as the kernel takes.
func write(fd int32, p []byte) (n int, err error) {
	for n < len(p) {
		rest := p[n:]
		r, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(rest))), uintptr(len(rest)), unix.MSG_NOSIGNAL, 0, 0)
		m, err := outcome(r, errno)
		n += m
		switch err {
		case nil, unix.EINTR:
		case unix.EAGAIN:
			return n, nil
		default:
			return n, err
		}
	}
	return n, nil
}

// readyEvents asks an epoll what is ready.
func readyEvents(epoll int, events []unix.EpollEvent) int {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(epoll),
		uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)), 0, 0, 0)
	found, _ := outcome(n, errno)
	return found
}

func outcome(n uintptr, errno unix.Errno) (int, error) {
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

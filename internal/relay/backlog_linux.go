// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package relay

import "golang.org/x/sys/unix"

// backlog tells of an end whether the kernel has something for it that it did not
// take yet, and how much it took, as a number that grows. Of one that is no socket
// neither is known.
func backlog(e End) (unsent bool, taken uint64) {
	switch e := e.(type) {
	case *side:
		if !e.closed {
			return backlogOf(int(e.fd))
		}
	case connEnd:
		if e.socket == nil {
			return false, 0
		}
		raw, err := e.socket.SyscallConn()
		if err != nil {
			return false, 0
		}
		_ = raw.Control(func(fd uintptr) { unsent, taken = backlogOf(int(fd)) })
	}
	return unsent, taken
}

func backlogOf(fd int) (unsent bool, taken uint64) {
	n, err := unix.IoctlGetInt(fd, unix.SIOCOUTQ)
	if err != nil {
		return false, 0
	}
	if info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
		return n > 0, info.Bytes_acked
	}
	// Of a Unix socket only the rest is known. It grows when more is sent, which then
	// hides what was taken.
	const most = 1 << 40
	return n > 0, most - uint64(n)
}

// queued tells whether poll has something for an end that the kernel did not take.
func queued(e End) bool {
	s, ok := e.(*side)
	return ok && s.queue != nil
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// bindLate has the port chosen when the connection is made, when it is known
// where to: then one port can serve connections to many origins. Bound before, it
// would be taken for all of them.
func bindLate(_, _ string, raw syscall.RawConn) error {
	var optionErr error
	err := raw.Control(func(fd uintptr) {
		optionErr = unix.SetsockoptInt(int(fd), unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	})
	if err != nil {
		return err
	}
	return optionErr
}

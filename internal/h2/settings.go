// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package h2

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync/atomic"
)

// greeted is a connection to a server, which looks at the SETTINGS that a server
// begins with (RFC 9113 section 3.4): whether it opens tunnels, and that it is no
// server of something else.
//
// It also lowers the size of frames that the server would take. A Transport keeps
// a buffer of that size for each stream whose length is not known, half a
// megabyte with Go's servers, and a tunnel is idle most of the time.
type greeted struct {
	net.Conn
	seen    []byte // of the SETTINGS, until they are complete
	rest    []byte // of them, that has not been read
	over    bool
	offered atomic.Bool // the server opens tunnels
}

const (
	frameHeader  = 9
	typeSettings = 4
	flagAck      = 1

	settingMaxFrameSize  = 5
	settingEnableConnect = 8 // RFC 8441 section 3

	// leastFrameSize is what every server takes, and the default.
	leastFrameSize = 16 << 10
)

// Read reads, and alters, the SETTINGS, and then what follows as it is.
func (g *greeted) Read(p []byte) (int, error) {
	if !g.over {
		if err := g.greet(); err != nil {
			return 0, err
		}
	}
	if len(g.rest) > 0 {
		n := copy(p, g.rest)
		if g.rest = g.rest[n:]; len(g.rest) == 0 {
			g.rest = nil
		}
		return n, nil
	}
	return g.Conn.Read(p)
}

// greet reads the first frame, if it is SETTINGS. Of anything else, and of a
// stream that ends within it, what has come is handed on.
func (g *greeted) greet() error {
	whole, err := g.fill(frameHeader)
	if whole && g.seen[3] == typeSettings && g.seen[4]&flagAck == 0 {
		if size := int(g.seen[0])<<16 | int(g.seen[1])<<8 | int(g.seen[2]); size <= leastFrameSize {
			if whole, err = g.fill(frameHeader + size); whole {
				g.alter(g.seen[frameHeader:])
			}
		}
	}
	if err != nil && (len(g.seen) == 0 || !errors.Is(err, io.EOF)) {
		return err
	}
	g.rest, g.seen, g.over = g.seen, nil, true
	return nil
}

// fill reads until so many bytes have been seen, and reports whether they have.
func (g *greeted) fill(size int) (whole bool, err error) {
	for len(g.seen) < size && err == nil {
		p := make([]byte, size-len(g.seen))
		var n int
		n, err = g.Conn.Read(p)
		g.seen = append(g.seen, p[:n]...)
	}
	return len(g.seen) == size, err
}

func (g *greeted) alter(settings []byte) {
	for ; len(settings) >= 6; settings = settings[6:] {
		value := settings[2:6]
		switch binary.BigEndian.Uint16(settings) {
		case settingMaxFrameSize:
			binary.BigEndian.PutUint32(value, min(binary.BigEndian.Uint32(value), leastFrameSize))
		case settingEnableConnect:
			g.offered.Store(binary.BigEndian.Uint32(value) == 1)
		}
	}
}

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

// greeting is a connection to a server, which looks at the SETTINGS that a server
// begins with (RFC 9113 section 3.4): whether it opens tunnels, and that it is no
// server of something else.
//
// It also lowers the size of frames that the server would take. A Transport keeps
// a buffer of that size for each stream whose length is not known, half a
// megabyte with Go's servers, and a tunnel is idle most of the time.
type greeting struct {
	net.Conn
	seen   []byte // of the SETTINGS, until they are complete
	rest   []byte // of them, that has not been read
	over   bool
	heard  atomic.Uint32 // what the server has said; a server of something else says no SETTINGS
	said   chan struct{} // closed when the server has said something, or never will
	full   atomic.Bool   // it takes no stream at all, for now
	closed atomic.Bool
}

// The values of greeting.heard.
const (
	heardNothing = iota
	heardOffer   // SETTINGS, by which the server opens tunnels
	heardNoOffer // SETTINGS by which it does not, or something else
)

// declined tells that the server does not open tunnels.
func (g *greeting) declined() bool { return g.heard.Load() == heardNoOffer }

// greeted tells that the server has said anything.
func (g *greeting) greeted() bool { return g.heard.Load() != heardNothing }

// Close closes the connection.
func (g *greeting) Close() error {
	g.closed.Store(true)
	return g.Conn.Close()
}

const (
	frameHeader  = 9
	typeSettings = 4
	flagAck      = 1

	settingMaxStreams    = 3
	settingMaxFrameSize  = 5
	settingEnableConnect = 8 // RFC 8441 section 3

	// leastFrameSize is what every server takes, and the default.
	leastFrameSize = 16 << 10
)

// Read reads, and alters, the SETTINGS, and then what follows as it is.
func (g *greeting) Read(p []byte) (int, error) {
	if !g.over {
		err := g.greet()
		close(g.said)
		if err != nil {
			g.over = true
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
func (g *greeting) greet() error {
	heard := uint32(heardNoOffer)
	whole, err := g.fill(frameHeader)
	if whole && g.seen[3] == typeSettings && g.seen[4]&flagAck == 0 {
		if size := int(g.seen[0])<<16 | int(g.seen[1])<<8 | int(g.seen[2]); size <= leastFrameSize {
			if whole, err = g.fill(frameHeader + size); whole {
				heard = g.alter(g.seen[frameHeader:])
			}
		}
	}
	if err != nil && (len(g.seen) == 0 || !errors.Is(err, io.EOF)) {
		return err
	}
	if len(g.seen) > 0 {
		g.heard.Store(heard)
	}
	g.rest, g.seen, g.over = g.seen, nil, true
	return nil
}

// fill reads until so many bytes have been seen, and reports whether they have.
func (g *greeting) fill(size int) (whole bool, err error) {
	for len(g.seen) < size && err == nil {
		p := make([]byte, size-len(g.seen))
		var n int
		n, err = g.Conn.Read(p)
		g.seen = append(g.seen, p[:n]...)
	}
	return len(g.seen) == size, err
}

// alter returns what the SETTINGS say of tunnels.
func (g *greeting) alter(settings []byte) (heard uint32) {
	heard = heardNoOffer
	for ; len(settings) >= 6; settings = settings[6:] {
		value := settings[2:6]
		switch binary.BigEndian.Uint16(settings) {
		case settingMaxFrameSize:
			binary.BigEndian.PutUint32(value, min(binary.BigEndian.Uint32(value), leastFrameSize))
		case settingMaxStreams:
			g.full.Store(binary.BigEndian.Uint32(value) == 0)
		case settingEnableConnect:
			if binary.BigEndian.Uint32(value) == 1 {
				heard = heardOffer
			}
		}
	}
	return heard
}

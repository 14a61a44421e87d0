// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/frame"
)

// opaque hides what a connection is, so that pump has to carry it.
type opaque struct{ net.Conn }

func (o opaque) CloseWrite() error { return o.Conn.(interface{ CloseWrite() error }).CloseWrite() }

// wired is a tunnel between sockets, with the peers in the test's hands.
type wired struct {
	client, origin net.Conn
	tunnel         *Tunnel
	summary        chan Summary
}

// engines are the ways to carry the same tunnel.
var engines = []struct {
	name, network string
	end           func(net.Conn) End
}{
	{"sockets", "tcp", Conn}, // poll, where there is one
	{"unix sockets", "unix", Conn},
	{"layered", "tcp", func(c net.Conn) End { return Layered(opaque{c}, c) }}, // pump that parks, where it can
	{"opaque", "tcp", func(c net.Conn) End { return Conn(opaque{c}) }},        // pump
}

func newWired(t testing.TB, network string, end func(net.Conn) End, c Config) *wired {
	t.Helper()
	var client, origin net.Conn
	w := &wired{summary: make(chan Summary, 1)}
	w.client, client = socketPair(t, network)
	w.origin, origin = socketPair(t, network)
	c.Client, c.Origin = end(client), end(origin)
	c.Limits = withLinger(c.Limits, 30*time.Second)
	w.tunnel = Start(c, func(s Summary) { w.summary <- s })
	return w
}

// withLinger is limits with a linger time, if they have none.
func withLinger(limits *Limits, d time.Duration) *Limits {
	var with Limits
	if limits != nil {
		with = *limits
	}
	if with.Linger == 0 {
		with.Linger = d
	}
	return &with
}

func socketPair(t testing.TB, network string) (a, b net.Conn) {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if a, err = net.Dial(network, l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if b, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	_ = a.SetDeadline(time.Now().Add(time.Minute))
	return a, b
}

// turn takes p from one side to the other.
func turn(t testing.TB, from, to net.Conn, p, buf []byte) {
	if _, err := from.Write(p); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(to, buf); err != nil {
		t.Fatal(err)
	}
}

// traffic makes a stream of frames, and how many messages are in it.
func traffic(r *rand.Rand, masked bool) (wire []byte, messages uint64) {
	for range r.IntN(60) {
		size := r.IntN(200)
		if r.IntN(8) == 0 {
			size = r.IntN(200_000)
		}
		f := frame.Frame{Fin: true, Opcode: frame.Binary, Payload: make([]byte, size)}
		for i := range f.Payload {
			f.Payload[i] = byte(r.Uint32())
		}
		one := f.Append(nil)
		if masked {
			head := len(one) - size
			one[1] |= 0x80
			one = append(one[:head:head], append([]byte{0, 0, 0, 0}, f.Payload...)...)
		}
		wire = append(wire, one...)
		messages++
	}
	return wire, messages
}

// sendInPieces writes wire in pieces of all sizes, and reports the first error.
func sendInPieces(c net.Conn, wire []byte, r *rand.Rand) error {
	for len(wire) > 0 {
		n := 1 + r.IntN(min(len(wire), 1+r.IntN(1<<r.IntN(18))))
		if _, err := c.Write(wire[:n]); err != nil {
			return err
		}
		wire = wire[n:]
	}
	return nil
}

// readInPieces reads to the end in pieces of all sizes.
func readInPieces(c net.Conn, r *rand.Rand) ([]byte, error) {
	var got []byte
	buf := make([]byte, 64<<10)
	for {
		n, err := c.Read(buf[:1+r.IntN(1<<r.IntN(17))])
		got = append(got, buf[:n]...)
		if err != nil {
			return got, err
		}
	}
}

// Whatever the pieces, and whoever stalls, each side gets what the other sent
// before it ended, all of it and in order.
func TestNothingIsLost(t *testing.T) {
	for _, engine := range engines {
		for seed := range uint64(25) {
			t.Run(fmt.Sprintf("%s %d", engine.name, seed), func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, 0))
				toOrigin, up := traffic(r, true)
				toClient, down := traffic(r, false)
				early := r.IntN(len(toOrigin) + 1)
				w := newWired(t, engine.network, engine.end, Config{FromClient: bytes.Clone(toOrigin[:early])})

				results := make(chan error, 4)
				// A reader that begins only when the other direction is done
				// stalls its sender in between.
				first := make(chan struct{})
				exchange := func(from, to net.Conn, wire, sent []byte, seed uint64, wait <-chan struct{}, done chan<- struct{}) {
					go func() {
						err := sendInPieces(from, sent, rand.New(rand.NewPCG(seed, 1)))
						if err == nil {
							err = from.(interface{ CloseWrite() error }).CloseWrite()
						}
						results <- err
					}()
					go func() {
						if wait != nil {
							<-wait
						}
						got, err := readInPieces(to, rand.New(rand.NewPCG(seed, 2)))
						if err == io.EOF && bytes.Equal(got, wire) {
							err = nil
						} else {
							err = fmt.Errorf("got %d bytes of %d (%v)", len(got), len(wire), err)
						}
						if done != nil {
							close(done)
						}
						results <- err
					}()
				}
				exchange(w.client, w.origin, toOrigin, toOrigin[early:], seed, nil, first)
				exchange(w.origin, w.client, toClient, toClient, seed+100, first, nil)
				for range 4 {
					if err := <-results; err != nil {
						t.Error(err)
					}
				}
				s := <-w.summary
				if s.ToOrigin != (Traffic{uint64(len(toOrigin)), up, 0}) || s.ToClient != (Traffic{uint64(len(toClient)), down, 0}) {
					t.Errorf("summary %+v", s)
				}
			})
		}
	}
}

// A side that vanishes ends the tunnel; what the other gets is the beginning of
// what was sent, with nothing in between missing.
func TestReset(t *testing.T) {
	for _, engine := range engines {
		if engine.network != "tcp" {
			continue // a Unix socket cannot reset
		}
		for seed := range uint64(15) {
			t.Run(fmt.Sprintf("%s %d", engine.name, seed), func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, 3))
				wire, _ := traffic(r, true)
				w := newWired(t, engine.network, engine.end, Config{})
				go func() {
					_ = sendInPieces(w.client, wire, rand.New(rand.NewPCG(seed, 4)))
					_ = w.client.(*net.TCPConn).SetLinger(0)
					w.client.Close()
				}()
				got, _ := readInPieces(w.origin, r)
				if !bytes.HasPrefix(wire, got) {
					t.Errorf("%d bytes that were not sent like this", len(got))
				}
				if s := <-w.summary; s.Reason != ClientGone || s.Side != Client {
					t.Errorf("summary %+v", s)
				}
			})
		}
	}
}

// The gateway's Close frame stands between two frames, wherever in the traffic
// it falls, and both sides get it.
func TestCloseWithinTraffic(t *testing.T) {
	for _, engine := range engines {
		for seed := range uint64(25) {
			t.Run(fmt.Sprintf("%s %d", engine.name, seed), func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, 5))
				toOrigin, _ := traffic(r, true)
				toClient, _ := traffic(r, false)
				w := newWired(t, engine.network, engine.end, Config{})
				asked := make(chan struct{})
				send := func(c net.Conn, wire []byte, mask bool) {
					if sendInPieces(c, wire, rand.New(rand.NewPCG(seed, 6))) == nil {
						<-asked // or the peer would be the first to close
						_, _ = c.Write(frame.AppendClose(nil, 1001, "", mask))
					}
				}
				go send(w.client, toOrigin, true)
				go send(w.origin, toClient, false)
				results := make(chan error, 2)
				check := func(c net.Conn, wire []byte, mask bool) {
					got, err := readInPieces(c, rand.New(rand.NewPCG(seed, 7)))
					results <- endsInClose(got, wire, err)
				}
				go check(w.origin, toOrigin, true)
				go check(w.client, toClient, false)
				w.tunnel.Close(Shutdown)
				close(asked)
				for range 2 {
					if err := <-results; err != nil {
						t.Error(err)
					}
				}
				if s := <-w.summary; s.Reason != Shutdown || s.Side != Gateway {
					t.Errorf("summary %+v", s)
				}
			})
		}
	}
}

// endsInClose checks that got is whole frames of wire and then one Close frame.
func endsInClose(got, wire []byte, readErr error) error {
	if readErr != io.EOF {
		return readErr
	}
	var s frame.Scanner
	rest := got
	for len(rest) > 0 && !s.CloseSeen() {
		at := len(got) - len(rest)
		// The first byte begins a frame; take that.
		n, err := s.Scan(rest[:1], false, 0)
		if err == nil {
			var more int
			more, err = s.Scan(rest[1:], true, 0)
			n += more
		}
		switch {
		case err != nil:
			return err
		case !s.Boundary():
			return fmt.Errorf("the last frame, at %d, is not whole", at)
		case !s.CloseSeen() && !bytes.HasPrefix(wire[min(at, len(wire)):], rest[:n]):
			return fmt.Errorf("the frame at %d was not sent like this", at)
		}
		rest = rest[n:]
	}
	if !s.CloseSeen() || len(rest) > 0 {
		return fmt.Errorf("close seen %v, then %d bytes", s.CloseSeen(), len(rest))
	}
	return nil
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/frame"
)

func TestSocketsArePolled(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			w := newWired(t, engine.network, engine.end, Config{})
			w.client.Close()
			w.origin.Close()
			want := "poll"
			if engine.name == "opaque" || engine.name == "layered" {
				want = "pump"
			}
			if s := <-w.summary; s.Engine != want {
				t.Errorf("engine %s, want %s", s.Engine, want)
			}
		})
	}
}

// oneLoop has all tunnels of a test carried by the same loop.
func oneLoop(t *testing.T) {
	nextLoop()
	loopsMu.Lock()
	defer loopsMu.Unlock()
	all := loops
	loops = 1
	t.Cleanup(func() { loops = all })
}

// onLoop runs f where the tunnel's sides may be looked at.
func onLoop(w *wired, f func()) {
	done := make(chan struct{})
	w.tunnel.engine().do(w.tunnel, func() { f(); close(done) })
	<-done
}

// A reader that stops costs one turn's buffer and no more, and another tunnel
// of the same loop goes on.
func TestStalledReader(t *testing.T) {
	oneLoop(t)
	stalled := newWired(t, "tcp", Conn, Config{})
	other := newWired(t, "tcp", Conn, Config{})

	flood := bytes.Repeat(frame.Frame{Fin: true, Opcode: frame.Binary, Payload: make([]byte, 16<<10)}.Append(nil), 2000)
	sent := make(chan error, 1)
	go func() {
		_, err := stalled.origin.Write(flood)
		sent <- err
	}()
	client := stalled.tunnel.toOrigin.src.(*side)
	for queued := 0; queued == 0; { // until the kernel takes no more
		onLoop(stalled, func() {
			if client.queue != nil {
				queued = len(*client.queue)
			}
		})
		if queued > bufferSize {
			t.Fatalf("%d bytes are queued", queued)
		}
		message := []byte("\x81\x02hi")
		if _, err := other.client.Write(message); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(other.origin, make([]byte, len(message))); err != nil {
			t.Fatal(err)
		}
	}

	got := make([]byte, len(flood))
	if _, err := io.ReadFull(stalled.client, got); err != nil || !bytes.Equal(got, flood) {
		t.Errorf("what was stalled arrived otherwise (%v)", err)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	onLoop(stalled, func() {
		if client.queue != nil {
			t.Error("the queue's memory is kept")
		}
	})
}

// What is queued for a side goes out before it is closed, though both sides have sent
// all that they are to send.
func TestCloseBehindAQueue(t *testing.T) {
	w := newWired(t, "unix", Conn, Config{})
	long := frame.Frame{Fin: true, Opcode: frame.Binary, Payload: make([]byte, 4<<20)}.Append(nil)
	client := w.tunnel.toOrigin.src.(*side)
	onLoop(w, func() {
		client.moved(long[:len(long)-1])
		if client.peer.queue == nil {
			t.Error("the kernel takes all of it")
		}
		w.tunnel.Close(Shutdown)
		client.moved(append(long[len(long)-1:], frame.AppendClose(nil, 1001, "", true)...))
		client.peer.moved(frame.AppendClose(nil, 1001, "", false))
	})
	got, err := readInPieces(w.origin, rand.New(rand.NewPCG(1, 1)))
	if err := endsInClose(got, long, err); err != nil {
		t.Error(err)
	}
	if s := <-w.summary; s.Reason != Shutdown || s.ToOrigin.Bytes != uint64(len(long)) {
		t.Errorf("summary %+v", s)
	}
}

// A message costs no memory: not on its way, and not for being counted.
func TestNoAllocations(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			w := newWired(t, engine.network, engine.end, Config{Limits: &Limits{IdleTimeout: time.Hour}})
			message := append([]byte{0x82, 0x80 | 64, 0, 0, 0, 0}, make([]byte, 64)...)
			answer := append([]byte{0x82, 64}, make([]byte, 64)...)
			in, out := make([]byte, len(message)), make([]byte, len(answer))
			echo := func() {
				turn(t, w.client, w.origin, message, in)
				turn(t, w.origin, w.client, answer, out)
			}
			echo()
			if n := testing.AllocsPerRun(500, echo); n >= 1 {
				t.Errorf("%v allocations a message and its answer", n)
			}
		})
	}
}

// Without descriptors to spare a tunnel is pumped, and those that are open do
// not notice.
func TestDescriptorsRunOut(t *testing.T) {
	old := newWired(t, "tcp", Conn, Config{})
	_, client := socketPair(t, "tcp")
	_, origin := socketPair(t, "tcp")

	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	low := limit
	low.Cur = highestDescriptor(t) + 1
	holes := fillDescriptors(t, low)
	summary := make(chan Summary, 1)
	tunnel := Start(Config{Client: Conn(client), Origin: Conn(origin), Limits: &Limits{Linger: time.Minute}}, func(s Summary) { summary <- s })
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	for _, fd := range holes {
		unix.Close(fd)
	}
	message := []byte("\x81\x02hi")
	turn(t, old.client, old.origin, message, make([]byte, len(message)))
	tunnel.Close(Shutdown)
	tunnel.engine().abort(tunnel)
	if s := <-summary; s.Engine != "pump" {
		t.Errorf("engine %s", s.Engine)
	}
}

// highestDescriptor finds the highest number that is in use.
func highestDescriptor(t *testing.T) (highest uint64) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if n, err := strconv.ParseUint(entry.Name(), 10, 64); err == nil {
			highest = max(highest, n)
		}
	}
	return highest
}

// fillDescriptors sets a limit and uses up all numbers below it.
func fillDescriptors(t *testing.T, low unix.Rlimit) (holes []int) {
	t.Helper()
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	for {
		fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return holes
		}
		holes = append(holes, fd)
	}
}

func BenchmarkTurn(b *testing.B) {
	for _, engine := range engines {
		for _, size := range []int{64, 16 << 10} {
			for _, limits := range []*Limits{{}, {Heartbeat: time.Hour, HeartbeatTimeout: time.Hour}} {
				b.Run(fmt.Sprintf("%s %d heartbeat %t", engine.name, size, limits.Heartbeat > 0), func(b *testing.B) {
					w := newWired(b, engine.network, engine.end, Config{Limits: limits})
					message := frame.Frame{Fin: true, Opcode: frame.Binary, Payload: make([]byte, size)}.Append(nil)
					buf := make([]byte, len(message))
					b.SetBytes(int64(size))
					b.ReportAllocs()
					for b.Loop() {
						turn(b, w.origin, w.client, message, buf)
					}
				})
			}
		}
	}
}

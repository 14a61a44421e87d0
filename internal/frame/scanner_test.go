// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"unsafe"
)

// state is all that a Scanner tells about the bytes it took.
type state struct {
	boundary, inMessage, closeSeen bool
	messages, size                 uint64
	code                           int
	err                            error
}

func stateOf(s *Scanner, err error) state {
	return state{s.Boundary(), s.InMessage(), s.CloseSeen(), s.Messages(), s.MessageSize(), s.CloseCode(), err}
}

func TestScanner(t *testing.T) {
	long := strings.Repeat("x", 300)
	huge := strings.Repeat("x", 70_000)
	for _, tc := range []struct {
		name   string
		stream string
		want   state
		taken  int // with an error, what came before the frame; -1: all
	}{
		{"nothing", "", state{boundary: true}, -1},
		{"first header byte", "\x81", state{}, -1},
		{"header without payload", "\x81\x05", state{size: 5}, -1},
		{"part of the payload", "\x81\x05he", state{size: 5}, -1},
		{"text", "\x81\x05hello", state{boundary: true, messages: 1, size: 5}, -1},
		{"empty text", "\x81\x00", state{boundary: true, messages: 1}, -1},
		{"masked", "\x82\x83abcdxyz", state{boundary: true, messages: 1, size: 3}, -1},
		{"masked, key incomplete", "\x82\x83abc", state{}, -1},
		{"masked, empty", "\x82\x80abcd", state{boundary: true, messages: 1}, -1},
		{"16-bit length", "\x82\x7e\x01\x2c" + long, state{boundary: true, messages: 1, size: 300}, -1},
		{"16-bit length longer than needed", "\x82\x7e\x00\x01x", state{boundary: true, messages: 1, size: 1}, -1},
		{"64-bit length", "\x82\x7f\x00\x00\x00\x00\x00\x01\x11\x70" + huge, state{boundary: true, messages: 1, size: 70_000}, -1},
		{"largest length", "\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xffx", state{size: math.MaxInt64}, -1},
		{"RSV bits and reserved opcode", "\xf3\x01x", state{boundary: true, messages: 1, size: 1}, -1},
		{"reserved control frame", "\x8b\x01x", state{boundary: true}, -1},
		{"two messages", "\x81\x01x\x82\x02yz", state{boundary: true, messages: 2, size: 2}, -1},

		{"first fragment", "\x01\x03abc", state{boundary: true, inMessage: true, size: 3}, -1},
		{"two fragments", "\x01\x03abc\x80\x02de", state{boundary: true, messages: 1, size: 5}, -1},
		{"last fragment begun", "\x01\x03abc\x80\x02d", state{inMessage: true, size: 5}, -1},
		{"ping between fragments", "\x01\x03abc\x89\x01p\x00\x01d", state{boundary: true, inMessage: true, size: 4}, -1},
		{"continuation of nothing", "\x80\x02de", state{boundary: true, messages: 1, size: 2}, -1},
		{"message within a message", "\x01\x03abc\x81\x01x", state{boundary: true, messages: 1, size: 1}, -1},

		{"close", "\x88\x02\x03\xe8", state{boundary: true, closeSeen: true, code: 1000}, -1},
		{"close with reason", "\x88\x05\x03\xe9bye", state{boundary: true, closeSeen: true, code: 1001}, -1},
		{"close, masked", "\x88\x82\x01\x02\x03\x04\x02\xf1", state{boundary: true, closeSeen: true, code: 1011}, -1},
		{"close without code", "\x88\x00", state{boundary: true, closeSeen: true, code: 1005}, -1},
		{"close, masked, without code", "\x88\x80abcd", state{boundary: true, closeSeen: true, code: 1005}, -1},
		{"close code half there", "\x88\x02\x03", state{}, -1},
		{"close reason not there", "\x88\x05\x03\xe9by", state{}, -1},
		{"the first close counts", "\x88\x02\x03\xe8\x88\x02\x03\xe9", state{boundary: true, closeSeen: true, code: 1000}, -1},
		{"an empty close counts too", "\x88\x00\x88\x02\x03\xe9", state{boundary: true, closeSeen: true, code: 1005}, -1},
		{"masked, then unmasked close", "\x81\x81\xff\xff\xff\xffx\x88\x02\x03\xe8", state{boundary: true, messages: 1, size: 1, closeSeen: true, code: 1000}, -1},
		{"data after close", "\x88\x02\x03\xe8\x81\x01x", state{boundary: true, messages: 1, size: 1, closeSeen: true, code: 1000}, -1},

		{"length with the top bit", "\x81\x01x\x82\x7f\x80", state{boundary: true, messages: 1, size: 1, err: ErrLength}, 3},
		{"long ping", "\x81\x01x\x89\x7e", state{boundary: true, messages: 1, size: 1, err: ErrControlTooLong}, 3},
		{"very long pong", "\x8a\xff", state{boundary: true, err: ErrControlTooLong}, 0},
		{"fragmented ping", "\x09\x00", state{boundary: true, err: ErrControlFragmented}, 0},
		{"fragmented reserved control", "\x0b\x00", state{boundary: true, err: ErrControlFragmented}, 0},
		{"half a close code", "\x88\x01", state{boundary: true, err: ErrClosePayload}, 0},
		{"half a close code, masked", "\x88\x81abcdx", state{boundary: true, err: ErrClosePayload}, 0},
		{"TLS record, opcode 6 of 3 bytes", "\x16\x03\x01", state{inMessage: true, size: 3}, -1},
		{"HTTP answer", "HTTP/1.1 400 Bad Request\r\n", state{boundary: true, err: ErrControlFragmented}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := []byte(tc.stream)
			if tc.taken < 0 {
				tc.taken = len(p)
			}
			var s Scanner
			n, err := s.Scan(p, false, 0)
			if got := stateOf(&s, err); got != tc.want || n != tc.taken {
				t.Fatalf("took %d, %+v; want %d, %+v", n, got, tc.taken, tc.want)
			}
			if tc.want.err == nil {
				checkSplits(t, p, tc.want)
			}
		})
	}
}

// checkSplits scans p in two pieces, cut everywhere (in long streams: wherever a
// header may be), and byte by byte.
func checkSplits(t *testing.T, p []byte, want state) {
	t.Helper()
	for cut := range p {
		if cut > 64 && cut < len(p)-64 {
			continue
		}
		var s Scanner
		a, err1 := s.Scan(p[:cut], false, 0)
		b, err2 := s.Scan(p[cut:], false, 0)
		if err := errors.Join(err1, err2); err != nil || a+b != len(p) {
			t.Fatalf("cut at %d: took %d+%d: %v", cut, a, b, err)
		}
		if got := stateOf(&s, nil); got != want {
			t.Fatalf("cut at %d: %+v; want %+v", cut, got, want)
		}
	}
	var s Scanner
	for i := range p {
		if n, err := s.Scan(p[i:i+1], false, 0); n != 1 || err != nil {
			t.Fatalf("byte %d: took %d: %v", i, n, err)
		}
	}
	if got := stateOf(&s, nil); got != want {
		t.Fatalf("byte by byte: %+v; want %+v", got, want)
	}
}

func TestScannerSizeSaturates(t *testing.T) {
	// Messages of more than 2^64 bytes cannot be sent, so begin near the end.
	s := Scanner{size: math.MaxUint64 - 10, inMessage: true}
	if _, err := s.Scan([]byte("\x00\x20"), false, 0); err != nil {
		t.Fatal(err)
	}
	if got := s.MessageSize(); got != math.MaxUint64 {
		t.Errorf("MessageSize() = %d, want the largest number", got)
	}
}

func TestScannerOneFrame(t *testing.T) {
	first, second := "\x01\x05hello", "\x80\x85abcdworld"
	p := []byte(first + second)
	for cut := 1; cut < len(first); cut++ {
		var s Scanner
		if n, err := s.Scan(p[:cut], false, 0); n != cut || err != nil {
			t.Fatalf("cut at %d: took %d: %v", cut, n, err)
		}
		if s.Boundary() {
			t.Fatalf("cut at %d: a boundary within a frame", cut)
		}
		n, err := s.Scan(p[cut:], true, 0)
		if n != len(first)-cut || err != nil || !s.Boundary() || !s.InMessage() {
			t.Fatalf("cut at %d: took %d (%v), boundary %t, in message %t; want %d", cut, n, err, s.Boundary(), s.InMessage(), len(first)-cut)
		}
		if n, err := s.Scan(p[len(first):], false, 0); n != len(second) || err != nil || s.Messages() != 1 {
			t.Fatalf("cut at %d: rest: took %d (%v), messages %d", cut, n, err, s.Messages())
		}
	}

	var s Scanner
	if n, err := s.Scan([]byte("\x81"), false, 0); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if n, err := s.Scan([]byte("\x00\x81"), true, 0); n != 1 || err != nil || !s.Boundary() {
		t.Errorf("frame without payload: took %d (%v), want 1 and a boundary", n, err)
	}
	if n, err := s.Scan(nil, true, 0); n != 0 || err != nil {
		t.Errorf("nothing to take: took %d: %v", n, err)
	}
}

func TestScannerMaxMessage(t *testing.T) {
	for _, tc := range []struct {
		name, before, over string
		boundary           bool
	}{
		{"one frame", "\x82\x05hello", "\x82\x06", true},
		{"in fragments", "\x02\x03hel\x89\x06aaaaaa\x00\x02lo", "\x80\x01", true},
		{"a length begun earlier", "\x82\x7e", "\x00\x80", false},
		{"a length beyond counting", "\x02\x05hello\x00\x00", "\x80\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var s Scanner
			if n, err := s.Scan([]byte(tc.before), false, 5); n != len(tc.before) || err != nil {
				t.Fatalf("took %d: %v", n, err)
			}
			if n, err := s.Scan([]byte(tc.over+"xxxxxx"), false, 5); n != 0 || err != ErrMessageTooBig || s.Boundary() != tc.boundary {
				t.Errorf("took %d (%v), boundary %t", n, err, s.Boundary())
			}
			if n, err := s.Scan([]byte(tc.over), false, 0); n != len(tc.over) || err != nil {
				t.Errorf("without a bound took %d (%v)", n, err)
			}
		})
	}
}

func TestScannerStaysFailed(t *testing.T) {
	for _, tc := range []struct {
		name     string
		pieces   []string
		taken    []int
		boundary bool
	}{
		{"header in one piece", []string{"\x81\x01x\x09\x00"}, []int{3}, true},
		{"header in its own piece", []string{"\x81\x01x", "\x09\x00"}, []int{3, 0}, true},
		{"header begun earlier", []string{"\x81\x01x\x09", "\x00"}, []int{4, 0}, false},
		{"length begun earlier", []string{"\x82\x7f", "\xff\x00"}, []int{2, 0}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var s Scanner
			var err error
			for i, piece := range tc.pieces {
				var n int
				if n, err = s.Scan([]byte(piece), false, 0); n != tc.taken[i] {
					t.Errorf("piece %d: took %d, want %d", i, n, tc.taken[i])
				}
			}
			var typed Error
			if !errors.As(err, &typed) {
				t.Fatalf("error %v is not an Error", err)
			}
			if s.Boundary() != tc.boundary {
				t.Errorf("Boundary() = %t, want %t", s.Boundary(), tc.boundary)
			}
			for _, until := range []bool{false, true} {
				if n, again := s.Scan([]byte("\x81\x01x"), until, 0); n != 0 || again != err {
					t.Errorf("afterwards: took %d, %v; want 0, %v", n, again, err)
				}
			}
		})
	}
}

func TestErrorTexts(t *testing.T) {
	seen := map[string]Error{}
	for _, e := range []Error{0, ErrLength, ErrControlTooLong, ErrControlFragmented, ErrClosePayload, ErrMessageTooBig} {
		text := e.Error()
		if other, dup := seen[text]; dup || !strings.HasPrefix(text, "websocket frame: ") {
			t.Errorf("error %d and %d: %q", e, other, text)
		}
		seen[text] = e
	}
}

func TestScannerIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(Scanner{}); size > 48 {
		t.Errorf("a Scanner has %d bytes; there are two in each tunnel, keep it at 48", size)
	}
}

func TestScannerDoesNotAllocate(t *testing.T) {
	stream := randomStream(rand.New(rand.NewPCG(1, 2)), 200)
	bad := []byte("\x09\x00")
	for _, size := range []int{1, 7, 4096} {
		if allocs := testing.AllocsPerRun(20, func() {
			var s Scanner
			for p := stream; len(p) > 0; p = p[min(size, len(p)):] {
				s.Scan(p[:min(size, len(p))], false, 0)
			}
			s.Scan(bad, true, 0)
			s.Scan(bad, false, 0)
		}); allocs != 0 {
			t.Errorf("pieces of %d: %v allocations", size, allocs)
		}
	}
}

func BenchmarkScanner(b *testing.B) {
	for _, bm := range []struct {
		name           string
		payload, chunk int
		mask           bool
	}{
		{"64B_frames_in_32KB_chunks", 64, 32 << 10, false},
		{"64B_masked_frames_in_32KB_chunks", 64, 32 << 10, true},
		{"64B_frames_one_by_one", 64, 66, false},
		{"16KB_frames_in_32KB_chunks", 16 << 10, 32 << 10, false},
		{"16KB_frames_in_4KB_chunks", 16 << 10, 4 << 10, false},
	} {
		b.Run(bm.name, func(b *testing.B) {
			const frames = 500
			var stream []byte
			for range frames {
				stream = append(stream, dataFrame(bm.payload, bm.mask)...)
			}
			var s Scanner
			b.SetBytes(int64(len(stream)))
			b.ReportAllocs()
			for b.Loop() {
				for p := stream; len(p) > 0; p = p[min(bm.chunk, len(p)):] {
					if _, err := s.Scan(p[:min(bm.chunk, len(p))], false, 0); err != nil {
						b.Fatal(err)
					}
				}
			}
			if want := uint64(b.N) * frames; s.Messages() != want {
				b.Fatalf("%d messages, want %d", s.Messages(), want)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/frames, "ns/frame")
		})
	}
}

func dataFrame(payload int, mask bool) []byte {
	p := []byte{0x82, byte(payload)}
	if payload > 125 {
		p = binary.BigEndian.AppendUint16([]byte{0x82, 126}, uint16(payload))
	}
	if mask {
		p[1] |= maskBit
		p = append(p, "mask"...)
	}
	return append(p, make([]byte, payload)...)
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// model decodes a whole stream at once, knowing where each frame lies, and says
// what a Scanner ought to, and where the frames end. It shares nothing with it.
func model(p []byte, most uint64) (taken int, want state, ends map[int]bool) {
	want.boundary, ends = true, map[int]bool{0: true}
	for at := 0; at < len(p); {
		frame := p[at:]
		need := func(n int) bool { return len(frame) >= n }
		if !need(2) {
			want.boundary = false
			return len(p), want, ends
		}
		fin, opcode, masked := frame[0]>>7 == 1, frame[0]%16, frame[1]>>7 == 1
		length, header := uint64(frame[1]%128), 2
		if opcode >= 8 {
			for _, rule := range []struct {
				broken bool
				err    error
			}{{length > 125, ErrControlTooLong}, {!fin, ErrControlFragmented}, {opcode == 8 && length == 1, ErrClosePayload}} {
				if rule.broken {
					want.err = rule.err
					return at, want, ends
				}
			}
		}
		switch length {
		case 126:
			if header = 4; need(4) {
				length = uint64(frame[2])<<8 + uint64(frame[3])
			}
		case 127:
			if need(3) && frame[2] >= 128 {
				want.err = ErrLength
				return at, want, ends
			}
			if header = 10; need(10) {
				length = 0
				for _, b := range frame[2:10] {
					length = length*256 + uint64(b)
				}
			}
		}
		key := make([]byte, 4)
		if masked {
			if need(header + 4) {
				copy(key, frame[header:])
			}
			header += 4
		}
		if !need(header) {
			want.boundary = false
			return len(p), want, ends
		}
		if opcode < 8 {
			sum := length
			if opcode == 0 && want.inMessage {
				if sum = want.size + length; sum < length {
					sum = math.MaxUint64
				}
			}
			if most > 0 && sum > most {
				want.err = ErrMessageTooBig
				return at, want, ends
			}
			want.size = sum
			want.inMessage = want.inMessage || !fin
		}
		if uint64(len(frame)-header) < length {
			want.boundary = false
			return len(p), want, ends
		}
		payload := bytes.Clone(frame[header : header+int(length)])
		for i := range payload {
			payload[i] ^= key[i%4]
		}
		if opcode < 8 && fin {
			want.inMessage = false
			want.messages++
		}
		if opcode == 8 && !want.closeSeen {
			want.closeSeen, want.code = true, 1005
			if len(payload) >= 2 {
				want.code = int(binary.BigEndian.Uint16(payload))
			}
		}
		at += header + int(length)
		ends[at] = true
	}
	return len(p), want, ends
}

// randomStream makes n frames of all kinds, mostly sound.
func randomStream(r *rand.Rand, n int) []byte {
	var p []byte
	for range n {
		first := byte(r.UintN(256))
		if r.UintN(8) > 0 {
			first = []byte{0x80, 0x00, 0x01, 0x81, 0x82, 0x02, 0x88, 0x89, 0x8a}[r.UintN(9)]
		}
		length := []int{0, 1, 2, int(r.UintN(126)), 125, int(r.UintN(400)), 65535, 65536 + int(r.UintN(9))}[min(r.UintN(8), r.UintN(100))]
		mask := byte(r.UintN(2)) << 7
		if first&8 != 0 && r.UintN(16) > 0 {
			first |= 0x80
			if length = min(length, 125); length == 1 {
				length = 2
			}
		}
		if length < 126 && r.UintN(10) > 0 {
			p = append(p, first, mask|byte(length))
		} else if length < 65536 && first&8 == 0 && r.UintN(10) > 0 {
			p = append(p, first, mask|126, byte(length>>8), byte(length))
		} else if first&8 == 0 {
			p = binary.BigEndian.AppendUint64(append(p, first, mask|127), uint64(length)|uint64(r.UintN(40)/39)<<63)
		} else {
			p = append(p, first, mask|byte(min(length, 127)))
		}
		if mask != 0 {
			p = binary.BigEndian.AppendUint32(p, r.Uint32())
		}
		payload := make([]byte, length)
		for i := range min(length, 8) {
			payload[i] = byte(r.Uint32())
		}
		p = append(p, payload...)
	}
	return p[:len(p)-min(len(p), int(r.UintN(4)))]
}

// checkAgainstModel scans p in pieces that next chooses, some only as far as the end
// of a frame, and compares each step with what the model says.
func checkAgainstModel(p []byte, most uint64, next func(left int) (size int, oneFrame bool)) error {
	wantTaken, want, ends := model(p, most)
	var s Scanner
	for taken := 0; taken < len(p); {
		before := taken
		size, until := next(len(p) - before)
		n, err := s.Scan(p[before:before+size], until, most)
		taken += n
		if err != nil {
			if err != want.err {
				return fmt.Errorf("error %v at %d, want %v", err, taken, want.err)
			}
			if s.Boundary() && taken != wantTaken || !s.Boundary() && (n != 0 || taken <= wantTaken) {
				return fmt.Errorf("stopped at %d (boundary %t), the frame begins at %d", taken, s.Boundary(), wantTaken)
			}
			got := stateOf(&s, err)
			got.boundary = want.boundary
			if got != want {
				return fmt.Errorf("failed with %+v, want %+v", got, want)
			}
			return nil
		}
		stop := before + size
		if until {
			for stop = before + 1; !ends[stop] && stop < before+size; stop++ {
			}
		}
		if taken != stop || s.Boundary() != ends[stop] {
			return fmt.Errorf("from %d: stopped at %d (boundary %t), want %d (%t)", before, taken, s.Boundary(), stop, ends[stop])
		}
	}
	if got := stateOf(&s, nil); got != want {
		return fmt.Errorf("%+v, want %+v", got, want)
	}
	return nil
}

func TestScannerAgreesWithModel(t *testing.T) {
	rounds := 1000
	if testing.Short() {
		rounds = 200
	}
	failed := map[error]int{}
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 0))
		p := randomStream(r, 1+r.IntN(12))
		most := []uint64{0, 300}[r.IntN(2)]
		_, want, _ := model(p, most)
		failed[want.err]++
		whole := func(left int) (int, bool) { return left, false }
		pieces := func(left int) (int, bool) {
			return min(left, 1+r.IntN(1+min(left, 1<<r.IntN(16)))), r.IntN(4) == 0
		}
		for _, next := range []func(int) (int, bool){whole, pieces} {
			if err := checkAgainstModel(p, most, next); err != nil {
				t.Fatalf("seed %d: %v\n%x", seed, err, p[:min(len(p), 200)])
			}
		}
	}
	for _, err := range []error{nil, ErrLength, ErrControlTooLong, ErrControlFragmented, ErrClosePayload, ErrMessageTooBig} {
		if failed[err] == 0 {
			t.Errorf("no random stream ended with %v", err)
		}
	}
}

func FuzzScanner(f *testing.F) {
	f.Add([]byte("\x01\x03abc\x89\x01p\x80\x02de\x88\x82\x01\x02\x03\x04\x02\xf1"), uint64(1))
	f.Add([]byte("\x82\x7e\x00\x01x\x82\xff\x00\x00\x00\x00\x00\x00\x00\x02abcdxy"), uint64(2))
	f.Add([]byte("\x81\x01x\x82\x7f\x80"), uint64(3))
	f.Add([]byte("\x88\x81abcdx"), uint64(4))
	f.Fuzz(func(t *testing.T, p []byte, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 0))
		most := seed % 100
		for _, next := range []func(int) (int, bool){
			func(left int) (int, bool) { return left, false },
			func(int) (int, bool) { return 1, false },
			func(left int) (int, bool) { return 1 + r.IntN(left), r.IntN(3) == 0 },
		} {
			if err := checkAgainstModel(p, most, next); err != nil {
				t.Fatal(err)
			}
		}
	})
}

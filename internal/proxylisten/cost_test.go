// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package proxylisten

import (
	"io"
	"net"
	"runtime"
	"testing"
)

// TestHeapPerConn compares idle connections whose header was read with raw
// ones, in the same process. The bound is that of research 5.3.5.
func TestHeapPerConn(t *testing.T) {
	const conns = 2000
	rawHeap := heapOf(t, listen(t, "tcp", Skip, nil), conns)
	ourHeap := heapOf(t, listen(t, "tcp", Require, nil), conns)
	perConn := float64(ourHeap-rawHeap) / conns
	t.Logf("%.0f B more than a raw connection", perConn)
	if perConn > 512 {
		t.Errorf("%.0f B more than a raw connection, want at most 512", perConn)
	}
}

// heapOf returns what n idle connections through s leave on the heap. In three
// rounds the least is the truth, whatever else the process was doing.
func heapOf(t *testing.T, s *server, n int) int64 {
	t.Helper()
	s.Observe = nil
	// An NLB's header with a VPC endpoint, 100 bytes long.
	const header = "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x54" +
		"\xac\x1f\x07\x71\xac\x1f\x0a\x1f\xc8\xf2\x00\x50" +
		"\x03\x00\x04\xe8\xd6\x89\x2d" + "\xea\x00\x17\x01vpce-08d2bf15fac5001c9" +
		"\x04\x00\x24" + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" +
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	least := int64(1) << 62
	for range 3 {
		before := heap()
		held := make([]net.Conn, 0, 2*n)
		for range n {
			client, err := net.Dial("tcp", s.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			c, err := s.Accept()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(client, header); err != nil {
				t.Fatal(err)
			}
			if got := c.RemoteAddr().String(); s.Rules[0].Policy == Require && got != "172.31.7.113:51442" {
				t.Fatalf("remote address %s", got)
			}
			held = append(held, client, c)
		}
		least = min(least, heap()-before)
		for _, c := range held {
			c.Close()
		}
	}
	return least
}

func heap() int64 {
	var m runtime.MemStats
	for range 3 { // sync.Pool survives one collection, finalizers another
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

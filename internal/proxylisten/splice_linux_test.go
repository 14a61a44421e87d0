// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package proxylisten

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
)

// TestSplice passes data from one connection to another in every combination
// that a proxy has, and looks at the process's counter of bytes written: what
// the kernel moves by itself is not in it.
func TestSplice(t *testing.T) {
	const size = 4 << 20
	for name, via := range map[string]struct{ from, to Policy }{
		"from ours to raw":  {Require, Skip},
		"from raw to ours":  {Skip, Require},
		"from ours to ours": {Require, Require},
	} {
		t.Run(name, func(t *testing.T) {
			source, from := listen(t, "tcp", via.from, nil).pair(t)
			sink, to := listen(t, "tcp", via.to, nil).pair(t)
			for policy, client := range map[*Policy]net.Conn{&via.from: source, &via.to: sink} {
				if *policy == Require {
					send(t, client, lineV1)
				}
			}
			to.RemoteAddr()
			before := written(t)
			go func() {
				_, _ = source.Write(make([]byte, size))
				_ = source.(*net.TCPConn).CloseWrite()
			}()
			relayed := make(chan error, 1)
			go func() {
				_, err := io.Copy(to, from)
				_ = to.(interface{ CloseWrite() error }).CloseWrite()
				relayed <- err
			}()
			got, err := io.Copy(io.Discard, struct{ io.Reader }{sink})
			if err != nil || got != size {
				t.Fatalf("%d bytes arrived, %v", got, err)
			}
			if err := <-relayed; err != nil {
				t.Fatal(err)
			}
			if n := written(t) - before; n < size || n > size*3/2 {
				t.Errorf("%d bytes were written for %d sent and spliced", n, size)
			}
		})
	}
}

func written(t *testing.T) int {
	t.Helper()
	io, err := os.ReadFile("/proc/self/io")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(io)) {
		var n int
		if _, err := fmt.Sscanf(line, "wchar: %d", &n); err == nil {
			return n
		}
	}
	t.Fatalf("no wchar in %q", io)
	return 0
}

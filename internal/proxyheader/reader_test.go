// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package proxyheader

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
)

// TestFrame holds every beginning of every accepted header against the rule
// that no byte behind it is ever wanted.
func TestFrame(t *testing.T) {
	for _, v := range loadVectors(t) {
		if !v.Expect.Accept {
			continue
		}
		header := v.bytes(t)[:v.Expect.HeaderLen]
		for n := range len(header) {
			_, missing, reason := Options{}.frame(header[:n])
			if reason != "" || missing <= 0 || n+missing > len(header) {
				t.Fatalf("%s: after %d of %d bytes %d are missing, reason %q", v.Name, n, len(header), missing, reason)
			}
		}
	}
}

// TestReadChunks has every accepted header arrive in two reads, for every
// place to cut it, and in single bytes.
func TestReadChunks(t *testing.T) {
	for _, v := range loadVectors(t) {
		if !v.Expect.Accept {
			continue
		}
		header := v.bytes(t)[:v.Expect.HeaderLen]
		v.Expect.RestHex, v.End = "", "payload"
		cuts := [][][]byte{bytewise(header, []byte(payload))}
		for i := 1; i < len(header); i++ {
			cuts = append(cuts, [][]byte{header[:i], append(bytes.Clone(header[i:]), payload...)})
		}
		for _, chunks := range cuts {
			c := &chunkConn{chunks: chunks}
			h, _, err := Options{}.Read(c)
			rest, _ := io.ReadAll(c)
			checkVector(t, v, h, rest, err)
		}
	}
}

// TestReadLead checks that nothing is lost of a connection that does not begin
// with a header.
func TestReadLead(t *testing.T) {
	for _, test := range []struct {
		sent   []string
		reason Reason
	}{
		{[]string{"GET / HTTP/1.1\r\n"}, NoSignature},
		{[]string{"P", "UT / HTTP/1.1\r\n"}, NoSignature},
		{[]string{"PRO", "PPATCH / HTTP/1.1\r\n"}, NoSignature},
		{[]string{"\r\n\r\n", "GET / HTTP/1.1\r\n"}, NoSignature},
		{[]string{"\r\n\r\n\x00\r\nQUIT", "\r\nmore"}, NoSignature},
		{[]string{"PRO"}, EOFIncomplete},
		{nil, EOFIncomplete},
	} {
		var chunks [][]byte
		var want []byte
		for _, s := range test.sent {
			chunks, want = append(chunks, []byte(s)), append(want, s...)
		}
		conns := map[string]net.Conn{"generic": &chunkConn{chunks: chunks}}
		client, server := dialed(t, "tcp", "127.0.0.1:0")
		conns["tcp"] = server
		go func() {
			for _, s := range test.sent {
				_, _ = io.WriteString(client, s)
			}
			_ = client.(*net.TCPConn).CloseWrite()
		}()
		for name, c := range conns {
			_, lead, err := Options{}.Read(c)
			var rejection *Error
			if !errors.As(err, &rejection) || rejection.Reason != test.reason {
				t.Errorf("%s, %q: %v, want %s", name, test.sent, err, test.reason)
			}
			rest, _ := io.ReadAll(c)
			if got := append(lead, rest...); !bytes.Equal(got, want) {
				t.Errorf("%s: %q of %q is left", name, got, want)
			}
		}
	}
}

func TestReadBroken(t *testing.T) {
	broken := errors.New("broken")
	for _, test := range []struct {
		cause  error
		reason Reason
	}{
		{broken, ReadFailed},
		{&net.OpError{Op: "read", Err: net.ErrClosed}, Closed},
	} {
		_, _, err := Options{}.Read(&chunkConn{chunks: [][]byte{[]byte("PROXY TCP4 ")}, end: test.cause})
		var rejection *Error
		if !errors.As(err, &rejection) || rejection.Reason != test.reason || !errors.Is(err, test.cause) ||
			string(rejection.Seen) != "PROXY TCP4 " {
			t.Errorf("%v, want %s", err, test.reason)
		}
	}
}

// TestReadTooLarge checks that the limit acts on the length field alone: the
// bytes behind it never come.
func TestReadTooLarge(t *testing.T) {
	for size, want := range map[int]Reason{116: EOFIncomplete, 115: TooLarge, 0: EOFIncomplete} {
		fixed := []byte(v2Signature + "\x21\x11\x00\x64")
		_, _, err := Options{MaxSize: size}.Read(&chunkConn{chunks: [][]byte{fixed}})
		var rejection *Error
		if !errors.As(err, &rejection) || rejection.Reason != want {
			t.Errorf("limit %d: %v, want %s", size, err, want)
		}
	}
}

// chunkConn is a connection on which each read gets at most one chunk.
type chunkConn struct {
	net.Conn
	chunks [][]byte
	end    error
}

func (c *chunkConn) Read(p []byte) (int, error) {
	if len(c.chunks) == 0 {
		if c.end != nil {
			return 0, c.end
		}
		return 0, io.EOF
	}
	n := copy(p, c.chunks[0])
	if c.chunks[0] = c.chunks[0][n:]; len(c.chunks[0]) == 0 {
		c.chunks = c.chunks[1:]
	}
	return n, nil
}

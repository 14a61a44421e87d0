// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/quic-go/quic-go/http3"
	"golang.org/x/net/http2"
)

// Compressed, masked and fragmented, with control frames in between: all arrives
// as it was sent, byte by byte, and is one message.
func TestControlFramesWithinMessages(t *testing.T) {
	frames := []string{
		"\x41\x83\x01\x02\x03\x04abc",           // text, with the bit of RFC 7692 set, and more to come
		"\x89\x82\x05\x06\x07\x08hi",            // Ping
		"\x00\x80\x01\x01\x01\x01",              // nothing of it
		"\x8a\x80\x09\x09\x09\x09",              // Pong
		"\x80\x81\x01\x02\x03\x04z",             // the end of it
		"\x88\x82\x00\x00\x00\x00" + "\x03\xe8", // Close
	}
	sent := strings.Join(frames, "")
	for _, version := range append([]string{"HTTP/1.1 over TCP"}, allVersions...) {
		t.Run(version, func(t *testing.T) {
			secure := version != "HTTP/1.1 over TCP"
			g := startGateway(t, secure, "", "ws_tunnel "+echoOrigin(t))
			c := g.openVersion(strings.TrimSuffix(version, " over TCP"))
			for _, frame := range frames {
				const header = 6 // goes on when it is complete
				for i := range header {
					c.send(frame[i : i+1])
				}
				c.expect(frame[:header])
				for i := header; i < len(frame); i++ {
					go c.send(frame[i : i+1])
					c.expect(frame[i : i+1])
				}
			}
			c.Close()
			r := g.expectEnd("client_closed", "client")
			for _, direction := range []string{"to_origin", "to_client"} {
				traffic := r[direction].(map[string]any)
				if traffic["messages"] != 1.0 || traffic["bytes"] != float64(len(sent)) || traffic["close_code"] != 1000.0 {
					t.Errorf("%s: %v", direction, traffic)
				}
			}
		})
	}
}

// DATA that comes before the answer waits for it, and what the origin sends right
// behind its 101 is not lost.
func TestEarlyBytesOfStreams(t *testing.T) {
	for _, version := range streamVersions {
		t.Run(version, func(t *testing.T) {
			sent := make(chan struct{})
			g := startGateway(t, true, "", "ws_tunnel "+startOrigin(t, nil, func(p *peer) {
				head := p.readHead()
				<-sent
				if n := p.r.Buffered(); n > 0 {
					t.Errorf("%d bytes came before the origin had switched", n)
				}
				p.send(answer(head, "") + textFrame("greeting"))
				p.expect(textFrame("early"))
			}))
			in, out := io.Pipe()
			go func() {
				defer close(sent)
				_, _ = io.WriteString(out, textFrame("early"))
			}()
			resp, err := g.ask(t.Context(), version, in)
			if err != nil {
				t.Fatal(err)
			}
			c := &peer{t, &streamConn{in: resp.Body, out: out}, bufio.NewReader(resp.Body)}
			c.expect(textFrame("greeting"))
			c.expectEOF()
			g.expectEnd("origin_gone", "origin")
			out.Close()
			nothingLeft(t)
		})
	}
}

// An origin that breaks off has the stream reset (RFC 8441 section 5); what it
// sent before has arrived. One that has said Close goes in good order, however.
func TestOriginReset(t *testing.T) {
	for _, version := range streamVersions {
		t.Run(version, func(t *testing.T) {
			arrived := make(chan struct{})
			g := startGateway(t, true, "", "ws_tunnel "+startOrigin(t, nil, func(p *peer) {
				p.send(answer(p.readHead(), "") + textFrame("last"))
				<-arrived
				_ = p.Conn.(*net.TCPConn).SetLinger(0)
			}))
			c := g.openVersion(version)
			c.expect(textFrame("last"))
			close(arrived)
			rest, err := io.ReadAll(c.r)
			if code := resetCode(err); len(rest) > 0 || code != map[string]uint64{
				"HTTP/2.0": uint64(http2.ErrCodeInternal), // Go's server knows no CANCEL
				"HTTP/3.0": uint64(http3.ErrCodeRequestCanceled),
			}[version] {
				t.Errorf("got %q and %v, want a reset", rest, err)
			}
			g.expectEnd("origin_gone", "origin")
			c.Close()
			nothingLeft(t)
		})
		t.Run(version+" after a Close", func(t *testing.T) {
			arrived := make(chan struct{})
			g := startGateway(t, true, "", "ws_tunnel "+startOrigin(t, nil, func(p *peer) {
				p.send(answer(p.readHead(), "") + closeFrame(1000))
				<-arrived
				_ = p.Conn.(*net.TCPConn).SetLinger(0)
			}))
			c := g.openVersion(version)
			c.expectClose(1000)
			close(arrived)
			c.expectEOF()
			g.expectEnd("origin_closed", "origin")
			c.Close()
			nothingLeft(t)
		})
	}
}

// resetCode is the code that a stream was reset with, or 0.
func resetCode(err error) uint64 {
	var of2 http2.StreamError
	var of3 *http3.Error
	switch {
	case errors.As(err, &of2):
		return uint64(of2.Code)
	case errors.As(err, &of3):
		return uint64(of3.ErrorCode)
	}
	return 0
}

// readsReset is an origin that sends on gone how its connection ended.
func readsReset(gone chan<- error) func(p *peer) {
	return func(p *peer) {
		p.send(answer(p.readHead(), ""))
		_, err := io.Copy(io.Discard, p.r)
		gone <- err
	}
}

// wantReset wants a TCP connection to have ended in a reset.
func wantReset(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the origin's connection ended with %v, want a reset", err)
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package h2

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	_ "github.com/caddy-wstunnel/caddy-wstunnel/internal/extendedconnect" // the server of the tests offers it
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// server echoes on streams, and lets a test see and steer what it does.
type server struct {
	address string
	dialled atomic.Int32
	streams uint32                // at a time, on a connection; 0: the default
	answer  http.HandlerFunc      // instead of an echo
	bytes   func(c net.Conn) bool // speaks first on a connection; false: that was all
}

func (s *server) start(t *testing.T) {
	l := wstest.Listen(t)
	s.address = l.Addr().String()
	wstest.Serve(t, l, func(c net.Conn) {
		if s.bytes != nil && !s.bytes(c) {
			return
		}
		defer context.AfterFunc(t.Context(), func() { c.Close() })()
		(&http2.Server{MaxConcurrentStreams: s.streams}).ServeConn(c, &http2.ServeConnOpts{Handler: s})
	})
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.answer != nil {
		s.answer(w, r)
		return
	}
	wstest.EchoStream(w, r)
}

func (s *server) dial(ctx context.Context) (net.Conn, error) {
	s.dialled.Add(1)
	return new(net.Dialer).DialContext(ctx, "tcp", s.address)
}

func connect() *http.Request {
	return &http.Request{
		Method: http.MethodConnect, URL: &url.URL{Scheme: "http", Host: "app.test", Path: "/ws"}, Host: "app.test",
		Header: http.Header{":protocol": {"websocket"}},
	}
}

// Many tunnels at the same time share one connection, as far as it has room.
func TestTunnelsShareConnections(t *testing.T) {
	const tunnels = 30
	for limit, conns := range map[uint32]int32{0: 1, 10: 3} {
		s := &server{streams: limit}
		s.start(t)
		var c Conns
		var all sync.WaitGroup
		for range tunnels {
			all.Go(func() {
				stream, resp, err := c.Open(t.Context(), "app", s.dial, connect())
				if err != nil || resp.StatusCode != http.StatusOK {
					t.Errorf("%v, %v", resp, err)
					return
				}
				t.Cleanup(func() { stream.Close() })
				if stream.RemoteAddr().String() != s.address || stream.LocalAddr() == nil {
					t.Errorf("between %v and %v", stream.LocalAddr(), stream.RemoteAddr())
				}
			})
		}
		all.Wait()
		if n := s.dialled.Load(); n != conns {
			t.Errorf("with %d streams a connection: %d connections, want %d", limit, n, conns)
		}
	}
}

// What one side sends the other gets, after it has ended its own direction, too.
func TestStreamCarriesAll(t *testing.T) {
	s := new(server)
	s.start(t)
	var c Conns
	stream, _, err := c.Open(t.Context(), "app", s.dial, connect())
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	want := strings.Repeat("0123456789abcdef", 64<<10)
	go func() {
		_, _ = io.WriteString(stream, want)
		_ = stream.CloseWrite()
	}()
	if got, err := io.ReadAll(stream); err != nil || string(got) != want {
		t.Errorf("got %d bytes (%v) of %d", len(got), err, len(want))
	}
}

// Who waits is let go, by Close as by a deadline.
func TestStreamEnds(t *testing.T) {
	s := new(server)
	s.start(t)
	var c Conns
	for name, end := range map[string]func(s *Stream){
		"close":          func(s *Stream) { s.Close() },
		"deadline":       func(s *Stream) { _ = s.SetDeadline(time.Unix(1, 0)) },
		"read deadline":  func(s *Stream) { _ = s.SetReadDeadline(time.Now()) },
		"write deadline": func(s *Stream) { _ = s.SetWriteDeadline(time.Now()) },
	} {
		stream, _, err := c.Open(t.Context(), "app", s.dial, connect())
		if err != nil {
			t.Fatal(err)
		}
		_ = stream.SetDeadline(time.Now().Add(time.Hour))
		_ = stream.SetDeadline(time.Time{})
		read := make(chan error, 1)
		go func() {
			_, err := stream.Read(make([]byte, 1))
			read <- err
		}()
		end(stream)
		if err := <-read; err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%s: Read says %v", name, err)
		}
		stream.Close()
	}
}

// An answer that opens no tunnel is whole.
func TestRefusal(t *testing.T) {
	s := &server{answer: func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) }}
	s.start(t)
	var c Conns
	stream, resp, err := c.Open(t.Context(), "app", s.dial, connect())
	if err != nil || resp.StatusCode != http.StatusForbidden {
		t.Fatalf("%v, %v", resp, err)
	}
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "no\n" {
		t.Errorf("%q, %v", body, err)
	}
	stream.Close()
}

// An origin that speaks something else, or no WebSockets over HTTP/2, is found
// out, and not asked again at once.
func TestNotOffered(t *testing.T) {
	for name, s := range map[string]*server{
		"HTTP/1.1": {bytes: func(c net.Conn) bool {
			_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
			return false
		}},
		"plain HTTP/2": {bytes: func(c net.Conn) bool {
			framer := http2.NewFramer(c, c)
			_ = framer.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 10})
			_, _ = io.Copy(io.Discard, c)
			return false
		}},
	} {
		s.start(t)
		var c Conns
		for range 3 {
			if _, _, err := c.Open(t.Context(), "app", s.dial, connect()); !errors.Is(err, ErrNotOffered) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n := s.dialled.Load(); n != 1 {
			t.Errorf("%s: dialled %d times", name, n)
		}
	}
}

// Who gives up while an origin does not answer is let go, and the connection is
// there for others.
func TestGivingUp(t *testing.T) {
	asked := make(chan struct{}, 10)
	var silent atomic.Bool
	silent.Store(true)
	s := new(server)
	s.answer = func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		if silent.Load() {
			<-r.Context().Done()
		}
	}
	s.start(t)
	var c Conns
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	if _, _, err := c.Open(ctx, "app", s.dial, connect()); !errors.Is(err, context.Canceled) {
		t.Errorf("gave up: %v", err)
	}
	silent.Store(false)
	stream, _, err := c.Open(t.Context(), "app", s.dial, connect())
	if err != nil {
		t.Fatal(err)
	}
	stream.Close()
	if n := s.dialled.Load(); n != 1 {
		t.Errorf("dialled %d times", n)
	}
}

// A dial that fails is an error as it is.
func TestDialFails(t *testing.T) {
	var c Conns
	failed := errors.New("no way")
	_, _, err := c.Open(t.Context(), "app", func(context.Context) (net.Conn, error) { return nil, failed }, connect())
	if !errors.Is(err, failed) {
		t.Errorf("%v", err)
	}
}

// An origin that takes no stream at all is not dialled over and over.
func TestNoStreams(t *testing.T) {
	s := &server{bytes: func(c net.Conn) bool {
		framer := http2.NewFramer(c, c)
		_ = framer.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 0}, http2.Setting{ID: http2.SettingEnableConnectProtocol, Val: 1})
		_, _ = io.Copy(io.Discard, c)
		return false
	}}
	s.start(t)
	var c Conns
	if _, _, err := c.Open(t.Context(), "app", s.dial, connect()); !errors.Is(err, ErrNotSent) {
		t.Errorf("%v", err)
	}
	if n := s.dialled.Load(); n != 1 {
		t.Errorf("dialled %d times", n)
	}
}

// A connection that ends before the origin has said anything does not mean that it
// has no HTTP/2: the next one may be good.
func TestConnectionEndsAtOnce(t *testing.T) {
	var first atomic.Bool
	first.Store(true)
	s := &server{bytes: func(net.Conn) bool { return !first.Swap(false) }}
	s.start(t)
	var c Conns
	if _, _, err := c.Open(t.Context(), "app", s.dial, connect()); !errors.Is(err, ErrNotSent) {
		t.Errorf("%v", err)
	}
	stream, _, err := c.Open(t.Context(), "app", s.dial, connect())
	if err != nil {
		t.Fatal(err)
	}
	stream.Close()
}

// While an origin reads nothing of what one tunnel sends, others are opened
// elsewhere, and asking for one more ends when its time is over.
func TestOriginThatStopsReading(t *testing.T) {
	stuck := &server{bytes: func(c net.Conn) bool {
		framer := http2.NewFramer(c, c)
		_ = framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 30}, http2.Setting{ID: http2.SettingEnableConnectProtocol, Val: 1})
		_ = framer.WriteWindowUpdate(0, 1<<30)
		_, _ = io.ReadFull(c, make([]byte, len(http2.ClientPreface)))
		for {
			f, err := framer.ReadFrame()
			if err != nil {
				return false
			}
			if f.Header().Type == http2.FrameHeaders {
				break
			}
		}
		_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x88}, EndHeaders: true}) // :status 200
		<-t.Context().Done()
		return false
	}}
	stuck.start(t)
	good := new(server)
	good.start(t)
	var c Conns
	stream, _, err := c.Open(t.Context(), "stuck", stuck.dial, connect())
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	flooding := make(chan struct{})
	go func() {
		for p := make([]byte, 64<<10); ; {
			if _, err := stream.Write(p); err != nil {
				close(flooding)
				return
			}
		}
	}()
	other, _, err := c.Open(t.Context(), "good", good.dial, connect())
	if err != nil {
		t.Fatal(err)
	}
	other.Close()
	stream.Close()
	<-flooding
}

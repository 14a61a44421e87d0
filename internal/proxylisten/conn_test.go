// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package proxylisten

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/proxyheader"
)

const (
	lineV1 = "PROXY TCP4 203.0.113.7 198.51.100.22 56324 443\r\n"
	// far is a time that a test which hangs is ended by, and nothing else.
	far = 30 * time.Second
)

// server is a Listener with one rule and what it told its observer.
type server struct {
	*Listener
	outcomes chan Outcome
}

func listen(t testing.TB, network string, policy Policy, change func(*Listener)) *server {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = t.TempDir() + "/s"
	}
	ln, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	rule, err := ParseRule(string(policy), []string{"127.0.0.0/8", UnixRange})
	if err != nil {
		t.Fatal(err)
	}
	s := &server{outcomes: make(chan Outcome, 4096)}
	s.Listener = &Listener{
		Listener: ln,
		Rules:    []Rule{rule},
		Timeout:  far,
		Observe:  func(o Outcome) { s.outcomes <- o },
	}
	if change != nil {
		change(s.Listener)
	}
	return s
}

func (s *server) dial(t testing.TB) net.Conn {
	t.Helper()
	c, err := net.Dial(s.Addr().Network(), s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(far))
	t.Cleanup(func() { c.Close() })
	return c
}

func (s *server) accept(t testing.TB) net.Conn {
	t.Helper()
	c, err := s.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func (s *server) pair(t testing.TB) (client, accepted net.Conn) {
	t.Helper()
	client = s.dial(t)
	return client, s.accept(t)
}

func send(t testing.TB, c net.Conn, s string) {
	t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		t.Fatal(err)
	}
}

func closeWrite(t testing.TB, c net.Conn) {
	t.Helper()
	if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
}

func TestPolicies(t *testing.T) {
	const get = "GET / HTTP/1.1\r\n"
	for _, test := range []struct {
		policy Policy
		sent   string
		result Result
		reason proxyheader.Reason
		remote string // "" for the peer
		rest   string
	}{
		{Require, lineV1 + get, Used, "", "203.0.113.7:56324", get},
		{Require, "PROXY UNKNOWN\r\n" + get, Local, "", "", get},
		{Require, get, Rejected, proxyheader.NoSignature, "", ""},
		{Require, "", Rejected, proxyheader.EOFIncomplete, "", ""},
		{Optional, lineV1 + get, Used, "", "203.0.113.7:56324", get},
		{Optional, get, Headerless, "", "", get},
		{Optional, "PRI * HTTP/2.0\r\n\r\n", Headerless, "", "", "PRI * HTTP/2.0\r\n\r\n"},
		{Optional, "PRO", Headerless, "", "", "PRO"},
		{Optional, "", Headerless, "", "", ""},
		{Optional, "PROXY TCP4 1.2.3.4\r\n", Rejected, proxyheader.V1BadSyntax, "", ""},
		{Optional, "PROXY", Rejected, proxyheader.EOFIncomplete, "", ""},
		{Ignore, lineV1 + get, Ignored, "", "", get},
		{Ignore, get, Headerless, "", "", get},
		{Ignore, "PROXY TCP4 1.2.3.4\r\n", Rejected, proxyheader.V1BadSyntax, "", ""},
		{Skip, lineV1 + get, Skipped, "", "", lineV1 + get},
	} {
		for _, network := range []string{"tcp", "unix", "generic"} {
			t.Run(string(test.policy)+"/"+test.sent+"/"+network, func(t *testing.T) {
				s := listen(t, strings.Replace(network, "generic", "tcp", 1), test.policy, func(l *Listener) {
					if network == "generic" {
						l.Listener = hiding{l.Listener}
					}
				})
				client, c := s.pair(t)
				send(t, client, test.sent)
				closeWrite(t, client)

				rest, err := io.ReadAll(c)
				outcome := <-s.outcomes
				if outcome.Result != test.result || outcome.Rule == nil || outcome.Rule.Policy != test.policy {
					t.Errorf("%+v, want %s", outcome, test.result)
				}
				if (err != nil) != (test.result == Rejected) || string(rest) != test.rest {
					t.Errorf("read %q, %v, want %q", rest, err, test.rest)
				}
				if test.result == Rejected {
					checkRejected(t, c, err, test.reason)
				}
				remote := test.remote
				if remote == "" {
					remote = outcome.Peer.String()
				}
				if got := c.RemoteAddr().String(); got != remote {
					t.Errorf("remote address %s, want %s", got, remote)
				}
				if p := FromConn(c); (p == nil) != (test.policy == Skip) {
					t.Errorf("FromConn: %v", p)
				} else if p != nil && (p.Header() != nil) != (test.result == Used || test.result == Local) {
					t.Errorf("header %+v", p.Header())
				} else if p != nil && p.RealRemoteAddr().String() != outcome.Peer.String() {
					t.Errorf("real remote address %s, want %s", p.RealRemoteAddr(), outcome.Peer)
				}
			})
		}
	}
}

// checkRejected checks the error that net/http stays silent upon, and that
// nothing can be written.
func checkRejected(t *testing.T, c net.Conn, err error, reason proxyheader.Reason) {
	t.Helper()
	var rejection *proxyheader.Error
	if op, ok := err.(*net.OpError); !ok || op.Op != "read" || !errors.As(err, &rejection) || rejection.Reason != reason {
		t.Errorf("read: %#v, want %s", err, reason)
	}
	if n, err := c.Write([]byte("HTTP/1.1 400")); n > 0 || !errors.As(err, &rejection) {
		t.Errorf("write: %d, %v", n, err)
	}
	if r, ok := c.(io.ReaderFrom); ok {
		if n, err := r.ReadFrom(strings.NewReader("HTTP/1.1 400")); n > 0 || !errors.As(err, &rejection) {
			t.Errorf("read from: %d, %v", n, err)
		}
	}
	if w, ok := c.(io.WriterTo); ok {
		if n, err := w.WriteTo(io.Discard); n > 0 || !errors.As(err, &rejection) {
			t.Errorf("write to: %d, %v", n, err)
		}
	}
	if FromConn(c).NetConn() != nil {
		t.Error("the connection below is given out")
	}
}

// TestAcceptGoesOn checks that a connection closed by a rule, or one that no
// rule can be asked about, is not the listener's end.
func TestAcceptGoesOn(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Listener)
		reason proxyheader.Reason
	}{
		"reject":          {func(l *Listener) { l.Rules[0].Policy = Reject }, PeerRefused},
		"no address":      {func(l *Listener) { l.Listener = &readdressing{l.Listener, nil} }, PeerUnknown},
		"no real address": {func(l *Listener) { l.Listener = &readdressing{l.Listener, text("@")} }, PeerUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			s := listen(t, "tcp", Require, test.change)
			accepted := make(chan error, 1)
			go func() {
				_, err := s.Accept()
				accepted <- err
			}()
			for range 3 {
				client := s.dial(t)
				if b, err := io.ReadAll(client); len(b) > 0 {
					t.Errorf("read %q, %v", b, err)
				}
				if o := <-s.outcomes; o.Result != Rejected || o.Err.Reason != test.reason || o.Probe() {
					t.Errorf("%+v, want %s", o, test.reason)
				}
			}
			s.Close()
			if err := <-accepted; !errors.Is(err, net.ErrClosed) {
				t.Errorf("Accept: %v", err)
			}
		})
	}
}

// TestAcceptDoesNotWait has a later connection served while an earlier one is
// silent.
func TestAcceptDoesNotWait(t *testing.T) {
	s := listen(t, "tcp", Require, nil)
	_, silent := s.pair(t)
	if FromConn(silent) == nil { // this must not wait, either
		t.Error("no Conn")
	}
	client, c := s.pair(t)
	send(t, client, lineV1)
	if got := c.RemoteAddr().String(); got != "203.0.113.7:56324" {
		t.Errorf("remote address %s", got)
	}
}

// TestEntries has the header read by each of the methods that need it first.
func TestEntries(t *testing.T) {
	for name, entry := range map[string]func(c net.Conn){
		"RemoteAddr":  func(c net.Conn) { c.RemoteAddr() },
		"LocalAddr":   func(c net.Conn) { c.LocalAddr() },
		"Read":        func(c net.Conn) { _, _ = c.Read(nil) },
		"Write":       func(c net.Conn) { _, _ = c.Write(nil) },
		"ReadFrom":    func(c net.Conn) { _, _ = c.(io.ReaderFrom).ReadFrom(strings.NewReader("")) },
		"SyscallConn": func(c net.Conn) { _, _ = c.(syscall.Conn).SyscallConn() },
		"Header":      func(c net.Conn) { FromConn(c).Header() },
		"NetConn":     func(c net.Conn) { FromConn(c).NetConn() },
		"File": func(c net.Conn) {
			if f, err := c.(interface{ File() (*os.File, error) }).File(); err == nil {
				f.Close()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := listen(t, "tcp", Require, nil)
			client, c := s.pair(t)
			send(t, client, lineV1+"hello")
			entry(c)
			if o := <-s.outcomes; o.Result != Used {
				t.Errorf("%+v", o)
			}
			b := make([]byte, 5)
			if _, err := io.ReadFull(c, b); err != nil || string(b) != "hello" {
				t.Errorf("%q, %v", b, err)
			}
			if got := c.LocalAddr().String(); got != "198.51.100.22:443" {
				t.Errorf("local address %s", got)
			}
		})
	}
}

// TestManyAtOnce has several goroutines need the header at the same time.
func TestManyAtOnce(t *testing.T) {
	s := listen(t, "tcp", Require, nil)
	client, c := s.pair(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_ = c.SetReadDeadline(time.Now().Add(far))
			if got := c.RemoteAddr().String(); got != "203.0.113.7:56324" {
				t.Errorf("remote address %s", got)
			}
			_, _ = c.Write([]byte("x"))
		})
	}
	wg.Go(func() {
		for _, b := range []byte(lineV1) {
			_, _ = client.Write([]byte{b})
		}
	})
	wg.Wait()
	if len(s.outcomes) != 1 {
		t.Errorf("%d outcomes", len(s.outcomes))
	}
}

// TestTimeout checks that a deadline of the caller cannot extend the time for
// the header, that it can shorten it, and that it is in force afterwards.
func TestTimeout(t *testing.T) {
	for name, test := range map[string]struct {
		policy   Policy
		timeout  time.Duration
		deadline time.Time
		sent     string
	}{
		"own":                   {Require, time.Millisecond, time.Time{}, ""},
		"caller's is later":     {Require, time.Millisecond, time.Now().Add(far), "PROXY TCP4"},
		"caller's is earlier":   {Require, far, time.Now().Add(time.Millisecond), "PROXY TCP4"},
		"optional, silent":      {Optional, time.Millisecond, time.Time{}, ""},
		"optional, half a word": {Optional, time.Millisecond, time.Time{}, "PRO"},
	} {
		t.Run(name, func(t *testing.T) {
			s := listen(t, "tcp", test.policy, func(l *Listener) { l.Timeout = test.timeout })
			client, c := s.pair(t)
			send(t, client, test.sent)
			_ = c.SetDeadline(test.deadline)
			_, err := c.Read(make([]byte, 1))
			checkRejected(t, c, err, proxyheader.TimeoutIncomplete)
			// What the caller was promised to happen at a timeout happens.
			var timeout net.Error
			if !errors.As(err, &timeout) || !timeout.Timeout() {
				t.Errorf("%v is no timeout", err)
			}
			o := <-s.outcomes
			if o.Probe() != (len(o.Err.Seen) == 0) {
				t.Errorf("probe: %t", o.Probe())
			}
			if b, _ := io.ReadAll(client); len(b) > 0 {
				t.Errorf("the peer was sent %q", b)
			}
		})
	}
}

// TestDeadlines checks which deadline is in force below, before the header came
// and after it.
func TestDeadlines(t *testing.T) {
	const timeout = time.Hour
	for name, caller := range map[string]time.Time{
		"none":    {},
		"earlier": time.Now().Add(timeout / 2),
		"later":   time.Now().Add(timeout * 2),
	} {
		for set, deadline := range map[string]func(net.Conn, time.Time) error{
			"SetDeadline": net.Conn.SetDeadline, "SetReadDeadline": net.Conn.SetReadDeadline,
		} {
			t.Run(name+"/"+set, func(t *testing.T) {
				client, inner := net.Pipe()
				defer client.Close()
				below := &recording{Conn: inner}
				l := &Listener{Timeout: timeout}
				c := newConn(below, l, &Rule{Policy: Require})
				expires := c.(*Conn).expires
				if err := deadline(c, caller); err != nil {
					t.Fatal(err)
				}
				waiting := expires
				if !caller.IsZero() && caller.Before(expires) {
					waiting = caller
				}
				if !below.deadline.Equal(waiting) {
					t.Errorf("while waiting %s, want %s", below.deadline, waiting)
				}
				go func() { _, _ = io.WriteString(client, lineV1) }()
				c.RemoteAddr()
				if len(below.set) < 2 || !below.set[len(below.set)-2].Equal(waiting) {
					t.Errorf("while reading %s, want %s", below.set, waiting)
				}
				if !below.deadline.Equal(caller) {
					t.Errorf("afterwards %s, want %s", below.deadline, caller)
				}
				later := time.Now().Add(timeout * 3)
				if err := deadline(c, later); err != nil || !below.deadline.Equal(later) {
					t.Errorf("set afterwards %s, want %s, %v", below.deadline, later, err)
				}
			})
		}
	}
}

// recording is a connection that knows which read deadlines were set.
type recording struct {
	net.Conn
	deadline time.Time
	set      []time.Time
}

func (r *recording) SetReadDeadline(t time.Time) error {
	r.deadline, r.set = t, append(r.set, t)
	return nil
}

func (r *recording) SetDeadline(t time.Time) error { return r.SetReadDeadline(t) }

func TestCloseEndsWait(t *testing.T) {
	s := listen(t, "tcp", Require, nil)
	_, c := s.pair(t)
	done := make(chan error)
	go func() {
		_, err := c.Read(make([]byte, 1))
		done <- err
	}()
	c.Close()
	if err := <-done; !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v", err)
	}
	if len(s.outcomes) != 0 {
		t.Errorf("%+v is told of the peer", <-s.outcomes)
	}
}

// TestLead checks that bytes read while looking for a header come first, by
// whatever way, and that there is no way around them.
func TestLead(t *testing.T) {
	const sent = "PROPFIND / HTTP/1.1\r\n"
	for _, network := range []string{"tcp", "unix"} {
		s := listen(t, network, Optional, nil)
		start := func() net.Conn {
			client, c := s.pair(t)
			send(t, client, sent[:3])
			// Only a reader that took the first bytes has a lead; one that saw
			// all at once has none. Both have to come out right.
			go func() {
				_, _ = io.WriteString(client, sent[3:])
				_ = client.(interface{ CloseWrite() error }).CloseWrite()
			}()
			return c
		}
		var out strings.Builder
		c := start()
		if n, err := c.(io.WriterTo).WriteTo(&out); err != nil || int(n) != len(sent) || out.String() != sent {
			t.Errorf("%s, WriteTo: %q, %v", network, out.String(), err)
		}
		c = start()
		var b []byte
		for one := make([]byte, 1); ; b = append(b, one...) {
			if _, err := c.Read(one); err != nil {
				break
			}
		}
		if string(b) != sent {
			t.Errorf("%s, Read: %q", network, b)
		}
	}

	// With a lead for certain.
	s := listen(t, "tcp", Optional, nil)
	client, c := s.pair(t)
	send(t, client, "PRO")
	closeWrite(t, client)
	if _, err := c.(syscall.Conn).SyscallConn(); !errors.Is(err, errLead) {
		t.Errorf("SyscallConn: %v", err)
	}
	if FromConn(c).NetConn() != nil {
		t.Error("NetConn leads around it")
	}
	if b, err := io.ReadAll(c); string(b) != "PRO" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	if FromConn(c).NetConn() == nil {
		t.Error("NetConn is closed for good")
	}
}

// TestOffers checks that nothing of what a socket can do is lost.
func TestOffers(t *testing.T) {
	for network, offers := range map[string][]func(c net.Conn) bool{
		"tcp": {
			is[io.ReaderFrom], is[io.WriterTo], is[syscall.Conn],
			is[interface{ CloseWrite() error }], is[interface{ CloseRead() error }],
			is[interface{ SetKeepAlive(bool) error }], is[interface {
				SetKeepAliveConfig(net.KeepAliveConfig) error
			}],
			is[interface{ SetKeepAlivePeriod(time.Duration) error }], is[interface{ SetNoDelay(bool) error }],
			is[interface{ SetLinger(int) error }], is[interface{ SetReadBuffer(int) error }],
			is[interface{ NetConn() net.Conn }],
		},
		"unix": {
			is[io.WriterTo], is[syscall.Conn], is[interface{ CloseWrite() error }], is[interface{ CloseRead() error }],
			is[interface{ NetConn() net.Conn }],
		},
	} {
		s := listen(t, network, Require, nil)
		client, c := s.pair(t)
		for i, offered := range offers {
			if !offered(c) {
				t.Errorf("%s: %d is missing", network, i)
			}
		}
		send(t, client, lineV1)
		closeWrite(t, c)
		if b, err := io.ReadAll(client); err != nil || len(b) > 0 {
			t.Errorf("%s: after CloseWrite the peer reads %q, %v", network, b, err)
		}
		if got := c.RemoteAddr().String(); got != "203.0.113.7:56324" {
			t.Errorf("%s: remote address %s", network, got)
		}
	}
}

func is[T any](c net.Conn) bool { _, ok := c.(T); return ok }

// TestFromConn finds the Conn below wrappers like those of Caddy.
func TestFromConn(t *testing.T) {
	s := listen(t, "tcp", Require, nil)
	_, c := s.pair(t)
	want := FromConn(c)
	for name, test := range map[string]struct{ c, want net.Conn }{
		"TLS":           {tls.Server(c, nil), want},
		"embedding":     {&hidden{c}, want},
		"several":       {&hidden{tls.Server(&hidden{c}, nil)}, want},
		"raw":           {s.dial(t), nil},
		"around itself": {&ring{}, nil},
	} {
		if got := FromConn(test.c); (got == nil) != (test.want == nil) || got != nil && got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if FromConn(nil) != nil {
		t.Error("nil has one")
	}
}

// hiding wraps a listener whose connections hide what they are.
type hiding struct{ net.Listener }

func (h hiding) Accept() (net.Conn, error) {
	c, err := h.Listener.Accept()
	return &hidden{c}, err
}

type hidden struct{ net.Conn }

type ring struct{ net.Conn }

func (r *ring) NetConn() net.Conn { return r }

// readdressing wraps a listener whose connections have another peer.
type readdressing struct {
	net.Listener
	remote net.Addr
}

func (r *readdressing) Accept() (net.Conn, error) {
	c, err := r.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &readdressed{c, r.remote}, nil
}

type readdressed struct {
	net.Conn
	remote net.Addr
}

func (r *readdressed) RemoteAddr() net.Addr { return r.remote }

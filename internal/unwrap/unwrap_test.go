// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package unwrap

import (
	"crypto/tls"
	"net"
	"testing"
	"time"
)

// The shapes of Caddy's wrappers, and some that lead nowhere.
type (
	pointer struct{ net.Conn }
	value   struct{ net.Conn }
	nested  struct{ *pointer }
	deaf    struct{ inner net.Conn }
	named   struct {
		*deaf
		Conn net.Conn
	}
	slice []net.Conn
)

func TestNext(t *testing.T) {
	inner, other := net.Pipe()
	defer inner.Close()
	defer other.Close()
	for name, test := range map[string]struct {
		c, want net.Conn
	}{
		"nothing":                       {nil, nil},
		"pointer to a struct":           {&pointer{inner}, inner},
		"struct":                        {value{inner}, inner},
		"embedded in an unexported one": {nested{&pointer{inner}}, inner},
		"embedded nil pointer":          {nested{nil}, nil},
		"nil pointer":                   {(*pointer)(nil), nil},
		"embedded nil":                  {value{nil}, nil},
		"field that is not embedded":    {named{&deaf{inner}, inner}, nil},
		"other field":                   {&deaf{inner}, nil},
		"no struct":                     {slice{inner}, nil},
		"TLS":                           {tls.Server(inner, nil), inner},
		"pipe":                          {inner, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Next(test.c); got != test.want {
				t.Errorf("%T, want %T", got, test.want)
			}
		})
	}
}

// TestNextRaw ends at the socket.
func TestNextRaw(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := Next(c); got != nil {
		t.Errorf("%T below a socket", got)
	}
}

func (*deaf) Read([]byte) (int, error)         { return 0, nil }
func (*deaf) Write([]byte) (int, error)        { return 0, nil }
func (*deaf) Close() error                     { return nil }
func (*deaf) LocalAddr() net.Addr              { return nil }
func (*deaf) RemoteAddr() net.Addr             { return nil }
func (*deaf) SetDeadline(time.Time) error      { return nil }
func (*deaf) SetReadDeadline(time.Time) error  { return nil }
func (*deaf) SetWriteDeadline(time.Time) error { return nil }

func (slice) Read([]byte) (int, error)         { return 0, nil }
func (slice) Write([]byte) (int, error)        { return 0, nil }
func (slice) Close() error                     { return nil }
func (slice) LocalAddr() net.Addr              { return nil }
func (slice) RemoteAddr() net.Addr             { return nil }
func (slice) SetDeadline(time.Time) error      { return nil }
func (slice) SetReadDeadline(time.Time) error  { return nil }
func (slice) SetWriteDeadline(time.Time) error { return nil }

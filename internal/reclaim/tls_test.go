// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package reclaim

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// TestTLSFields fails when a new Go has its connections made otherwise.
func TestTLSFields(t *testing.T) {
	if !configOf.known || !rawInputOf.known || !inputOf.known || !handOf.known {
		t.Errorf("config %t, rawInput %t, input %t, hand %t", configOf.known, rawInputOf.known, inputOf.known, handOf.known)
	}
}

// TestTLSRests exchanges messages with a connection that rests in between, at every place
// where it may have something unread.
func TestTLSRests(t *testing.T) {
	for name, version := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			gateway, client, wire := connect(t, &tls.Config{MaxVersion: version})
			c := TLS(gateway)
			send := func(p []byte) {
				t.Helper()
				if _, err := client.Write(p); err != nil {
					t.Fatal(err)
				}
			}
			receive := func(want []byte) {
				t.Helper()
				got := make([]byte, len(want))
				if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, want) {
					t.Fatalf("%q and %v, want %q", got, err, want)
				}
			}

			c.Rest()
			if n := held(c); n != 0 {
				t.Errorf("after the handshake: %d bytes", n)
			}
			large := make([]byte, 16<<10)
			_, _ = rand.Read(large)
			send(large)
			receive(large)
			if n := held(c); n < len(large) {
				t.Errorf("after a large record: %d bytes, so there is nothing to free", n)
			}
			c.Rest()
			if n := held(c); n != 0 {
				t.Errorf("after a large record and a rest: %d bytes", n)
			}

			send([]byte("one two"))
			receive([]byte("one"))
			c.Rest()
			receive([]byte(" two"))

			send([]byte("three"))
			send([]byte("four"))
			receive([]byte("three"))
			c.Rest()
			receive([]byte("four"))

			wire.kept = new(bytes.Buffer)
			send([]byte("in pieces"))
			record := wire.kept.Bytes()
			wire.kept = nil
			put := func(p []byte) {
				t.Helper()
				if _, err := wire.Write(p); err != nil {
					t.Fatal(err)
				}
			}
			put(record[:3])
			_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
			if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("%d bytes and %v of the first three bytes of a record", n, err)
			}
			_ = c.SetReadDeadline(time.Time{})
			c.Rest()
			put(record[3:])
			receive([]byte("in pieces"))
		})
	}
}

// TestTLSForgetsConfig sees that a connection that has shaken hands keeps nothing of its config, and
// goes on.
func TestTLSForgetsConfig(t *testing.T) {
	type site struct{ _ [1 << 10]byte }
	gone := make(chan struct{})
	config := func() *tls.Config {
		loaded := new(site)
		runtime.AddCleanup(loaded, func(gone chan struct{}) { close(gone) }, gone)
		return &tls.Config{VerifyConnection: func(tls.ConnectionState) error {
			runtime.KeepAlive(loaded)
			return nil
		}}
	}
	gateway, client, _ := connect(t, config())
	c := TLS(gateway)
	for timeout := time.After(10 * time.Second); ; {
		runtime.GC()
		select {
		case <-gone:
		case <-timeout:
			t.Fatal("the config is still in memory")
		case <-time.After(time.Millisecond):
			continue
		}
		break
	}
	if _, err := client.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "hello" {
		t.Errorf("%q and %v", got, err)
	}
}

// TestTLSRenegotiates sees that a connection that may be asked for another handshake
// keeps the config for that.
func TestTLSRenegotiates(t *testing.T) {
	for renegotiation, want := range map[tls.RenegotiationSupport]bool{
		tls.RenegotiateNever: false, tls.RenegotiateOnceAsClient: true, tls.RenegotiateFreelyAsClient: true,
	} {
		config := &tls.Config{ServerName: "origin.test", Renegotiation: renegotiation}
		gateway, _, _ := connect(t, config)
		TLS(gateway)
		if kept := *configOf.in(gateway) == config; kept != want {
			t.Errorf("%d: kept %t", renegotiation, kept)
		}
	}
}

// tap is a client's socket, whose writes can be kept back.
type tap struct {
	net.Conn
	kept *bytes.Buffer
}

func (t *tap) Write(p []byte) (int, error) {
	if t.kept != nil {
		return t.kept.Write(p)
	}
	return t.Conn.Write(p)
}

// connect returns the two ends of a TLS connection, and what the client's writes to.
func connect(t *testing.T, config *tls.Config) (gateway, client *tls.Conn, wire *tap) {
	t.Helper()
	cert, key := wstest.Certificate(t, "site.test")
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	trust := x509.NewCertPool()
	trust.AppendCertsFromPEM(cert)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	wire = &tap{Conn: conn}
	config.Certificates = []tls.Certificate{pair}
	gateway = tls.Server(accepted, config)
	client = tls.Client(wire, &tls.Config{ServerName: "site.test", RootCAs: trust, DynamicRecordSizingDisabled: true})
	t.Cleanup(func() { gateway.Close(); client.Close() })
	done := make(chan error, 1)
	go func() { done <- gateway.Handshake() }()
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return gateway, client, wire
}

// held is how much memory c has to read into.
func held(c TLSConn) int { return rawInputOf.in(c.Conn).Cap() + handOf.in(c.Conn).Cap() }

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package h2

import (
	"bytes"
	"io"
	"net"
	"testing"
	"testing/iotest"

	"golang.org/x/net/http2"
)

// canned is a connection on which certain bytes come.
type canned struct {
	net.Conn
	io.Reader
}

func (c canned) Read(p []byte) (int, error) { return c.Reader.Read(p) }

func settings(t testing.TB, all ...http2.Setting) []byte {
	var wire bytes.Buffer
	if err := http2.NewFramer(&wire, nil).WriteSettings(all...); err != nil {
		t.Fatal(err)
	}
	return wire.Bytes()
}

// The first SETTINGS are understood in whatever pieces they come; only the size
// of frames is altered, and nothing behind them.
func TestGreeting(t *testing.T) {
	wire := settings(t, http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 7}, http2.Setting{ID: http2.SettingMaxFrameSize, Val: 1 << 20},
		http2.Setting{ID: http2.SettingEnableConnectProtocol, Val: 1})
	again := settings(t, http2.Setting{ID: http2.SettingMaxFrameSize, Val: 1 << 20})
	g := &greeting{said: make(chan struct{}), Conn: canned{Reader: iotest.OneByteReader(bytes.NewReader(append(wire, again...)))}}
	framer := http2.NewFramer(nil, g)
	for i, want := range []uint32{16 << 10, 1 << 20} {
		f, err := framer.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := f.(*http2.SettingsFrame).Value(http2.SettingMaxFrameSize); !ok || got != want {
			t.Errorf("SETTINGS %d: frames of %d, want %d", i, got, want)
		}
		if i == 0 {
			if n, _ := f.(*http2.SettingsFrame).Value(http2.SettingMaxConcurrentStreams); n != 7 || g.declined() {
				t.Errorf("%d streams, offered %t", n, !g.declined())
			}
		}
	}
}

// Whatever comes instead of SETTINGS is handed on as it is.
func FuzzGreeting(f *testing.F) {
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
	f.Add([]byte{})
	f.Add([]byte{0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 8})
	f.Add(settings(f, http2.Setting{ID: http2.SettingEnableConnectProtocol, Val: 1}))
	f.Fuzz(func(t *testing.T, wire []byte) {
		g := &greeting{said: make(chan struct{}), Conn: canned{Reader: bytes.NewReader(wire)}}
		got, err := io.ReadAll(g)
		if err != nil || len(got) != len(wire) {
			t.Fatalf("%d bytes of %d (%v)", len(got), len(wire), err)
		}
		if len(wire) > 3 && wire[3] != typeSettings && !bytes.Equal(got, wire) {
			t.Error("altered what are no SETTINGS")
		}
	})
}

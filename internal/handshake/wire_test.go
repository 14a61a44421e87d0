// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package handshake

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/iotest"
)

func TestRequestAppend(t *testing.T) {
	q := Request{
		Target: "/chat?room=1", Host: "example.com", Key: sampleKey,
		Header: http.Header{
			"Sec-Websocket-Protocol": {"chat", "superchat"},
			"Sec-Websocket-Key":      {"someone else's"},
			"Connection":             {"close"},
			"Content-Length":         {"5"},
			"Cookie":                 {"a=b\r\nX-Injected: 1"},
		},
	}
	got, err := q.Append([]byte("PREFIX "))
	want := "PREFIX GET /chat?room=1 HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + sampleKey + "\r\n" +
		"Cookie: a=b  X-Injected: 1\r\nSec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: superchat\r\n\r\n"
	if err != nil || string(got) != want {
		t.Errorf("got %q (%v)\nwant %q", got, err, want)
	}
}

func TestRequestThatCannotBeSent(t *testing.T) {
	tests := map[string]Request{
		"target with a space": {Target: "/a b", Host: "h"},
		"target with a break": {Target: "/a\r\nX: y", Host: "h"},
		"absolute target":     {Target: "http://h/", Host: "h"},
		"host with a break":   {Target: "/", Host: "h\r\nX: y"},
		"name with a colon":   {Target: "/", Host: "h", Header: http.Header{"X: y": {"z"}}},
	}
	for name, q := range tests {
		t.Run(name, func(t *testing.T) {
			if got, err := q.Append(nil); err == nil {
				t.Errorf("got %q", got)
			}
		})
	}
}

const switched = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: keep-alive, upgrade\r\n" +
	"Sec-WebSocket-Accept: " + sampleAccept + "\r\n\r\n"

func TestResponse(t *testing.T) {
	huge := "X-Huge: " + strings.Repeat("x", 64<<10) + "\r\n"
	tests := []struct {
		name, wire string
		status     int
		want       error
	}{
		{"switched", switched, 101, nil},
		{"after interim answers", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + switched, 101, nil},
		{"refused", "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", 403, nil},
		{"64 KB of fields", "HTTP/1.1 101 Switching Protocols\r\n" + huge + "\r\n", 0, ErrHeadTooLarge},
		{"64 KB of interim answers", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 3000), 0, ErrHeadTooLarge},
		{"nothing", "", 0, ErrHungUp},
		{"half a head", switched[:40], 0, ErrHungUp},
		{"no HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\nmore of it", 0, ErrMalformed},
		{"bad field", "HTTP/1.1 101 Switching Protocols\r\nno colon\r\n\r\nmore", 0, ErrMalformed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, read := range []func(io.Reader) io.Reader{
				func(r io.Reader) io.Reader { return r }, iotest.OneByteReader, iotest.DataErrReader,
			} {
				resp, err := NewReader(read(strings.NewReader(test.wire))).Response()
				if !errors.Is(err, test.want) || err == nil && resp.StatusCode != test.status {
					t.Errorf("got %v (%v), want %d (%v)", resp, err, test.status, test.want)
				}
			}
		})
	}
}

// What the connection fails with is what counts: a timeout must be told from
// an origin that sends nonsense.
func TestResponseOfFailingConnection(t *testing.T) {
	wire := io.MultiReader(strings.NewReader(switched[:40]), iotest.ErrReader(os.ErrDeadlineExceeded))
	if _, err := NewReader(wire).Response(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestEarly(t *testing.T) {
	r := NewReader(strings.NewReader(switched + "\x81\x02hi"))
	if _, err := r.Response(); err != nil {
		t.Fatal(err)
	}
	if got := r.Early(); string(got) != "\x81\x02hi" {
		t.Errorf("got %q", got)
	}
}

// A body is not part of the head, however long it is.
func TestBodyHasNoLimit(t *testing.T) {
	r := NewReader(strings.NewReader("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 100000)))
	resp, err := r.Response()
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(resp.Body); err != nil || len(body) != 100000 {
		t.Errorf("%d bytes (%v)", len(body), err)
	}
}

func TestCheckSwitch(t *testing.T) {
	tests := []struct {
		name, change, to string
		want             error
	}{
		{"good", "", "", nil},
		{"no Upgrade", "Upgrade: WebSocket\r\n", "", ErrUpgrade},
		{"another protocol", "WebSocket\r", "h2c\r", ErrUpgrade},
		{"another one, too", "WebSocket\r", "websocket, h2c\r", ErrUpgrade},
		{"two Upgrades", "\r\n\r\n", "\r\nUpgrade: websocket\r\n\r\n", ErrUpgrade},
		{"no Connection", "Connection: keep-alive, upgrade\r\n", "", ErrConnection},
		{"another Connection", "keep-alive, upgrade", "keep-alive", ErrConnection},
		{"wrong accept", sampleAccept, "AAAAAAAAAAAAAAAAAAAAAAAAAAA=", ErrAccept},
		{"no accept", "Sec-WebSocket-Accept: " + sampleAccept + "\r\n", "", ErrAccept},
		{"two accepts", "\r\n\r\n", "\r\nSec-WebSocket-Accept: " + sampleAccept + "\r\n\r\n", ErrAccept},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			resp, err := NewReader(strings.NewReader(strings.Replace(switched, test.change, test.to, 1))).Response()
			if err != nil {
				t.Fatal(err)
			}
			if err := CheckSwitch(resp, sampleKey); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

// FuzzResponse: whatever an origin sends, an accepted switch is one that says
// so, and what follows its head is kept.
func FuzzResponse(f *testing.F) {
	f.Add([]byte(switched + "\x81\x02hi"))
	f.Add([]byte("HTTP/1.1 100 Continue\r\n\r\n" + switched))
	f.Add([]byte("HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n"))
	f.Add([]byte(strings.Replace(switched, "\r\n", "\n", -1)))
	f.Fuzz(func(t *testing.T, wire []byte) {
		r := NewReader(bytes.NewReader(wire))
		resp, err := r.Response()
		if err != nil {
			return
		}
		if resp.StatusCode == http.StatusSwitchingProtocols && CheckSwitch(resp, sampleKey) == nil {
			if !bytes.Contains(wire, []byte(sampleAccept)) || !bytes.HasSuffix(wire, r.Early()) {
				t.Errorf("accepted %q", wire)
			}
		}
	})
}

// FuzzRequest: a request that is sent can be read, and is the one meant.
func FuzzRequest(f *testing.F) {
	f.Add("/chat?x=1", "example.com", "X-Name", "value")
	f.Add("/\r\n", "a b", "Host", "\r\nX: y")
	f.Fuzz(func(t *testing.T, target, host, name, value string) {
		q := Request{Target: target, Host: host, Key: sampleKey, Header: http.Header{name: {value}}}
		wire, err := q.Append(nil)
		if err != nil {
			return
		}
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(wire)))
		if err != nil {
			return // net/http is stricter about some targets, hosts and values
		}
		if r.RequestURI != target || len(r.Header) > 5 || len(r.Header["Sec-Websocket-Key"]) != 1 {
			t.Errorf("sent %q, read %+v", wire, r)
		}
	})
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package handshake

import (
	"bufio"
	"errors"
	"net/http"
	"strings"
	"testing"
)

const (
	sampleKey    = "dGhlIHNhbXBsZSBub25jZQ==" // RFC 6455 section 1.3
	sampleAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
)

func TestAccept(t *testing.T) {
	if got := Accept(sampleKey); got != sampleAccept {
		t.Errorf("got %s, want %s", got, sampleAccept)
	}
}

func TestNewKey(t *testing.T) {
	a, b := NewKey(), NewKey()
	if !validKey([]string{a}) || !validKey([]string{b}) || a == b {
		t.Errorf("keys %q and %q", a, b)
	}
}

func TestCheckRequest(t *testing.T) {
	tests := []struct {
		name, change, to string
		want             error
	}{
		{"good", "", "", nil},
		{"POST", "GET", "POST", ErrMethod},
		{"body", "\r\n\r\n", "\r\nContent-Length: 1\r\n\r\nx", ErrBody},
		{"chunked body", "\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ErrBody},
		{"no version", "Sec-WebSocket-Version: 13\r\n", "", ErrVersion},
		{"version 8", "Version: 13", "Version: 8", ErrVersion},
		{"version list", "Version: 13", "Version: 13, 8", ErrVersion},
		{"two versions", "Version: 13\r\n", "Version: 13\r\nSec-WebSocket-Version: 13\r\n", ErrVersion},
		{"no key", "Sec-WebSocket-Key: " + sampleKey + "\r\n", "", ErrKey},
		{"two keys", "\r\n\r\n", "\r\nSec-WebSocket-Key: " + sampleKey + "\r\n\r\n", ErrKey},
		{"short key", sampleKey, "c2hvcnQ=", ErrKey},
		{"long key", sampleKey, "bG9uZ2VyIHRoYW4gc2l4dGVlbg==", ErrKey},
		{"no base64", sampleKey, strings.Repeat("!", 22) + "==", ErrKey},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			raw := "GET /chat HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
				"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + sampleKey + "\r\n\r\n"
			r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.Replace(raw, test.change, test.to, 1))))
			if err != nil {
				t.Fatal(err)
			}
			if err := CheckRequest(r); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

// A stream has no key, and its body is the tunnel.
func TestCheckRequestOfStream(t *testing.T) {
	r := &http.Request{
		Method: http.MethodConnect, ProtoMajor: 2, ContentLength: -1,
		Header: http.Header{"Sec-Websocket-Version": {"13"}},
	}
	if err := CheckRequest(r); err != nil {
		t.Error(err)
	}
}

func TestRemoveHopByHop(t *testing.T) {
	h := http.Header{
		"Connection": {"Upgrade, X-Private", "x-other"}, "Upgrade": {"websocket"}, "X-Private": {"1"}, "X-Other": {"1"},
		"Keep-Alive": {"timeout=5"}, "Te": {"trailers"}, "Proxy-Authorization": {"Basic x"}, "Cookie": {"a=b"},
	}
	RemoveHopByHop(h)
	if len(h) != 1 || h.Get("Cookie") != "a=b" {
		t.Errorf("left %v", h)
	}
}

func TestUseWireNames(t *testing.T) {
	h := http.Header{"Sec-Websocket-Accept": {"a"}, "sec-websocket-protocol": {"p"}, "Set-Cookie": {"c"}}
	UseWireNames(h)
	for _, name := range []string{"Sec-WebSocket-Accept", "Sec-WebSocket-protocol", "Set-Cookie"} {
		if len(h[name]) != 1 {
			t.Errorf("no %s in %v", name, h)
		}
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package handshake

import (
	"net/http"
	"strings"
	"testing"
)

// BenchmarkHandshake takes what a browser sends from the client to the origin, and the
// origin's answer.
func BenchmarkHandshake(b *testing.B) {
	client := &http.Request{Method: http.MethodGet, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{
		"Connection":               {"Upgrade"},
		"Upgrade":                  {"websocket"},
		"Origin":                   {"https://www.example.com"},
		"User-Agent":               {"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"},
		"Cookie":                   {"session=0123456789abcdef0123456789abcdef"},
		"Accept-Encoding":          {"gzip, deflate, br, zstd"},
		"Accept-Language":          {"en-GB,en;q=0.9"},
		"Sec-Websocket-Version":    {Version},
		"Sec-Websocket-Key":        {sampleKey},
		"Sec-Websocket-Extensions": {"permessage-deflate; client_max_window_bits"},
	}}
	b.Run("check request", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := CheckRequest(client); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("append request", func(b *testing.B) {
		request := Request{Target: "/chat?room=1", Host: "www.example.com", Key: sampleKey, Header: client.Header}
		var wire []byte
		b.ReportAllocs()
		for b.Loop() {
			var err error
			if wire, err = request.Append(wire[:0]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read and check answer", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			reader := NewReader(strings.NewReader(switched))
			resp, err := reader.Response()
			if err == nil {
				err = CheckSwitch(resp, sampleKey)
			}
			if err != nil {
				b.Fatal(err)
			}
			reader.Early()
		}
	})
}

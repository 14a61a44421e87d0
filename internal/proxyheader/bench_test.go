// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package proxyheader

import "testing"

func BenchmarkDecode(b *testing.B) {
	for _, name := range []string{"v1-tcp4-spec-example", "v1-tcp6-max-104", "sender-haproxy-v2-crc-uniqueid", "v2-tcp6", "sender-aws-nlb-vpce-example"} {
		for _, v := range loadVectors(b) {
			if v.Name != name {
				continue
			}
			header := v.bytes(b)
			b.Run(name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, _, err := (Options{}).Decode(header); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, v := range loadVectors(b) {
		if v.Name != "sender-aws-nlb-vpce-example" {
			continue
		}
		h, _, err := Options{}.Decode(v.bytes(b))
		if err != nil {
			b.Fatal(err)
		}
		var buf []byte
		b.ReportAllocs()
		for b.Loop() {
			if buf, err = h.Append(buf[:0]); err != nil {
				b.Fatal(err)
			}
		}
	}
}

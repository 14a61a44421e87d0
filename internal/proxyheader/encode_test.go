// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package proxyheader

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

// TestAppendGolden compares with headers that the senders named put on the
// wire.
func TestAppendGolden(t *testing.T) {
	loopback := func(port uint16) netip.AddrPort { return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port) }
	ssl := &SSL{Client: SSLUsed, Version: "TLSv1.3"}
	for name, test := range map[string]struct {
		h    Header
		want string
	}{
		"specification 2.1": {
			Header{Version: 1, Command: Proxy, Source: netip.MustParseAddrPort("192.168.0.1:56324"), Destination: netip.MustParseAddrPort("192.168.0.11:443")},
			hex.EncodeToString([]byte("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n")),
		},
		"haproxy, send-proxy": {
			Header{Version: 1, Command: Proxy, Source: loopback(44532), Destination: loopback(18101)},
			"50524f58592054435034203132372e302e302e31203132372e302e302e312034343533322031383130310d0a",
		},
		"haproxy, send-proxy, unix client": {
			Header{Version: 1, Command: Proxy},
			"50524f585920554e4b4e4f574e0d0a",
		},
		"version 1, local": {
			Header{Version: 1, Command: Local, Source: loopback(1), Destination: loopback(2)},
			"50524f585920554e4b4e4f574e0d0a",
		},
		"version 1, mixed": {
			Header{Version: 1, Command: Proxy, Source: netip.MustParseAddrPort("203.0.113.7:1000"), Destination: netip.MustParseAddrPort("[fe80::1%eth0]:443")},
			hex.EncodeToString([]byte("PROXY TCP6 ::ffff:203.0.113.7 fe80::1 1000 443\r\n")),
		},
		"haproxy, send-proxy-v2": {
			Header{Version: 2, Command: Proxy, Source: loopback(0xa752), Destination: loopback(0x46b8)},
			signatureHex + "2111000c7f0000017f000001a75246b8",
		},
		"haproxy, unix client": {
			Header{Version: 2, Command: Proxy},
			signatureHex + "20000000",
		},
		"haproxy, crc32c": {
			Header{Version: 2, Command: Proxy, Source: loopback(0xe2de), Destination: loopback(0x46bb), TLVs: TLVs{}.AppendChecksum()},
			signatureHex + "211100137f0000017f000001e2de46bb0300044e23c50f",
		},
		"haproxy, crc32c, unique-id": {
			Header{Version: 2, Command: Proxy, Source: loopback(0xac0a), Destination: loopback(0x46bc), TLVs: TLVs{}.AppendChecksum().Append(UniqueID, []byte("pp--0123456789abcdef"))},
			signatureHex + "2111002a7f0000017f000001ac0a46bc03000442cd2c9505001470702d2d30313233343536373839616263646566",
		},
		"haproxy, TLS client": {
			Header{Version: 2, Command: Proxy, Source: loopback(0xbe86), Destination: loopback(0x46be), TLVs: TLVs{}.Append(SSLInfo, ssl.Append(nil))},
			signatureHex + "2111001e7f0000017f000001be8646be20000f0100000000210007544c5376312e33",
		},
		"haproxy, check with crc32c; nginx, unix client": {
			Header{Version: 2, Command: Local, TLVs: TLVs{}.AppendChecksum()},
			signatureHex + "20000007030004a9b87e8f",
		},
		"nginx, stream": {
			Header{Version: 2, Command: Proxy, Source: loopback(0xbdfc), Destination: loopback(0x4723), TLVs: TLVs{}.AppendChecksum()},
			signatureHex + "211100137f0000017f000001bdfc4723030004adf7d49b",
		},
		"version 2, mixed": {
			Header{Version: 2, Command: Proxy, Source: netip.MustParseAddrPort("203.0.113.7:56324"), Destination: netip.MustParseAddrPort("[2001:db8::2]:443")},
			signatureHex + "2121002400000000000000000000ffffcb00710720010db8000000000000000000000002dc0401bb",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := test.h.Append([]byte("before"))
			if err != nil {
				t.Fatal(err)
			}
			if got := hex.EncodeToString(got[len("before"):]); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// TestAppendRoundTrip encodes what was decoded from every accepted vector. The
// checksum of a header passed on is a new one.
func TestAppendRoundTrip(t *testing.T) {
	for _, v := range loadVectors(t) {
		if !v.Expect.Accept {
			continue
		}
		h, _, err := Options{}.Decode(v.bytes(t))
		if err != nil {
			t.Fatal(err)
		}
		b, err := h.Append(nil)
		if badForSending := strings.Contains(v.Name, "not-utf8") || strings.Contains(v.Name, "4-bytes") || strings.Contains(v.Name, "bad-subtlv"); badForSending {
			if err == nil || len(b) > 0 {
				t.Errorf("%s: sent as %x", v.Name, b)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", v.Name, err)
		}
		again, n, err := Options{MaxSize: MaxSizeV2}.Decode(append(b, payload...))
		if err != nil || n != len(b) {
			t.Fatalf("%s: %d of %d bytes, %v", v.Name, n, len(b), err)
		}
		if !h.HasAddresses() {
			h.Family = Unspec // nothing is claimed for what HTTP cannot use
			if h.Version == 2 {
				h.Command = Local
			}
		}
		if h.HasAddresses() && h.Source.Addr().Is4() && h.Destination.Addr().Is4() {
			h.Family = TCP4 // from ::ffff: on both sides
		}
		h.TLVs, again.TLVs = withoutChecksum(h.TLVs), withoutChecksum(again.TLVs)
		if !reflect.DeepEqual(again, h) {
			t.Errorf("%s: %+v became %+v", v.Name, h, again)
		}
	}
}

func TestAppendErrors(t *testing.T) {
	for name, h := range map[string]Header{
		"version 3":          {Version: 3},
		"TLVs in version 1":  {Version: 1, TLVs: TLVs{}.Append(NoOp, nil)},
		"unique id of 129":   {Version: 2, TLVs: TLVs{}.Append(UniqueID, make([]byte, 129))},
		"not UTF-8":          {Version: 2, TLVs: TLVs{}.Append(Authority, []byte("\xff"))},
		"SSL of 4 bytes":     {Version: 2, TLVs: TLVs{}.Append(SSLInfo, make([]byte, 4))},
		"two checksums":      {Version: 2, TLVs: TLVs{}.AppendChecksum().AppendChecksum()},
		"broken list":        {Version: 2, TLVs: TLVs{1, 2}},
		"value over 65535":   {Version: 2, TLVs: TLVs{}.Append(NoOp, make([]byte, 65536))},
		"header over 65551":  {Version: 2, TLVs: TLVs{}.Append(NoOp, make([]byte, 65533))},
		"TLVs with the most": {Version: 2, Command: Proxy, Source: netip.MustParseAddrPort("1.2.3.4:5"), Destination: netip.MustParseAddrPort("1.2.3.4:5"), TLVs: TLVs{}.Append(NoOp, make([]byte, 65532))},
	} {
		if b, err := h.Append([]byte("x")); err == nil || string(b) != "x" {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
	}
	h := Header{Version: 2, TLVs: TLVs{}.Append(NoOp, make([]byte, 65532))}
	if b, err := h.Append(nil); err != nil || len(b) != MaxSizeV2 {
		t.Errorf("%d bytes, %v; want %d", len(b), err, MaxSizeV2)
	}
}

func TestSSLRoundTrip(t *testing.T) {
	s := &SSL{
		Client: SSLUsed | SSLCertConn, Verify: 18,
		Version: "TLSv1.3", CommonName: "ü.example", Cipher: "c", SigAlg: "s", KeyAlg: "k", Group: "g", SigScheme: "ss",
		ClientCert: []byte{0x30, 0x82, 0},
	}
	value := s.Append(nil)
	again, err := ParseSSL(value)
	if err != nil || !reflect.DeepEqual(again, s) {
		t.Errorf("%+v, %v", again, err)
	}
	// Whatever is cut off, no part of a fact may remain.
	for n := range value {
		if cut, err := ParseSSL(value[:n]); err == nil && !bytes.HasPrefix(value, cut.Append(nil)) {
			t.Errorf("%d bytes: %+v", n, cut)
		}
	}
	if _, err := ParseSSL(TLVs{0, 0, 0, 0, 0}.Append(sslCommonName, []byte("a\x00b"))); err == nil {
		t.Error("a name with a NUL in it was accepted")
	}
}

func withoutChecksum(t TLVs) TLVs {
	var out TLVs
	for typ, value := range t.All() {
		if typ != CRC32C {
			out = out.Append(typ, value)
		}
	}
	return out
}

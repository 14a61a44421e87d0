// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package proxyheader

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

// signatureHex begins the version 2 headers of these tests.
const signatureHex = "0d0a0d0a000d0a515549540a"

func TestDecodeReasons(t *testing.T) {
	const addresses = "cb007107c6336416dc0401bb"
	for name, test := range map[string]struct {
		hex    string
		reason Reason
	}{
		"command 2":                {"2211000c" + addresses, V2BadCommand},
		"transport 3":              {"2113000c" + addresses, V2BadTransport},
		"family 4":                 {"2141000c" + addresses, V2BadFamily},
		"unix, short":              {"213100d7" + strings.Repeat("00", 215), V2ShortLength},
		"udp4":                     {"2112000c" + addresses, ""},
		"udp4, short":              {"2112000b" + addresses[2:], V2ShortLength},
		"local, undefined bytes":   {"20ff0000", ""},
		"one stray byte":           {"2111000d" + addresses + "04", TLVTruncated},
		"two stray bytes":          {"2111000e" + addresses + "0400", TLVTruncated},
		"value past the end":       {"21110010" + addresses + "04000200", TLVTruncated},
		"checksum of 3 bytes":      {"21110012" + addresses + "030003000000", CRCBadLength},
		"checksum twice":           {"2111001a" + addresses + "0300040000000003000400000000", CRCDuplicate},
		"wrong checksum, unspec":   {"21000007" + "03000400000000", CRCMismatch},
		"truncated before bad crc": {"21110014" + addresses + "0300040000000004", TLVTruncated},
		"unique id of 129":         {"21110090" + addresses + "050081" + strings.Repeat("61", 129), UniqueIDTooLong},
		"local, bad TLV rules":     {"20000006" + "030003000000", ""},
		"local, crc then garbage":  {"20000008" + "0300040000000004", ""},
		"proxy unspec, garbage":    {"21000003" + "ffffff", ""},
		"unspec transport, TLV":    {"21100010" + addresses + "04000100", ""},
		"unspec transport, short":  {"2110000b" + addresses[2:], V2ShortLength},
	} {
		t.Run(name, func(t *testing.T) {
			h, _, err := Options{}.Decode(unhex(t, signatureHex+test.hex))
			var rejection *Error
			switch {
			case test.reason == "" && (err != nil || h.HasAddresses()):
				t.Errorf("%+v, %v, want real endpoints", h, err)
			case test.reason != "" && (!errors.As(err, &rejection) || rejection.Reason != test.reason):
				t.Errorf("%v, want %s", err, test.reason)
			}
		})
	}
}

func TestDecodeV1Reasons(t *testing.T) {
	for line, reason := range map[string]Reason{
		"proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n":                NoSignature,
		"PROXY\tTCP4 1.2.3.4 5.6.7.8 1 2\r\n":               V1BadSyntax,
		"PROXY TCP4\t1.2.3.4 5.6.7.8 1 2\r\n":               V1BadProto,
		"PROXY TCP4\r\n":                                    V1BadSyntax,
		"PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n":                V1BadProto,
		"PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n":                  V1BadAddress,
		"PROXY TCP4 1.2.3.256 5.6.7.8 1 2\r\n":              V1BadAddress,
		"PROXY TCP4 1.2.3.4  5.6.7.8 1\r\n":                 V1BadAddress,
		"PROXY TCP4 2001:db8::1 5.6.7.8 1 2\r\n":            V1BadAddress,
		"PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n":                V1BadAddress,
		"PROXY TCP6 [::1] ::1 1 2\r\n":                      V1BadAddress,
		"PROXY TCP6 1:2:3:4:5:6:7:8:9 ::1 1 2\r\n":          V1BadAddress,
		"PROXY TCP6 1::2::3 ::1 1 2\r\n":                    V1BadAddress,
		"PROXY TCP6 12345::1 ::1 1 2\r\n":                   V1BadAddress,
		"PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n":               V1BadPort,
		"PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n":            V1BadPort,
		"PROXY TCP4 1.2.3.4 5.6.7.8 1 -1\r\n":               V1BadPort,
		"PROXY TCP4 1.2.3.4 5.6.7.8 1 4294967739\r\n":       V1BadPort,
		"PROXY TCP4 1.2.3.4 5.6.7.8 1 \r\n":                 V1BadPort,
		"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r \n":               V1BadTerminator,
		"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\r\n":              V1BadTerminator,
		"PROXY UNKNOWN \r x\r\n":                            V1BadTerminator,
		"PROXY UNKNOWN " + strings.Repeat("a", 91) + "\r\n": "",
		"PROXY UNKNOWN " + strings.Repeat("a", 92) + "\r\n": V1TooLong,
		"PROXY UNKNOWN \r\n":                                "",
	} {
		_, n, err := Options{}.Decode([]byte(line))
		var rejection *Error
		switch {
		case reason == "" && (err != nil || n != len(line)):
			t.Errorf("%q: %d bytes, %v", line, n, err)
		case reason != "" && (!errors.As(err, &rejection) || rejection.Reason != reason):
			t.Errorf("%q: %v, want %s", line, err, reason)
		}
	}
}

func TestTLVFacts(t *testing.T) {
	facts := map[string]string{}
	for _, v := range loadVectors(t) {
		if !v.Expect.Accept {
			continue
		}
		h, _, err := Options{}.Decode(v.bytes(t))
		if err != nil {
			t.Fatal(err)
		}
		if id, ok := h.TLVs.AWSVPCEndpointID(); ok {
			facts[v.Name] = id
		}
		if id, ok := h.TLVs.AzureLinkID(); ok && id == 0x2000001a {
			facts[v.Name] = "link"
		}
		if id, ok := h.TLVs.GCPPSCConnectionID(); ok && id == 0xffffffffc0a86402 {
			facts[v.Name] = "psc"
		}
		if name, ok := h.TLVs.Text(Authority); ok && len(name) < 20 {
			facts[v.Name] = name
		}
		if s, ok := h.TLVs.SSL(); ok {
			facts[v.Name] = strings.Join([]string{s.Version, s.CommonName, s.Cipher, s.SigAlg, s.KeyAlg, s.Group, s.SigScheme}, ",")
			if s.Verified() {
				facts[v.Name] += " verified"
			}
			if n := len(s.ClientCert); n > 0 && n != 1500 {
				t.Errorf("%s: certificate of %d bytes", v.Name, n)
			}
		}
	}
	want := map[string]string{
		"sender-aws-nlb-vpce-example": "vpce-08d2bf15fac5001c9",
		"sender-aws-nlb-vpce-capture": "vpce-00eafc458ec97b833",
		"sender-azure-private-link":   "link",
		"sender-gcp-psc":              "psc",
		"v2-tlv-authority-empty":      "",
		"v2-then-tlv-after-end":       "12345",
		"v2-tlv-authority-twice":      "one.test",
		"v2-tlv-noop-pad-mid":         "pp.example.test",
		"v2-tlv-bytewise":             "pp.example.test",
		"v2-tlv-ssl-full-with-crc": "TLSv1.3,client.example.test,TLS_AES_256_GCM_SHA384,RSA-SHA256,RSA2048," +
			"X25519,rsa_pss_rsae_sha256 verified",
		"v2-tlv-ssl-verify-failed":    "TLSv1.2,,,,,,",
		"v2-tlv-ssl-client-cert-1500": "TLSv1.3,,,,,, verified",
	}
	if !reflect.DeepEqual(facts, want) {
		t.Errorf("got  %q\nwant %q", facts, want)
	}
}

func TestText(t *testing.T) {
	for value, want := range map[string]bool{
		"": true, "straße.example": true, "\xff\xfe": false, "a\x00b": false, "a\r\nb": false, "\u0085": false,
	} {
		if _, ok := Text([]byte(value)); ok != want {
			t.Errorf("%q: %t", value, ok)
		}
	}
}

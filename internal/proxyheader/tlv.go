// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package proxyheader

import (
	"encoding/binary"
	"hash/crc32"
	"iter"
	"unicode"
	"unicode/utf8"
)

// TLVs is a list of type-length-value vectors in wire form (2.2): one type
// byte, two length bytes in network order, the value. Kept like this, the
// extensions of a connection cost their own length and nothing more.
type TLVs []byte

// Type is the type byte of a TLV.
type Type byte

// The types of sections 2.2.1 to 2.2.7 that stand in a header itself.
const (
	ALPN      Type = 0x01
	Authority Type = 0x02
	CRC32C    Type = 0x03
	NoOp      Type = 0x04
	UniqueID  Type = 0x05
	SSLInfo   Type = 0x20
	NetNS     Type = 0x30
)

// maxUniqueID is the limit of section 2.2.5.
const maxUniqueID = 128

const tlvFixed = 1 + 2

// All returns the TLVs in the order in which they were sent, repeated ones
// and padding too. The values are not copies.
func (t TLVs) All() iter.Seq2[Type, []byte] {
	return func(yield func(Type, []byte) bool) {
		for {
			typ, value, rest, ok := t.next()
			if !ok || !yield(typ, value) {
				return
			}
			t = rest
		}
	}
}

// Get returns the value of the first TLV of a type. The specification does
// not speak of repeated ones.
func (t TLVs) Get(typ Type) (value []byte, ok bool) {
	for got, value := range t.All() {
		if got == typ {
			return value, true
		}
	}
	return nil, false
}

// Text returns the first TLV of a type if it is text: valid UTF-8 without
// control characters. Anything else must not pass for a name somewhere
// downstream (CVE-2024-23324 in Envoy).
func (t TLVs) Text(typ Type) (string, bool) {
	value, ok := t.Get(typ)
	if !ok {
		return "", false
	}
	return Text(value)
}

// Append appends a TLV and returns the longer list, as append does. A value
// that the length field cannot express makes the header unencodable.
func (t TLVs) Append(typ Type, value []byte) TLVs {
	t = append(t, byte(typ))
	t = binary.BigEndian.AppendUint16(t, uint16(min(len(value), 0xffff)))
	return append(t, value...)
}

// AppendChecksum appends room for a checksum. Header.Append fills it in.
func (t TLVs) AppendChecksum() TLVs { return t.Append(CRC32C, make([]byte, 4)) }

func (t TLVs) next() (typ Type, value []byte, rest TLVs, ok bool) {
	if len(t) < tlvFixed {
		return 0, nil, nil, false
	}
	end := tlvFixed + int(binary.BigEndian.Uint16(t[1:]))
	if len(t) < end {
		return 0, nil, nil, false
	}
	return Type(t[0]), t[tlvFixed:end:end], t[end:], true
}

// Text returns value as a string if it is valid UTF-8 without control
// characters.
func Text(value []byte) (string, bool) {
	if !utf8.Valid(value) {
		return "", false
	}
	s := string(value)
	for _, r := range s {
		if unicode.IsControl(r) {
			return "", false
		}
	}
	return s, true
}

// checkTLVs checks the TLVs that begin at an offset into header, checksum
// included.
func checkTLVs(header []byte, offset int) Reason {
	checksum, reason := scanTLVs(header, offset)
	if reason == "" && checksum != 0 &&
		binary.BigEndian.Uint32(header[checksum:]) != checksumOf(header, checksum) {
		return CRCMismatch
	}
	return reason
}

// scanTLVs checks the framing of the TLVs that begin at an offset into header,
// and the rules for single ones. It returns the offset of the checksum's value,
// 0 if there is none.
func scanTLVs(header []byte, offset int) (checksum int, reason Reason) {
	for t := TLVs(header[offset:]); len(t) > 0; {
		typ, value, rest, ok := t.next()
		switch {
		case !ok:
			return 0, TLVTruncated // before anything that was found further up
		case reason != "":
		case typ == UniqueID && len(value) > maxUniqueID:
			reason = UniqueIDTooLong
		case typ == CRC32C && checksum != 0:
			reason = CRCDuplicate
		case typ == CRC32C && len(value) != 4:
			reason = CRCBadLength
		case typ == CRC32C:
			checksum = len(header) - len(rest) - len(value)
		}
		t = rest
	}
	return checksum, reason
}

// checksumOf computes the checksum of header as if the four bytes at offset,
// which hold it, were zero (2.2.3).
func checksumOf(header []byte, offset int) uint32 {
	var zero [4]byte
	sum := crc32.Update(0, castagnoli, header[:offset])
	sum = crc32.Update(sum, castagnoli, zero[:])
	return crc32.Update(sum, castagnoli, header[offset+4:])
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

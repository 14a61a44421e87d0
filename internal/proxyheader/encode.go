// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package proxyheader

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"unicode/utf8"
)

// Append appends h as it goes over the wire. What it returns is to be sent in
// one write, before anything else, on a connection that is used for this
// client alone (2).
//
// A pair of one IPv4 and one IPv6 address is sent as IPv6 with the former
// mapped; of a pair that is not known on both sides, nothing is claimed:
// UNKNOWN in version 1, LOCAL in version 2. A checksum among the TLVs is
// computed last, over the whole header, also where it was received with
// another one. Errors: a version other than 1 and 2, TLVs in version 1, TLVs
// that section 2.2 forbids, more than MaxSizeV2 bytes.
func (h *Header) Append(dst []byte) ([]byte, error) {
	switch h.Version {
	case 1:
		return h.appendV1(dst)
	case 2:
		return h.appendV2(dst)
	}
	return dst, fmt.Errorf("PROXY protocol has no version %d", h.Version)
}

func (h *Header) appendV1(dst []byte) ([]byte, error) {
	if len(h.TLVs) > 0 {
		return dst, errors.New("PROXY protocol version 1 has no TLVs")
	}
	family, src, dest := h.endpoints()
	if family == Unspec {
		return append(dst, "PROXY UNKNOWN\r\n"...), nil
	}
	dst = append(dst, "PROXY "+family.String()+" "...)
	dst = append(src.Addr().AppendTo(dst), ' ')
	dst = append(dest.Addr().AppendTo(dst), ' ')
	dst = append(strconv.AppendUint(dst, uint64(src.Port()), 10), ' ')
	dst = strconv.AppendUint(dst, uint64(dest.Port()), 10)
	return append(dst, "\r\n"...), nil
}

func (h *Header) appendV2(dst []byte) ([]byte, error) {
	start := len(dst)
	family, src, dest := h.endpoints()
	command := Proxy
	if family == Unspec {
		command = Local
	}
	length := family.addressSize() + len(h.TLVs)
	if length > MaxSizeV2-v2Fixed {
		return dst, fmt.Errorf("PROXY header of %d bytes, the most is %d", v2Fixed+length, MaxSizeV2)
	}

	out := append(dst, v2Signature...)
	out = append(out, 2<<4|byte(command), byte(family))
	out = binary.BigEndian.AppendUint16(out, uint16(length))
	if family != Unspec {
		out = append(out, src.Addr().AsSlice()...)
		out = append(out, dest.Addr().AsSlice()...)
		out = binary.BigEndian.AppendUint16(out, src.Port())
		out = binary.BigEndian.AppendUint16(out, dest.Port())
	}
	out = append(out, h.TLVs...)
	if err := finishTLVs(out[start:], len(out)-start-len(h.TLVs)); err != nil {
		return dst, err
	}
	return out, nil
}

// endpoints returns the addresses in one family, or Unspec if there is nothing
// to be said about a client.
func (h *Header) endpoints() (family Family, src, dst netip.AddrPort) {
	src, dst = unzoned(h.Source), unzoned(h.Destination)
	switch {
	case h.Command == Local || !src.IsValid() || !dst.IsValid():
		return Unspec, src, dst
	case src.Addr().Is4() && dst.Addr().Is4():
		return TCP4, src, dst
	}
	return TCP6, mapped(src), mapped(dst)
}

func unzoned(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

func mapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16(a.Addr().As16()), a.Port())
}

// finishTLVs checks the TLVs that begin at an offset into header, and fills in
// the checksum if there is one.
func finishTLVs(header []byte, offset int) error {
	checksum, reason := scanTLVs(header, offset)
	if reason != "" {
		return newError(reason, nil, nil)
	}
	for typ, value := range TLVs(header[offset:]).All() {
		switch typ {
		case Authority:
			if !utf8.Valid(value) {
				return errors.New("authority in PROXY header is not UTF-8")
			}
		case SSLInfo:
			if _, err := ParseSSL(value); err != nil {
				return fmt.Errorf("PROXY header: %w", err)
			}
		}
	}
	if checksum != 0 {
		binary.BigEndian.PutUint32(header[checksum:], checksumOf(header, checksum))
	}
	return nil
}

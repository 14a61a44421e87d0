// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package proxyheader

import (
	"bytes"
	"encoding/binary"
)

// parseV2 decodes b, which frame found to be exactly one version 2 header.
func parseV2(b []byte) (*Header, Reason) {
	h := &Header{Version: 2, Command: Command(b[12] & 0xf)}
	if h.Command == Proxy {
		h.Family = Family(b[13])
	}
	tlvs := b[v2Fixed+h.Family.addressSize():]

	reason := checkTLVs(b, len(b)-len(tlvs))
	switch {
	case h.Family == Unspec || h.Family&0xf == 0:
		// What a LOCAL or UNSPEC header holds is to be skipped, and senders do
		// put things there (2.2). If it happens to be a list of TLVs, as it is
		// from AWS, a checksum in it still protects the command.
		h.Family = Unspec
		if reason == CRCMismatch {
			return nil, reason
		} else if reason != "" {
			return h, ""
		}
	case reason != "":
		return nil, reason
	case h.Family == TCP4 || h.Family == TCP6:
		var ok bool
		if h.Source, h.Destination, ok = decodeAddresses(addressesOnly(b, h.Family)); !ok {
			return nil, V2BadFamily
		}
	}
	if len(tlvs) > 0 {
		h.TLVs = bytes.Clone(tlvs)
	}
	return h, ""
}

// addressesOnly returns the header b without its TLVs.
func addressesOnly(b []byte, family Family) []byte {
	size := family.addressSize()
	short := make([]byte, v2Fixed+size)
	copy(short, b)
	binary.BigEndian.PutUint16(short[14:], uint16(size))
	return short
}

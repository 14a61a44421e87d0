// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package proxyheader

import (
	"bufio"
	"bytes"
	"net"
	"net/netip"
	"sync"

	"github.com/mastercactapus/proxyprotocol"
)

// decodeAddresses has the library decode the addresses of header, a version 1
// line or a version 2 header without TLVs that was found to be sound. The
// library refuses every version 2 header that has more than the addresses, and
// the slices in what it returns pin its read buffer: hence the copy in and the
// copies out.
func decodeAddresses(header []byte) (src, dst netip.AddrPort, ok bool) {
	r := libraryReaders.Get().(*libraryReader)
	defer libraryReaders.Put(r)
	r.bytes.Reset(header)
	r.buffered.Reset(&r.bytes)

	decoded, err := proxyprotocol.Parse(r.buffered)
	if err != nil {
		return src, dst, false
	}
	source, ok1 := decoded.SrcAddr().(*net.TCPAddr)
	destination, ok2 := decoded.DestAddr().(*net.TCPAddr)
	if !ok1 || !ok2 {
		return src, dst, false
	}
	src, dst = unmapped(source.AddrPort()), unmapped(destination.AddrPort())
	return src, dst, src.IsValid() && dst.IsValid()
}

func unmapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

type libraryReader struct {
	bytes    bytes.Reader
	buffered *bufio.Reader
}

var libraryReaders = sync.Pool{New: func() any {
	r := new(libraryReader)
	r.buffered = bufio.NewReaderSize(&r.bytes, v2Fixed+36)
	return r
}}

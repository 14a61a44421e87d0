// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package proxyheader

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"

	"github.com/pires/go-proxyproto"
)

func addSeeds(f *testing.F) {
	f.Helper()
	for _, v := range loadVectors(f) {
		f.Add(v.bytes(f))
	}
}

// FuzzDecode holds every decoder of this package to what must be true of any
// input: reading it bytewise makes no difference, nothing behind a header is
// touched, and what was accepted can be sent on and comes out the same.
func FuzzDecode(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		h, n, err := Options{}.Decode(b)
		slow := &chunkConn{chunks: bytewise(b)}
		hSlow, lead, errSlow := Options{}.Read(slow)
		if (err == nil) != (errSlow == nil) {
			t.Fatalf("at once: %v; bytewise: %v", err, errSlow)
		}
		rest, _ := io.ReadAll(slow)
		if err != nil {
			if reason, reasonSlow := err.(*Error).Reason, errSlow.(*Error).Reason; reason != reasonSlow {
				t.Fatalf("at once: %s; bytewise: %s", reason, reasonSlow)
			}
			if !bytes.Equal(append(lead, rest...), b) && !HasSignature(b) {
				t.Fatalf("%q is left of %q", append(lead, rest...), b)
			}
			return
		}
		if !bytes.Equal(rest, b[n:]) {
			t.Fatalf("%q is left of %q", rest, b[n:])
		}
		if hSlow.Source != h.Source || hSlow.Destination != h.Destination || !bytes.Equal(hSlow.TLVs, h.TLVs) {
			t.Fatalf("at once: %+v; bytewise: %+v", h, hSlow)
		}
		if h.Source.Addr().Is4In6() || h.Source.Addr().Zone() != "" {
			t.Fatalf("source %s", h.Source)
		}
		h.TLVs.SSL()
		h.TLVs.AWSVPCEndpointID()

		out, err := h.Append(nil)
		if err != nil {
			return // TLVs that are accepted but not to be sent
		}
		again, _, err := Options{MaxSize: MaxSizeV2}.Decode(out)
		if err != nil || again.Source != h.Source || again.Destination != h.Destination {
			t.Fatalf("%+v was sent on as %+v, %v", h, again, err)
		}
	})
}

// FuzzDifferential compares with go-proxyproto. Where the two differ, it has to
// be for one of the reasons listed in differs.
func FuzzDifferential(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		ours, n, err := Options{}.Decode(b)
		reader := bufio.NewReaderSize(bytes.NewReader(b), max(len(b), 256))
		theirs, theirErr := proxyproto.Read(reader)

		if why := differs(ours, err, theirs, theirErr); why != "" {
			return
		}
		if (err == nil) != (theirErr == nil) {
			t.Fatalf("%q: ours %v, theirs %v", b, err, theirErr)
		}
		if err != nil {
			return
		}
		rest, _ := io.ReadAll(reader)
		if !bytes.Equal(rest, b[n:]) {
			t.Fatalf("%q: they leave %q, we %q", b, rest, b[n:])
		}
		if theirs.Command == proxyproto.LOCAL {
			return // they decode the block, which is to be skipped
		}
		if got, want := ours.Source, tcpAddrPort(theirs.SourceAddr); got != want {
			t.Fatalf("%q: source %s, theirs %s", b, got, want)
		}
		if got, want := ours.Destination, tcpAddrPort(theirs.DestinationAddr); got != want {
			t.Fatalf("%q: destination %s, theirs %s", b, got, want)
		}
	})
}

// differs names the documented difference that a disagreement falls under.
func differs(ours *Header, err error, theirs *proxyproto.Header, theirErr error) string {
	var rejection *Error
	if errors.As(err, &rejection) && theirErr == nil {
		switch rejection.Reason {
		case CRCMismatch, CRCBadLength, CRCDuplicate:
			return "they do not verify checksums"
		case TLVTruncated, UniqueIDTooLong:
			return "they read TLVs only when asked"
		case TooLarge:
			return "their limit does not count the first 16 bytes"
		case V1BadTerminator, V1TooLong:
			if theirs.Version == 1 && theirs.TransportProtocol == proxyproto.UNSPEC {
				return "they read UNKNOWN up to the next LF"
			}
		}
	}
	if err == nil && theirErr != nil {
		switch {
		case ours.Version == 2 && ours.Family == Unspec:
			return "they refuse UNSPEC, and LOCAL with an undefined family or a short block"
		case ours.Version == 2 && !ours.HasAddresses():
			return "they refuse some AF_UNIX and UDP headers"
		}
	}
	return ""
}

// tcpAddrPort is the zero AddrPort for what we do not honour.
func tcpAddrPort(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	return unmapped(tcp.AddrPort())
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package proxyheader

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"
)

// vector is one line of testdata/proxy-header.json, which follows the text of
// the specification and not any one product.
type vector struct {
	Name   string
	Tier   string
	Hex    string
	Chunks json.RawMessage
	End    string
	Expect expectation
	Alt    *struct {
		expectation
		When string
	}
}

type expectation struct {
	Accept       bool
	Version      byte
	Command      string
	Family       string
	Src, Dst     *string
	HeaderLen    int `json:"header_len"`
	TLVs         []struct{ Type, Hex string }
	RejectReason Reason `json:"reject_reason"`
	RestHex      string `json:"rest_hex"`
}

// ourChoice names the policy vectors at which the specification leaves room
// and we take what stands under alt: an AF_UNIX peer cannot be an HTTP client.
var ourChoice = map[string]bool{
	"v2-unix-at-sign":    true,
	"v2-unix-108-no-nul": true,
}

func loadVectors(t testing.TB) []vector {
	t.Helper()
	raw, err := os.ReadFile("testdata/proxy-header.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	if err := json.Unmarshal(raw, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) < 85 {
		t.Fatalf("only %d vectors", len(vectors))
	}
	for i := range vectors {
		if v := &vectors[i]; ourChoice[v.Name] {
			v.Expect.Src, v.Expect.Dst = v.Alt.Src, v.Alt.Dst
		}
	}
	return vectors
}

func (v vector) bytes(t testing.TB) []byte {
	t.Helper()
	return unhex(t, v.Hex)
}

func (v vector) chunks(t testing.TB) [][]byte {
	t.Helper()
	b := v.bytes(t)
	switch {
	case v.Chunks == nil || string(v.Chunks) == "null":
		return [][]byte{b}
	case string(v.Chunks) == `"bytewise"`:
		return bytewise(b)
	}
	var sizes []int
	if err := json.Unmarshal(v.Chunks, &sizes); err != nil {
		t.Fatal(err)
	}
	var chunks [][]byte
	for _, n := range sizes {
		chunks, b = append(chunks, b[:n]), b[n:]
	}
	return append(chunks, b)
}

const payload = "GET / HTTP/1.1\r\nHost: vectors\r\n\r\n"

func TestVectors(t *testing.T) {
	for _, v := range loadVectors(t) {
		for _, link := range links {
			t.Run(v.Name+"/"+link.name, func(t *testing.T) {
				t.Parallel()
				chunks := v.chunks(t)
				if v.End == "payload" {
					chunks[len(chunks)-1] = append(bytes.Clone(chunks[len(chunks)-1]), payload...)
				}
				h, rest, err := exchange(t, link, Options{}, chunks, v.End != "open")
				checkVector(t, v, h, rest, err)
			})
		}
	}
}

func checkVector(t *testing.T, v vector, h *Header, rest []byte, err error) {
	t.Helper()
	want := v.Expect
	if !want.Accept {
		var rejection *Error
		if !errors.As(err, &rejection) {
			t.Fatalf("accepted as %+v, want %s", h, want.RejectReason)
		}
		if rejection.Reason != want.RejectReason {
			t.Errorf("reason %s, want %s", rejection.Reason, want.RejectReason)
		}
		sent := v.bytes(t)
		if !bytes.HasPrefix(append(sent, payload...), rejection.Seen) || len(rejection.Seen) > 32 {
			t.Errorf("seen %x", rejection.Seen)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}

	wantRest := string(unhex(t, want.RestHex))
	if v.End == "payload" {
		wantRest += payload
	}
	if string(rest) != wantRest {
		t.Errorf("the application sees %q, want %q", rest, wantRest)
	}
	if h.Version != want.Version || h.Command.String() != want.Command {
		t.Errorf("version %d %s, want %d %s", h.Version, h.Command, want.Version, want.Command)
	}
	family := h.Family.String()
	if h.Version == 1 && h.Family == Unspec {
		family = "UNKNOWN"
	}
	if family != want.Family {
		t.Errorf("family %s, want %s", family, want.Family)
	}
	if got, want := h.Source, addrPort(want.Src); got != want {
		t.Errorf("source %s, want %s", got, want)
	}
	if got, want := h.Destination, addrPort(want.Dst); got != want {
		t.Errorf("destination %s, want %s", got, want)
	}
	checkVectorTLVs(t, want, h)
}

func checkVectorTLVs(t *testing.T, want expectation, h *Header) {
	t.Helper()
	i := 0
	for typ, value := range h.TLVs.All() {
		if i == len(want.TLVs) {
			t.Fatalf("one TLV more than %d: 0x%02x %x", i, typ, value)
		}
		if w := want.TLVs[i]; !bytes.Equal(append(unhex(t, w.Type[2:]), unhex(t, w.Hex)...), append([]byte{byte(typ)}, value...)) {
			t.Errorf("TLV %d: 0x%02x %x, want %s %s", i, typ, value, w.Type, w.Hex)
		}
		i++
	}
	if i != len(want.TLVs) {
		t.Errorf("%d TLVs, want %d", i, len(want.TLVs))
	}
}

// TestVectorsUnderAlt runs the policy vectors with the settings that we have.
func TestVectorsUnderAlt(t *testing.T) {
	ran := 0
	for _, v := range loadVectors(t) {
		if v.Alt == nil || v.Alt.When != "max_header_size=65551" {
			continue
		}
		ran++
		h, n, err := Options{MaxSize: MaxSizeV2}.Decode(v.bytes(t))
		if err != nil {
			t.Fatalf("%s: %v", v.Name, err)
		}
		if h.Source != addrPort(v.Alt.Src) || h.Destination != addrPort(v.Alt.Dst) || n != MaxSizeV2 {
			t.Errorf("%s: %+v of %d bytes", v.Name, h, n)
		}
	}
	if ran == 0 {
		t.Error("no vector has this setting")
	}
}

// TestSplits sends every accepted vector in every two parts.
func TestSplits(t *testing.T) {
	for _, v := range loadVectors(t) {
		if !v.Expect.Accept {
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			b := v.bytes(t)
			if v.End == "payload" {
				b = append(b, payload...)
			}
			for i := 1; i < min(v.Expect.HeaderLen+2, len(b)); i++ {
				h, rest, err := exchange(t, links[0], Options{}, [][]byte{b[:i], b[i:]}, true)
				checkVector(t, v, h, rest, err)
			}
			h, rest, err := exchange(t, links[0], Options{}, bytewise(b[:v.Expect.HeaderLen], b[v.Expect.HeaderLen:]), true)
			checkVector(t, v, h, rest, err)
		})
	}
}

// TestVersions turns each version off.
func TestVersions(t *testing.T) {
	for _, v := range loadVectors(t) {
		if !v.Expect.Accept {
			continue
		}
		o := Options{RefuseV1: v.Expect.Version == 1, RefuseV2: v.Expect.Version == 2}
		_, _, err := o.Decode(v.bytes(t))
		var rejection *Error
		if !errors.As(err, &rejection) || rejection.Reason != VersionRefused {
			t.Errorf("%s: %v", v.Name, err)
		}
		o = Options{RefuseV1: !o.RefuseV1, RefuseV2: !o.RefuseV2, MaxSize: MaxSizeV2}
		if _, n, err := o.Decode(v.bytes(t)); err != nil || n != v.Expect.HeaderLen {
			t.Errorf("%s: %d bytes, %v", v.Name, n, err)
		}
	}
}

// link is a kind of connection: each takes another way through Read.
type link struct {
	name string
	pair func(t testing.TB) (client, server net.Conn)
}

var links = []link{
	{"tcp", func(t testing.TB) (client, server net.Conn) { return dialed(t, "tcp", "127.0.0.1:0") }},
	{"unix", func(t testing.TB) (client, server net.Conn) { return dialed(t, "unix", t.TempDir()+"/s") }},
	{"generic", func(t testing.TB) (client, server net.Conn) {
		client, server = dialed(t, "tcp", "127.0.0.1:0")
		return client, struct{ net.Conn }{server}
	}},
}

func dialed(t testing.TB, network, address string) (client, server net.Conn) {
	t.Helper()
	ln, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if client, err = net.Dial(network, ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

// exchange sends chunks and returns what Read makes of them, and all that
// comes behind the header. Without end the connection stays open, and the
// deadline is what ends the wait. Whether a chunk arrives on its own is up to
// the kernel; TestReadChunks has control over that.
func exchange(t testing.TB, l link, o Options, chunks [][]byte, end bool) (*Header, []byte, error) {
	t.Helper()
	client, server := l.pair(t)
	sendAll := func() {
		for _, chunk := range chunks {
			if _, err := client.Write(chunk); err != nil {
				return // rejected halfway: expected of some
			}
		}
		if end {
			_ = client.(interface{ CloseWrite() error }).CloseWrite()
		}
	}
	if end {
		go sendAll()
		_ = server.SetReadDeadline(time.Now().Add(30 * time.Second))
	} else {
		sendAll() // all of it is there before the time begins
		_ = server.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	}
	h, _, err := o.Read(server)
	if err != nil {
		return nil, nil, err
	}
	rest, err := io.ReadAll(server)
	if err != nil && end {
		t.Fatal(err)
	}
	client.Close()
	server.Close()
	return h, rest, nil
}

// bytewise cuts the first part into single bytes.
func bytewise(parts ...[]byte) [][]byte {
	var chunks [][]byte
	for i := range parts[0] {
		chunks = append(chunks, parts[0][i:i+1])
	}
	return append(chunks, parts[1:]...)
}

func addrPort(s *string) netip.AddrPort {
	if s == nil {
		return netip.AddrPort{}
	}
	a := netip.MustParseAddrPort(*s)
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

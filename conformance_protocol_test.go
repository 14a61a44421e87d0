// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"strconv"
	"testing"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/quicvarint"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

func TestProtocolInAnyCase(t *testing.T) {
	g := startGateway(t, true, "", "ws_tunnel "+echoOrigin(t))
	for _, version := range streamVersions {
		for _, protocol := range []string{"websocket", "WebSocket", "WEBSOCKET"} {
			t.Run(version+" "+protocol, func(t *testing.T) {
				c := g.openVersion(version, ":protocol", protocol)
				c.send(textFrame("hello"))
				c.expect(textFrame("hello"))
				c.Close()
				g.expectEnd("client_gone", "client")
			})
		}
	}
}

// Behind the tunnel stands a handler that answers 200, which would say that a
// tunnel is open.
func TestUnknownProtocol(t *testing.T) {
	g := startGateway(t, true, "", "route {\nws_tunnel 127.0.0.1:1\nrespond open\n}")
	for _, version := range streamVersions {
		for _, protocol := range []string{"connect-udp", "websocket2"} {
			resp, body := g.answered(version, ":protocol", protocol)
			if resp.StatusCode != http.StatusNotImplemented || body != "" {
				t.Errorf("%s, %s: %s %q", version, protocol, resp.Status, body)
			}
			g.expectRefusal("bad_protocol")
		}
	}
}

// bareConnect is an extended CONNECT with all but one of its fields.
func bareConnect(without string) (fields [][2]string) {
	for _, field := range [][2]string{
		{":method", "CONNECT"}, {":protocol", "websocket"}, {":scheme", "https"}, {":path", "/ws"}, {":authority", "site.test"}, {"sec-websocket-version", "13"},
	} {
		if field[0] != without {
			fields = append(fields, field)
		}
	}
	return fields
}

// Fields of the connection, which an extended CONNECT must not have (RFC 8441
// section 5), are refused by the servers below, each in its way.
func TestConnectWithConnectionFields(t *testing.T) {
	g := startGateway(t, true, "", "ws_tunnel "+startOrigin(t, nil, func(p *peer) { t.Error("the origin was bothered") }))
	for _, field := range [][2]string{{"connection", "upgrade"}, {"upgrade", "websocket"}, {"transfer-encoding", "chunked"}} {
		fields := append(bareConnect(""), field)
		if got := bareHTTP2(g, fields); got != http.StatusBadRequest {
			t.Errorf("HTTP/2 with %s: %d", field[0], got)
		}
		if got := bareHTTP3(g, fields); got != 0 {
			t.Errorf("HTTP/3 with %s: %d", field[0], got)
		}
	}
}

// An extended CONNECT without :path, which RFC 8441 section 4 wants to be there, is
// reset, and over HTTP/3 one without :scheme, too. Go's HTTP/2 server does not
// look for that and takes what the connection is for it, so nobody is deceived.
func TestConnectWithoutPseudoFields(t *testing.T) {
	const reset = 0
	for _, test := range []struct {
		without          string
		status2, status3 int
	}{
		{"", 200, 200},
		{":path", reset, reset},
		{":scheme", 200, reset},
	} {
		for version, ask := range map[string]func(*gateway, [][2]string) int{"HTTP/2": bareHTTP2, "HTTP/3": bareHTTP3} {
			t.Run(version+" without "+test.without, func(t *testing.T) {
				origin, questions := askingOrigin(t, nil, false, "")
				g := startGateway(t, true, "", "ws_tunnel "+origin)
				want := test.status2
				if version == "HTTP/3" {
					want = test.status3
				}
				if got := ask(g, bareConnect(test.without)); got != want {
					t.Errorf("got %d, want %d", got, want)
				}
				if want == 200 {
					(<-questions).expectLines(t, "GET /ws HTTP/1.1", "Host: site.test", "X-Forwarded-Proto: https")
				}
			})
		}
	}
}

// bareHTTP2 sends a request that no client would, and returns the status of its
// answer, or 0 if the stream was reset.
func bareHTTP2(g *gateway, fields [][2]string) (status int) {
	g.t.Helper()
	config := g.client.Clone()
	config.NextProtos = []string{"h2"}
	c, err := tls.Dial("tcp", g.address, config)
	if err != nil {
		g.t.Fatal(err)
	}
	defer c.Close()
	var head bytes.Buffer
	encoder := hpack.NewEncoder(&head)
	for _, field := range fields {
		_ = encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}) // to memory
	}
	framer := http2.NewFramer(c, c)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_, err = io.WriteString(c, http2.ClientPreface)
	err = errors.Join(err, framer.WriteSettings(), framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: head.Bytes(), EndHeaders: true}))
	if err != nil {
		g.t.Fatal(err)
	}
	for {
		f, err := framer.ReadFrame()
		if err != nil {
			g.t.Fatal(err)
		}
		switch f := f.(type) {
		case *http2.MetaHeadersFrame:
			if status, err = strconv.Atoi(f.PseudoValue("status")); err != nil {
				g.t.Error(err)
			}
			return status
		case *http2.RSTStreamFrame:
			if f.ErrCode != http2.ErrCodeProtocol {
				g.t.Errorf("reset with %s", f.ErrCode)
			}
			return 0
		}
	}
}

// bareHTTP3 is bareHTTP2 over HTTP/3. The fields go as literals (RFC 9204 section
// 4.5.6), which need no table.
func bareHTTP3(g *gateway, fields [][2]string) (status int) {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	config := g.client.Clone()
	config.NextProtos = []string{http3.NextProtoH3}
	conn, err := quic.DialAddr(ctx, g.address, config, nil)
	if err != nil {
		g.t.Fatal(err)
	}
	defer func() { _ = conn.CloseWithError(0, "") }()
	control, err := conn.OpenUniStream()
	if err != nil {
		g.t.Fatal(err)
	}
	const controlStream, settings, headers = 0, 4, 1
	_, err = control.Write([]byte{controlStream, settings, 0})
	str, openErr := conn.OpenStream()
	if err = errors.Join(err, openErr); err != nil {
		g.t.Fatal(err)
	}
	block := []byte{0, 0}
	for _, field := range fields {
		block = append(prefixed(block, 0x20, 3, len(field[0])), field[0]...)
		block = append(prefixed(block, 0, 7, len(field[1])), field[1]...)
	}
	if _, err := str.Write(append(quicvarint.Append([]byte{headers}, uint64(len(block))), block...)); err != nil {
		g.t.Fatal(err)
	}
	var kind [1]byte
	_, err = io.ReadFull(str, kind[:])
	if reset := new(quic.StreamError); errors.As(err, &reset) {
		if http3.ErrCode(reset.ErrorCode) != http3.ErrCodeMessageError {
			g.t.Errorf("reset with %s", http3.ErrCode(reset.ErrorCode))
		}
		return 0
	}
	if err != nil {
		g.t.Fatal(err)
	}
	length, err := quicvarint.Read(quicvarint.NewReader(str))
	answer := make([]byte, length)
	if err == nil {
		_, err = io.ReadFull(str, answer)
	}
	if err != nil || kind[0] != headers || length < 3 {
		g.t.Fatalf("frame %d of %d bytes (%v)", kind[0], length, err)
	}
	// Behind two bytes the status, one of the static table (RFC 9204 appendix A).
	return map[byte]int{0xc0 | 25: 200}[answer[2]]
}

// prefixed appends an integer as RFC 7541 section 5.1 has it.
func prefixed(dst []byte, first byte, bits, n int) []byte {
	most := 1<<bits - 1
	if n < most {
		return append(dst, first|byte(n))
	}
	return append(dst, first|byte(most), byte(n-most)) // none is as long as 128
}

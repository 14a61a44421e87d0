// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/coder/websocket"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/handshake"
)

// wire is a connection to a server that has sent all it will, and takes all it gets.
type wire struct{ *bytes.Reader }

func (wire) Write(p []byte) (int, error) { return len(p), nil }
func (wire) Close() error                { return nil }

// RoundTrip opens the connection.
func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusSwitchingProtocols, Body: w,
		Header: http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Accept": {handshake.Accept(r.Header.Get("Sec-WebSocket-Key"))}},
	}, nil
}

// FuzzDifferential compares with coder/websocket as a client. It looks at more: masks,
// reserved bits, the order of fragments. So what it takes the scanner takes, too, and
// with the same messages and the same close code.
func FuzzDifferential(f *testing.F) {
	for _, seed := range []string{
		"\x81\x02hi", "\x01\x03abc\x89\x01p\x80\x02de\x88\x02\x03\xe8", "\x82\x7e\x00\x03abc\x88\x00", "\x82\x7f\x00\x00\x00\x00\x00\x00\x00\x01x", "\x88\x05\x0f\xa0bye\x81\x01x",
		"\x81\x82maskhi", "\xc1\x02hi", "\x80\x01x", "\x01\x01a\x81\x01b", "\x89\x7e\x00\x7e", "\x82\x7f\x80", "\x88\x01x", "\x88\x02\x03\xed",
		"\x88\x7e\x00\x00", "\x89\x7f\x00\x00\x00\x00\x00\x00\x00\x00",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		messages, closed, err := coderReads(t, p)
		if closed == nil && !errors.Is(err, io.EOF) {
			return // they refuse something
		}
		var s Scanner
		for taken := 0; taken < len(p) && !s.CloseSeen(); {
			n, err := s.Scan(p[taken:], true, 0)
			taken += n
			if err != nil && (extended(p[taken:]) || closed == nil && breaksOff(p[taken:])) {
				return // they look at the length later
			} else if err != nil {
				t.Fatalf("%x: they take what fails here at %d: %v", p, taken, err)
			}
		}
		if closed == nil && messages > s.Messages() && (!s.Boundary() || s.InMessage()) {
			messages-- // they take what breaks off for an end
		}
		if s.Messages() != messages || s.CloseSeen() != (closed != nil) && s.Boundary() {
			t.Errorf("%x: %d messages and Close %t, theirs %d and %v", p, s.Messages(), s.CloseSeen(), messages, closed)
		}
		if closed != nil && s.CloseCode() != int(closed.Code) {
			t.Errorf("%x: code %d, theirs %d", p, s.CloseCode(), closed.Code)
		}
	})
}

// coderReads returns how many messages were whole, and what came then: a Close frame,
// or another error.
func coderReads(t *testing.T, p []byte) (messages uint64, closed *websocket.CloseError, err error) {
	t.Helper()
	client := &http.Client{Transport: wire{bytes.NewReader(p)}}
	conn, _, err := websocket.Dial(t.Context(), "ws://site.test", &websocket.DialOptions{HTTPClient: client}) //nolint:bodyclose // the connection has it
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	conn.SetReadLimit(-1)
	for {
		_, message, err := conn.Reader(t.Context())
		if err == nil {
			_, err = io.Copy(io.Discard, message)
		}
		if err != nil {
			if found := (websocket.CloseError{}); errors.As(err, &found) {
				closed = &found
			}
			return messages, closed, err
		}
		messages++
	}
}

// breaksOff tells whether a short frame is not all there.
func breaksOff(p []byte) bool {
	return len(p) < 2 || len(p) < headerSize(p[1])+int(p[1]&^maskBit)
}

// extended tells whether a control frame announces its length in more than seven bits.
// They look at the number that comes then; the scanner, gorilla's and npm's ws refuse it
// at once.
func extended(p []byte) bool {
	return len(p) >= 2 && p[0]&0x08 != 0 && p[1]&^maskBit > maxControl
}

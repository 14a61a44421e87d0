// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"bytes"
	"context"
	"crypto/rand"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/coder/websocket"
)

// TestCoder has a client and an origin made with coder/websocket, which compress in
// both of the ways that there are, over each version of HTTP.
func TestCoder(t *testing.T) {
	modes := map[string]websocket.CompressionMode{
		"off": websocket.CompressionDisabled, "takeover": websocket.CompressionContextTakeover, "none kept": websocket.CompressionNoContextTakeover,
	}
	for name, mode := range modes {
		t.Run(name, func(t *testing.T) {
			l := startLabBefore(t, "", coderOrigin(t, mode))
			for _, way := range l.ways() {
				path := "/chat/" + way.name
				client := dialCoderWith(t, way.url+path, &websocket.DialOptions{HTTPClient: way.client(t, dialing{}), CompressionMode: mode, Subprotocols: []string{"second", "first"}})
				if client.Subprotocol() != "first" {
					t.Errorf("%s: subprotocol %q", way.name, client.Subprotocol())
				}
				for _, size := range []int{0, 1, 125, 126, 65535, 65536, 4 << 20} {
					message := make([]byte, size)
					rand.Read(message[:size/2]) // and then what can be compressed
					client.echoes(t, message)
				}
				if err := client.Close(4004, "done here"); err != nil {
					t.Errorf("%s: closing: %v", way.name, err)
				}
				if r := l.record(t, path); r.Reason != "client_closed" || r.ToOrigin.Code != 4004 || r.ToClient.Code != 4004 || r.Proto != way.proto {
					t.Errorf("%s: the record is %+v", way.name, r)
				}
			}
		})
	}
}

// coderOrigin is an echo server made with coder/websocket, on a port of loopback.
func coderOrigin(t *testing.T, mode websocket.CompressionMode) (port string) {
	t.Helper()
	server := httptest.NewServer(coderEcho(&websocket.AcceptOptions{Subprotocols: []string{"first"}, CompressionMode: mode, InsecureSkipVerify: true}))
	t.Cleanup(server.Close)
	_, port, _ = net.SplitHostPort(server.Listener.Addr().String())
	return port
}

func coderEcho(options *websocket.AcceptOptions) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, options)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		conn.SetReadLimit(-1)
		for {
			kind, message, err := conn.Read(context.Background())
			if err != nil || conn.Write(context.Background(), kind, message) != nil {
				return
			}
		}
	}
}

// echoes sends a message and wants it back.
func (c *coder) echoes(t *testing.T, message []byte) {
	t.Helper()
	sent := make(chan error, 1)
	go func() { sent <- c.Write(c.patience, websocket.MessageBinary, message) }()
	_, got, err := c.Read(c.patience)
	if err != nil {
		t.Fatalf("after %d bytes: %v", len(message), err)
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, message) {
		t.Errorf("%d bytes came back as %d", len(message), len(got))
	}
}

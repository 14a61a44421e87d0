// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"golang.org/x/net/http2"
)

// streamsPerConnection keeps below the limits of all servers.
const streamsPerConnection = 50

// streamClient is a connection that carries tunnels as streams.
type streamClient struct {
	transport http.RoundTripper
	mark      func(*http.Request) // how a request says :protocol
	close     func()
}

func newHTTP2(config *tls.Config) streamClient {
	t := &http2.Transport{TLSClientConfig: config.Clone()} //nolint:staticcheck // net/http's own does not send :protocol
	//nolint:staticcheck // see above
	return streamClient{t, func(r *http.Request) { r.Header.Set(":protocol", "websocket") }, t.CloseIdleConnections}
}

func newHTTP3(config *tls.Config) streamClient {
	// Without a sign of life a QUIC connection ends after half a minute.
	t := &http3.Transport{TLSClientConfig: config.Clone(), QUICConfig: &quic.Config{KeepAlivePeriod: 10 * time.Second}}
	return streamClient{t, func(r *http.Request) { r.Proto = "websocket" }, func() { t.Close() }}
}

// openStreams opens tunnels over HTTP/2 or HTTP/3, some to a connection.
func (l *lab) openStreams(dial func(*tls.Config) streamClient) func(n int) error {
	return func(n int) error {
		done := make(chan error, 1)
		go func() { done <- l.openConnections(n, dial) }()
		var result error
		err := l.loop.run(func() bool {
			select {
			case result = <-done:
				return true
			default:
				return false
			}
		})
		if err != nil {
			return err
		}
		return result
	}
}

func (l *lab) openConnections(n int, dial func(*tls.Config) streamClient) error {
	for i := 0; i < n; i += streamsPerConnection {
		c := dial(l.trust)
		context.AfterFunc(l.ctx, c.close)
		for range min(streamsPerConnection, n-i) {
			if err := l.openStream(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// openStream opens one, and has one message echoed: only then it is sure to
// lead to the origin.
func (l *lab) openStream(c streamClient) error {
	in, out := io.Pipe()
	r, err := http.NewRequestWithContext(l.ctx, http.MethodConnect, "https://"+l.process.address+pathEcho+strconv.Itoa(smallMessage), in)
	if err != nil {
		return err
	}
	r.Header.Set("Sec-WebSocket-Version", "13")
	c.mark(r)
	// The answer's body is the tunnel, and ends with its context.
	resp, err := c.transport.RoundTrip(r) //nolint:bodyclose
	if err != nil {
		return fmt.Errorf("opening a stream: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("opening a stream: %s", resp.Status)
	}
	talk := l.talks[smallMessage]
	if _, err := out.Write(talk.question); err != nil {
		return fmt.Errorf("sending in a stream: %w", err)
	}
	answer := make([]byte, len(talk.answer))
	if _, err := io.ReadFull(resp.Body, answer); err != nil {
		return fmt.Errorf("receiving in a stream: %w", err)
	}
	if !bytes.Equal(answer, talk.answer) {
		return fmt.Errorf("a stream brought back %x", answer)
	}
	return nil
}

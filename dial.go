// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http/httptrace"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap/zapcore"
)

// steps is how long each step of a handshake with an origin took. A step that
// there was not takes no time.
type steps struct {
	dns, tcp, proxy, tls, send, wait stepTime
}

// stepTime is a time in microseconds, up to more than an hour: steps are kept as
// long as their tunnel.
type stepTime uint32

func since(start time.Time) stepTime { return stepTime(time.Since(start).Microseconds()) }

func (t stepTime) duration() time.Duration { return time.Duration(t) * time.Microsecond }

// observe counts the steps that there were for a handler's name.
func (s steps) observe(name string) {
	observeStep(name, "dns", s.dns)
	observeStep(name, "tcp", s.tcp)
	observeStep(name, "proxy", s.proxy)
	observeStep(name, "tls", s.tls)
	observeStep(name, "send", s.send)
	observeStep(name, "wait", s.wait)
}

func observeStep(name, step string, t stepTime) {
	if t > 0 {
		metrics.handshake.WithLabelValues(name, step).Observe(t.duration().Seconds())
	}
}

// MarshalLogObject writes the steps into a log record.
func (s steps) MarshalLogObject(e zapcore.ObjectEncoder) error {
	e.AddDuration("dns", s.dns.duration())
	e.AddDuration("tcp", s.tcp.duration())
	e.AddDuration("proxy", s.proxy.duration())
	e.AddDuration("tls", s.tls.duration())
	e.AddDuration("send", s.send.duration())
	e.AddDuration("wait", s.wait.duration())
	return nil
}

// dialError is a step on the way to an origin that failed. Its reason is a
// metric label.
type dialError struct {
	reason string
	err    error
}

func (e *dialError) Error() string { return e.err.Error() }
func (e *dialError) Unwrap() error { return e.err }

// dialing is one way to an origin.
type dialing struct {
	h          *Handler
	origin     origin
	serverName string                         // that the origin's certificate must be for
	protocols  []string                       // that TLS offers; none: HTTP/1.1, which a tunnel of its own needs
	header     func(net.Conn) ([]byte, error) // makes the PROXY header of a connection, if h wants one
	steps      steps
}

// dial connects: TCP, then the PROXY header, then TLS. When it returns, the
// connection has a deadline, which is that of the whole handshake.
func (d *dialing) dial(ctx context.Context) (net.Conn, error) {
	conn, err := d.dialTransport(ctx)
	if err != nil {
		return nil, &dialError{reasonOf(err, "dial_failed"), err}
	}
	deadline := time.Now().Add(time.Duration(d.h.HandshakeTimeout))
	if err := conn.SetDeadline(deadline); err != nil {
		conn.Close()
		return nil, &dialError{"dial_failed", err}
	}
	if d.h.ProxyProtocol != nil {
		start := time.Now()
		if err := d.sendProxyHeader(conn); err != nil {
			conn.Close()
			return nil, err
		}
		d.steps.proxy = since(start)
	}
	if !d.origin.tls {
		return conn, nil
	}
	start := time.Now()
	tlsConn := tls.Client(conn, d.tlsConfig())
	tlsCtx, cancel := ctx, context.CancelFunc(func() {})
	if d.h.TLS != nil && d.h.TLS.HandshakeTimeout > 0 {
		tlsCtx, cancel = context.WithTimeout(ctx, time.Duration(d.h.TLS.HandshakeTimeout))
	}
	defer cancel()
	if err := tlsConn.HandshakeContext(tlsCtx); err != nil {
		conn.Close()
		return nil, &dialError{"tls_failed", fmt.Errorf("TLS with the origin: %w", err)}
	}
	d.steps.tls = since(start)
	return tlsConn, nil
}

func (d *dialing) dialTransport(ctx context.Context) (net.Conn, error) {
	var dnsStart time.Time
	start := time.Now()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) { dnsStart = time.Now() },
		DNSDone:  func(httptrace.DNSDoneInfo) { d.steps.dns = since(dnsStart) },
	})
	dialer := net.Dialer{Timeout: time.Duration(d.h.DialTimeout), KeepAlive: -1, Control: d.origin.checkSocket}
	conn, err := d.h.sources.dial(ctx, dialer, d.origin.network, d.origin.address())
	d.steps.tcp = since(start) - d.steps.dns
	if err == nil {
		keepAlive(conn, false)
	}
	return conn, err
}

// sendProxyHeader sends the header in one write, before any other byte. A TLV that
// cannot be sent says nothing of the origin.
func (d *dialing) sendProxyHeader(conn net.Conn) error {
	wire, err := d.header(conn)
	if err != nil {
		return &dialError{"bad_override", fmt.Errorf("making the PROXY header: %w", err)}
	}
	if _, err := conn.Write(wire); err != nil {
		return &dialError{"proxy_header_failed", fmt.Errorf("sending the PROXY header: %w", err)}
	}
	return nil
}

// TLSClient is what modules in the namespace http.ws_tunnel.tls_clients are.
type TLSClient interface {
	// ClientConfig returns a configuration for one connection, to the origin of that
	// name.
	ClientConfig(serverName string) *tls.Config
}

func (d *dialing) tlsConfig() *tls.Config {
	var config *tls.Config
	if d.h.tlsClient != nil {
		config = d.h.tlsClient.ClientConfig(d.serverName)
	} else {
		config = d.h.tlsConfig.Clone()
		config.ServerName = d.serverName
	}
	if config.NextProtos = d.protocols; d.protocols == nil {
		config.NextProtos = []string{"http/1.1"}
	}
	return config
}

// serverName is what an origin's certificate must be for: the override, or else
// the host that is dialled.
func (h *Handler) serverName(o origin, repl *caddy.Replacer) string {
	name := h.tlsConfig.ServerName
	if h.SNI != "" {
		name = h.SNI
	}
	name = repl.ReplaceAll(name, "")
	if name == "" && o.network != "unix" {
		name = o.host
	}
	return name
}

// isTimeout tells an origin that took too long from one that failed.
func isTimeout(err error) bool {
	var netErr net.Error
	return errors.As(err, &netErr) && netErr.Timeout() || errors.Is(err, context.DeadlineExceeded)
}

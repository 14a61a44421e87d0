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

	"go.uber.org/zap/zapcore"
)

// steps is how long each step of a handshake with an origin took. A step that
// there was not takes no time.
type steps struct {
	dns, tcp, proxy, tls, wait stepTime
}

// stepTime is a time in microseconds, up to more than an hour: steps are kept as
// long as their tunnel.
type stepTime uint32

func since(start time.Time) stepTime { return stepTime(time.Since(start).Microseconds()) }

func (t stepTime) duration() time.Duration { return time.Duration(t) * time.Microsecond }

// MarshalLogObject writes the steps into a log record.
func (s steps) MarshalLogObject(e zapcore.ObjectEncoder) error {
	e.AddDuration("dns", s.dns.duration())
	e.AddDuration("tcp", s.tcp.duration())
	e.AddDuration("proxy", s.proxy.duration())
	e.AddDuration("tls", s.tls.duration())
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

// dial connects to the attempt's origin: TCP, then the PROXY header, then TLS.
// When it returns, the connection has a deadline, which is that of the whole
// handshake.
func (a *attempt) dial(ctx context.Context) (net.Conn, error) {
	conn, err := a.dialTransport(ctx)
	if err != nil {
		return nil, &dialError{"dial_failed", err}
	}
	a.originAddr = conn.RemoteAddr().String()
	deadline := time.Now().Add(time.Duration(a.h.HandshakeTimeout))
	if err := conn.SetDeadline(deadline); err != nil {
		conn.Close()
		return nil, &dialError{"dial_failed", err}
	}
	if a.h.ProxyProtocol != nil {
		start := time.Now()
		if err := a.sendProxyHeader(conn); err != nil {
			conn.Close()
			return nil, &dialError{"proxy_header_failed", err}
		}
		a.steps.proxy = since(start)
	}
	if !a.origin.tls {
		return conn, nil
	}
	start := time.Now()
	tlsConn := tls.Client(conn, a.tlsConfig())
	tlsCtx, cancel := ctx, context.CancelFunc(func() {})
	if a.h.TLS != nil && a.h.TLS.HandshakeTimeout > 0 {
		tlsCtx, cancel = context.WithTimeout(ctx, time.Duration(a.h.TLS.HandshakeTimeout))
	}
	defer cancel()
	if err := tlsConn.HandshakeContext(tlsCtx); err != nil {
		conn.Close()
		return nil, &dialError{"tls_failed", fmt.Errorf("TLS with the origin: %w", err)}
	}
	a.steps.tls = since(start)
	return tlsConn, nil
}

func (a *attempt) dialTransport(ctx context.Context) (net.Conn, error) {
	var dnsStart time.Time
	start := time.Now()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) { dnsStart = time.Now() },
		DNSDone:  func(httptrace.DNSDoneInfo) { a.steps.dns = since(dnsStart) },
	})
	dialer := net.Dialer{Timeout: time.Duration(a.h.DialTimeout), KeepAlive: -1}
	conn, err := dialer.DialContext(ctx, a.origin.network, a.origin.address())
	a.steps.tcp = since(start) - a.steps.dns
	if err == nil {
		keepAlive(conn, false)
	}
	return conn, err
}

// tlsConfig is that of the handler with the server name of this attempt: the
// override, or else the host that is dialled.
func (a *attempt) tlsConfig() *tls.Config {
	config := a.h.tlsConfig.Clone()
	if a.h.SNI != "" {
		config.ServerName = a.h.SNI
	}
	config.ServerName = a.repl.ReplaceAll(config.ServerName, "")
	if config.ServerName == "" && a.origin.network == "tcp" {
		config.ServerName = a.origin.host
	}
	// A tunnel needs HTTP/1.1, whatever else the origin could speak.
	config.NextProtos = []string{"http/1.1"}
	return config
}

// isTimeout tells an origin that took too long from one that failed.
func isTimeout(err error) bool {
	var netErr net.Error
	return errors.As(err, &netErr) && netErr.Timeout() || errors.Is(err, context.DeadlineExceeded)
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"errors"
	"net"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/handshake"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/relay"
)

// tunnel is a tunnel as this plugin knows it: its relay, and what its record
// says of how it came to be. It holds no handler and no config.
type tunnel struct {
	name   string
	opened tunnelOpened
	relay  *relay.Tunnel
	done   chan struct{} // closed when the tunnel has ended and is recorded

	// attachedTo is the handler that cannot return before the tunnel ends, nil
	// if the tunnel has its connection for itself.
	attachedTo *generation
}

// tunnelOpened is the part of a record that is known from the beginning.
type tunnelOpened struct {
	id, clientIP, remote, host, path, proto string
	origin, originAddr                      string
	steps                                   steps
}

// MarshalLogObject writes what is known from the beginning. The query is left
// out: tokens travel in it.
func (o *tunnelOpened) MarshalLogObject(e zapcore.ObjectEncoder) error {
	e.AddString("id", o.id)
	e.AddString("client_ip", o.clientIP)
	e.AddString("remote_addr", o.remote)
	e.AddString("proto", o.proto)
	e.AddString("host", o.host)
	e.AddString("path", o.path)
	e.AddString("origin", o.origin)
	e.AddString("origin_addr", o.originAddr)
	return e.AddObject("handshake", o.steps)
}

func (a *attempt) describe() tunnelOpened {
	clientIP, _ := caddyhttp.GetVar(a.r.Context(), caddyhttp.ClientIPVarKey).(string)
	o := tunnelOpened{
		id: a.id, clientIP: clientIP, remote: a.r.RemoteAddr,
		host: a.r.Host, path: a.r.URL.Path, proto: a.proto(),
		originAddr: a.originAddr, steps: a.steps,
	}
	if a.origin != (origin{}) {
		o.origin = a.origin.String()
	}
	return o
}

// proto is the HTTP version of the client. In HTTP/3 the request's own field
// holds the protocol it asks for.
func (a *attempt) proto() string {
	if a.r.ProtoMajor == 3 {
		return "HTTP/3.0"
	}
	return a.r.Proto
}

// open starts the tunnel of an attempt that succeeded.
func (a *attempt) open(end relay.End, early []byte, conn net.Conn) *tunnel {
	t := &tunnel{name: a.h.Name, opened: a.describe(), done: make(chan struct{})}
	if a.client.attached() {
		t.attachedTo = a.h.generation
	}
	metrics.opened.WithLabelValues(t.name).Inc()
	metrics.active.WithLabelValues(t.name).Inc()
	if c := a.h.logger.Check(zapcore.DebugLevel, "tunnel opened"); c != nil {
		c.Write(zap.Inline(&t.opened))
	}
	tunnels.open(t, relay.Config{
		Client: end, Origin: relay.Conn(conn),
		FromClient: early, FromOrigin: a.answer.Early(),
		Limits: relay.Limits{
			IdleTimeout: time.Duration(a.h.IdleTimeout),
			MaxLifetime: time.Duration(a.h.MaxLifetime),
			Linger:      time.Duration(a.h.Linger),
		},
	})
	return t
}

// end records that the tunnel has ended.
func (t *tunnel) end(s relay.Summary) {
	defer close(t.done)
	tunnels.remove(t)
	metrics.active.WithLabelValues(t.name).Dec()
	metrics.ended.WithLabelValues(t.name, string(s.Reason)).Inc()
	for direction, traffic := range map[string]relay.Traffic{"to_origin": s.ToOrigin, "to_client": s.ToClient} {
		metrics.bytes.WithLabelValues(t.name, direction).Add(float64(traffic.Bytes))
		metrics.messages.WithLabelValues(t.name, direction).Add(float64(traffic.Messages))
	}
	logger := tunnels.logger(t.name)
	if logger == nil {
		logger = caddy.Log().Named("http.handlers.ws_tunnel")
	}
	if c := logger.Check(zapcore.InfoLevel, "tunnel ended"); c != nil {
		c.Write(
			zap.String("name", t.name),
			zap.String("reason", string(s.Reason)),
			zap.String("side", string(s.Side)),
			zap.Duration("duration", s.Duration),
			zap.String("engine", s.Engine),
			zap.Inline(&t.opened),
			zap.Object("to_origin", trafficRecord(s.ToOrigin)),
			zap.Object("to_client", trafficRecord(s.ToClient)),
		)
	}
}

type trafficRecord relay.Traffic

// MarshalLogObject writes what went one way.
func (t trafficRecord) MarshalLogObject(e zapcore.ObjectEncoder) error {
	e.AddUint64("bytes", t.Bytes)
	e.AddUint64("messages", t.Messages)
	if t.CloseCode != 0 {
		e.AddInt("close_code", t.CloseCode)
	}
	return nil
}

// refuse is how an attempt ends that did not become a tunnel: with a count, a
// record, and an error that carries the client's status.
func (a *attempt) refuse(status int, err error) error {
	a.refused(reasonOf(err, "failed"), status, err)
	return caddyhttp.Error(status, err)
}

func (a *attempt) refused(reason string, status int, err error) {
	metrics.refused.WithLabelValues(a.h.Name, reason).Inc()
	if c := a.h.logger.Check(zapcore.InfoLevel, "handshake refused"); c != nil {
		opened := a.describe()
		c.Write(
			zap.String("name", a.h.Name),
			zap.String("reason", reason),
			zap.Int("status", status),
			zap.Error(err),
			zap.Inline(&opened),
		)
	}
}

// reasonOf finds the stable name of what went wrong.
func reasonOf(err error, otherwise string) string {
	var handshakeErr *handshake.Error
	var dialErr *dialError
	switch {
	case errors.As(err, &dialErr):
		return dialErr.reason
	case errors.As(err, &handshakeErr):
		return handshakeErr.Reason
	}
	return otherwise
}

// Interface guards
var (
	_ zapcore.ObjectMarshaler = (*tunnelOpened)(nil)
	_ zapcore.ObjectMarshaler = trafficRecord{}
	_ zapcore.ObjectMarshaler = steps{}
)

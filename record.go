// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"errors"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/handshake"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/pool"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/quota"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/relay"
)

// tunnel is a tunnel as this plugin knows it: its relay, and what its record
// says of how it came to be. It holds no handler and no config.
type tunnel struct {
	generation *generation // of the handler that opened it
	opened     opening
	relay      *relay.Tunnel
	head       *head        // nil without recheck
	claim      *quota.Claim // what it counts as; without limits all tunnels of a handler share one
	state      *pool.Origin // where it counts, too

	streams      bool   // the client's connection is not the tunnel's alone
	originStatus uint16 // that the origin answered with
	place        int32  // in the registry

	// ended is closed when the tunnel has ended and is recorded. It is made by
	// the first who waits for that.
	ended atomic.Pointer[chan struct{}]
}

// done returns what is closed when t has ended and is recorded. Few ask, so it
// is only made for them.
func (t *tunnel) done() <-chan struct{} {
	made := make(chan struct{})
	if t.ended.CompareAndSwap(nil, &made) {
		return made
	}
	return *t.ended.Load()
}

var closedChannel = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// opening is the part of a record that is known from the beginning. It is kept
// for the life of a tunnel, which may be days: most fields are in one string, of
// its own, and not in those of a request, which would keep all of it.
type opening struct {
	text  string
	ends  [len(openingTexts)]uint16 // of each field in text
	proto proto
	steps steps
}

// openingTexts are the names of the fields in text. The query is not one of them:
// tokens travel in it.
var openingTexts = [...]string{"id", "client_ip", "remote_addr", "peer", "host", "path", "origin_addr"}

func (a *attempt) opening() opening {
	clientIP, _ := caddyhttp.GetVar(a.r.Context(), caddyhttp.ClientIPVarKey).(string)
	o := opening{steps: a.steps, proto: proto{byte(a.r.ProtoMajor), byte(a.r.ProtoMinor)}}
	var text strings.Builder
	if host, _, err := net.SplitHostPort(a.r.RemoteAddr); err == nil && host == clientIP {
		clientIP = "" // remote_addr has it
	}
	host, path := askedFor(a.r)
	for i, value := range [...]string{a.id, clientIP, a.r.RemoteAddr, peerOf(a.r), host, path, a.originAddr} {
		text.WriteString(value[:min(len(value), maxField)])
		o.ends[i] = uint16(text.Len())
	}
	o.text = strings.Clone(text.String()) // no longer than it is
	return o
}

// askedHostVar is a variable of requests in which a handler that gives them another
// Host says what the client asked for, as apache_vhost does. Of the path, Caddy knows.
const askedHostVar = "ws_tunnel.asked_host"

// askedFor is what the client asked for, whatever handlers have made of it.
func askedFor(r *http.Request) (host, path string) {
	host, path = r.Host, r.URL.Path
	if asked, ok := caddyhttp.GetVar(r.Context(), askedHostVar).(string); ok {
		host = asked
	}
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok {
		path = original.URL.Path
	}
	return host, path
}

// peerOf is who a connection comes from whose PROXY header, or the lack of one, has
// been looked at: the load balancer. Of others remote_addr says so.
func peerOf(r *http.Request) string {
	if conn := proxyConnFrom(r.Context()); conn != nil {
		return conn.RealRemoteAddr().String()
	}
	return ""
}

// maxField is how much of a field is kept. All of them have room in ends.
const maxField = 4096

// field returns a field of text, or nothing if there is none of the name.
func (o *opening) field(name string) string {
	i := slices.Index(openingTexts[:], name)
	switch {
	case i < 0:
		return ""
	case i == 0:
		return o.text[:o.ends[0]]
	case name == "client_ip" && o.ends[i] == o.ends[i-1]:
		host, _, _ := net.SplitHostPort(o.field("remote_addr"))
		return host
	default:
		return o.text[o.ends[i-1]:o.ends[i]]
	}
}

// openingRecord is what is known from the beginning, as a record has it.
type openingRecord struct {
	*opening
	origin string
}

// MarshalLogObject writes the fields.
func (o openingRecord) MarshalLogObject(e zapcore.ObjectEncoder) error {
	e.AddString("id", o.field("id"))
	e.AddString("client_ip", o.field("client_ip"))
	e.AddString("remote_addr", o.field("remote_addr"))
	if peer := o.field("peer"); peer != "" {
		e.AddString("peer", peer)
	}
	e.AddString("proto", o.proto.String())
	e.AddString("host", printable(o.field("host"))) // logs are read on terminals
	e.AddString("path", printable(o.field("path")))
	e.AddString("origin", o.origin)
	e.AddString("origin_addr", o.field("origin_addr"))
	return e.AddObject("handshake", o.steps)
}

// opening returns what t's records say of its beginning. Tunnels to one origin
// share its name.
func (t *tunnel) opening() openingRecord { return openingRecord{&t.opened, t.state.Key().Address} }

// proto is the HTTP version of a client.
type proto struct{ major, minor byte }

// String is the version as a request line has it.
func (p proto) String() string {
	return "HTTP/" + strconv.Itoa(int(p.major)) + "." + strconv.Itoa(int(p.minor))
}

// open starts the tunnel of an attempt that succeeded.
func (a *attempt) open(end relay.End, early []byte, conn net.Conn) *tunnel {
	t := &tunnel{generation: a.h.generation, streams: a.client.streams(), originStatus: uint16(a.originStatus), opened: a.opening(), head: a.head()}
	t.claim, t.state = a.handOver()
	t.state.Opened()
	metrics.opened.WithLabelValues(a.h.Name).Inc()
	metrics.active.WithLabelValues(a.h.Name).Inc()
	a.steps.observe(a.h.Name)
	if c := a.h.logger.Check(zapcore.DebugLevel, "tunnel opened"); c != nil {
		c.Write(zap.String("name", a.h.Name), t.statuses(), zap.Inline(t.opening()))
	}
	originEnd, _ := endOf(conn)
	var fromOrigin []byte
	if a.answer != nil {
		fromOrigin = a.answer.Early()
	}
	tunnels.open(t, relay.Config{
		Client: end, Origin: originEnd,
		FromClient: early, FromOrigin: fromOrigin,
		Attached:    a.client.attached(),
		MaxLifetime: a.lifetime(),
		Limits:      a.h.limits,
	})
	return t
}

// end records that the tunnel has ended.
func (t *tunnel) end(s relay.Summary) {
	defer func() {
		if awaited := t.ended.Swap(&closedChannel); awaited != nil {
			close(*awaited)
		}
	}()
	tunnels.remove(t)
	t.drained()
	name := t.generation.name
	tunnelTally.Release(t.claim)
	t.state.Ended(pool.Traffic{Bytes: s.ToOrigin.Bytes, Messages: s.ToOrigin.Messages}, pool.Traffic{Bytes: s.ToClient.Bytes, Messages: s.ToClient.Messages})
	metrics.active.WithLabelValues(name).Dec()
	metrics.ended.WithLabelValues(name, s.Reason.String()).Inc()
	metrics.lifetime.WithLabelValues(name).Observe(s.Duration.Seconds())
	trafficReported.end(name, trafficOf(s.ToOrigin, s.ToClient))
	if c := tunnels.logger(name).Check(zapcore.InfoLevel, "tunnel ended"); c != nil {
		c.Write(
			zap.String("name", name),
			zap.Stringer("reason", s.Reason),
			zap.Stringer("side", s.Side),
			zap.Duration("duration", s.Duration),
			zap.String("engine", s.Engine),
			t.statuses(),
			zap.Inline(t.opening()),
			zap.Object("to_origin", trafficRecord(s.ToOrigin)),
			zap.Object("to_client", trafficRecord(s.ToClient)),
		)
	}
}

// statuses are what the client was answered, and what the origin answered.
func (t *tunnel) statuses() zap.Field {
	return zap.Inline(zapcore.ObjectMarshalerFunc(func(e zapcore.ObjectEncoder) error {
		e.AddInt("status", switchStatus(int(t.opened.proto.major)))
		originStatus(int(t.originStatus)).AddTo(e)
		return nil
	}))
}

// originStatus is the status of an origin's answer, if there was one.
func originStatus(status int) zap.Field {
	if status == 0 {
		return zap.Skip()
	}
	return zap.Int("origin_status", status)
}

// recordOpen records a tunnel that goes on.
func (h *Handler) recordOpen(t *tunnel) {
	status := t.relay.Status()
	if status.Age < time.Duration(h.RecordEvery) {
		return
	}
	if c := h.logger.Check(zapcore.InfoLevel, "tunnel open"); c != nil {
		c.Write(
			zap.String("name", t.generation.name),
			zap.Duration("duration", status.Age),
			zap.String("engine", status.Engine),
			t.statuses(),
			zap.Inline(t.opening()),
			zap.Object("to_origin", trafficRecord(status.ToOrigin)),
			zap.Object("to_client", trafficRecord(status.ToClient)),
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
		opened, originName := a.opening(), ""
		if a.origin != (origin{}) {
			originName = a.origin.String()
		}
		c.Write(
			zap.String("name", a.h.Name),
			zap.String("reason", reason),
			zap.Int("status", status),
			originStatus(a.originStatus),
			zap.Error(err),
			zap.Inline(openingRecord{&opened, originName}),
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
	_ zapcore.ObjectMarshaler = openingRecord{}
	_ zapcore.ObjectMarshaler = trafficRecord{}
	_ zapcore.ObjectMarshaler = steps{}
)

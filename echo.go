// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/frame"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/handshake"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/relay"
)

func init() {
	caddy.RegisterModule(Echo{})
}

// Echo is a WebSocket origin to try a gateway on. Its first message is JSON
// that says what it was asked: method, uri, proto, host, headers, the address
// of the client as this server knows it, and the PROXY header that came with
// the connection, if proxy_header listens here. Then it sends back every
// message, whole or in fragments as it came.
//
// It is not meant for the public: it holds up a connection for anyone, and
// tells what headers came with it. A request that is not a WebSocket passes to
// the next handler.
type Echo struct {
	stopping context.Context
}

// CaddyModule returns the Caddy module information.
func (Echo) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.ws_echo",
		New: func() caddy.Module { return new(Echo) },
	}
}

// Provision sets up e.
func (e *Echo) Provision(ctx caddy.Context) error {
	events, err := eventsApp(ctx)
	if err != nil {
		return err
	}
	var stop context.CancelFunc
	e.stopping, stop = context.WithCancel(ctx)
	return events.On("stopping", eventFunc(stop))
}

// ServeHTTP answers a WebSocket. That of HTTP/1.1 goes on until it is closed: an
// origin that ended with each config could not show that tunnels do not. The
// others are streams of the server, and end when the config stops.
func (e *Echo) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if !isWebSocket(r) {
		return next.ServeHTTP(w, r)
	}
	c := newClient(w, r)
	if status, err := c.admit(); err != nil {
		return caddyhttp.Error(status, err)
	}
	hello, err := json.Marshal(sawOf(r))
	if err != nil {
		return fmt.Errorf("describing the request: %w", err)
	}
	answer := make(http.Header)
	if !c.streams() {
		answer.Set("Sec-WebSocket-Accept", handshake.Accept(r.Header.Get("Sec-WebSocket-Key")))
	}
	end, early, err := c.join(answer)
	if err != nil {
		return nil // the client is gone
	}
	if !c.streams() {
		go echoUntilClosed(end, early, hello)
		return nil
	}
	carry := func() {
		defer context.AfterFunc(e.stopping, func() { end.Close() })()
		echoUntilClosed(end, early, hello)
	}
	if c.attached() {
		defer c.leaveStream()
		carry()
	} else {
		go carry()
	}
	return nil
}

func echoUntilClosed(end relay.End, early, hello []byte) {
	defer end.Close()
	_ = echo(end, early, hello)
}

// saw is what Echo says of a request.
type saw struct {
	Method      string            `json:"method"`
	URI         string            `json:"uri"`
	Proto       string            `json:"proto"`
	Host        string            `json:"host"`
	Headers     http.Header       `json:"headers"`
	RemoteAddr  string            `json:"remote_addr"`
	ClientIP    any               `json:"client_ip"`
	ServerName  string            `json:"server_name,omitempty"`
	ProxyHeader map[string]string `json:"proxy_header,omitempty"`
}

func sawOf(r *http.Request) saw {
	s := saw{
		Method: r.Method, URI: r.RequestURI, Proto: r.Proto, Host: r.Host, Headers: r.Header,
		RemoteAddr: r.RemoteAddr, ClientIP: caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey),
	}
	if r.TLS != nil {
		s.ServerName = r.TLS.ServerName
	}
	if conn := proxyConnFrom(r.Context()); conn != nil && conn.Header() != nil {
		h := conn.Header()
		s.ProxyHeader = map[string]string{
			"version": fmt.Sprint(h.Version), "command": h.Command.String(), "peer": conn.RealRemoteAddr().String(),
		}
		if h.HasAddresses() {
			s.ProxyHeader["source"], s.ProxyHeader["destination"] = h.Source.String(), h.Destination.String()
		}
		for typ, value := range h.TLVs.All() {
			s.ProxyHeader[fmt.Sprintf("tlv.0x%02X", byte(typ))] = fmt.Sprintf("%x", value)
		}
	}
	return s
}

// maxEcho is the longest frame that is echoed, in bytes.
const maxEcho = 16 << 20

// echo sends hello and then every frame back, until a Close frame or the end.
func echo(end io.ReadWriter, early, hello []byte) error {
	in := bufio.NewReader(io.MultiReader(bytes.NewReader(early), end))
	answer := frame.Frame{Fin: true, Opcode: frame.Text, Payload: hello}
	for {
		if _, err := end.Write(answer.Append(nil)); err != nil {
			return err
		}
		var err error
		answer, err = frame.Read(in, maxEcho)
		for err == nil && answer.Opcode == frame.Pong {
			answer, err = frame.Read(in, maxEcho)
		}
		switch {
		case err != nil:
			return err
		case answer.Opcode == frame.Close:
			_, err = end.Write(answer.Append(nil))
			return err
		case answer.Opcode == frame.Ping:
			answer.Opcode = frame.Pong
		}
	}
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Echo)(nil)
	_ caddyhttp.MiddlewareHandler = (*Echo)(nil)
)

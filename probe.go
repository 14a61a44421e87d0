// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/frame"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/handshake"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/proxyheader"
)

// probe is one check of an origin.
type probe struct {
	h      *Handler
	origin origin
}

// run connects as for a tunnel, and does what the check asks for.
func (p *probe) run() error {
	config := p.h.Health
	ctx, cancel := context.WithTimeout(p.h.ctx, time.Duration(config.Timeout))
	defer cancel()
	if config.Port != "" && p.origin.network != "unix" {
		p.origin.port = config.Port
	}
	d := dialing{h: p.h, origin: p.origin, serverName: p.h.serverName(p.origin, caddy.NewReplacer()), header: p.proxyHeader}
	conn, err := d.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	// Whatever waits below ends with ctx.
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	switch config.Check {
	case checkHTTP:
		err = p.http(conn)
	case checkWebSocket:
		err = p.webSocket(conn)
	}
	if ctx.Err() != nil && err != nil {
		return fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return err
}

// proxyHeader says that the connection is the gateway's own. Version 1 has no word
// for that, and wants the addresses of the connection itself, since some refuse
// UNKNOWN (section 2.1 of its specification).
func (p *probe) proxyHeader(conn net.Conn) ([]byte, error) {
	h := proxyheader.Header{Version: 1, Command: proxyheader.Proxy}
	if p.h.ProxyProtocol.Version == "v2" {
		h.Version, h.Command = 2, proxyheader.Local
	} else if p.origin.network != "unix" {
		h.Source, h.Destination = addrPortOf(conn.LocalAddr()), addrPortOf(conn.RemoteAddr())
	}
	return h.Append(nil)
}

func addrPortOf(a net.Addr) netip.AddrPort {
	parsed, _ := netip.ParseAddrPort(a.String())
	return parsed
}

func (p *probe) http(conn net.Conn) error {
	request := "GET " + p.h.Health.Path + " HTTP/1.1\r\nHost: " + p.host() + "\r\nUser-Agent: caddy-wstunnel health check\r\nConnection: close\r\n\r\n"
	if _, err := io.WriteString(conn, request); err != nil {
		return fmt.Errorf("asking: %w", err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(io.LimitReader(conn, maxProbeAnswer)), nil)
	if err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	defer resp.Body.Close()
	if !slices.ContainsFunc(p.h.Health.Status, func(of int) bool { return caddyhttp.StatusCodeMatches(resp.StatusCode, of) }) {
		return errors.New("the origin answered " + resp.Status)
	}
	return nil
}

// maxProbeAnswer is how much of an answer is read; more than its head is not
// looked at.
const maxProbeAnswer = 64 << 10

func (p *probe) webSocket(conn net.Conn) error {
	q := handshake.Request{Target: p.h.Health.Path, Host: p.host(), Key: handshake.NewKey(), Header: http.Header{
		"User-Agent": {"caddy-wstunnel health check"},
	}}
	request, err := q.Append(nil)
	if err != nil {
		return err
	}
	if _, err := conn.Write(request); err != nil {
		return fmt.Errorf("asking: %w", err)
	}
	reader := handshake.NewReader(conn)
	resp, err := reader.Response() //nolint:bodyclose // the connection is closed
	switch {
	case err != nil:
		return err
	case resp.StatusCode != http.StatusSwitchingProtocols:
		return errors.New("the origin answered " + resp.Status)
	}
	if err := handshake.CheckSwitch(resp, q.Key); err != nil {
		return err
	}
	// Only the opening is judged. Closing in order keeps it out of the origin's
	// log of errors.
	_, err = conn.Write(frame.AppendClose(nil, 1000, "", true))
	for in := bufio.NewReader(io.MultiReader(bytes.NewReader(reader.Early()), conn)); err == nil; {
		var f frame.Frame
		if f, err = frame.Read(in, maxProbeAnswer); f.Opcode == frame.Close {
			break
		}
	}
	return nil
}

// host is the Host field of a check.
func (p *probe) host() string {
	switch {
	case p.h.Health.Host != "":
		return p.h.Health.Host
	case p.h.Host != "" && !hasPlaceholder(p.h.Host):
		return p.h.Host
	case p.origin.network == "unix":
		return "localhost"
	default:
		return p.origin.address()
	}
}

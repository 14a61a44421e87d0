// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/headers"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/tlsconf"
)

func init() {
	caddy.RegisterModule(TLSClient{})
	caddy.RegisterModule(Transport{})
}

// TLSClient makes the TLS with origins as httpd's SSLProxy directives have it. By
// default it verifies no chain, but checks the name and the expiry of an origin's
// certificate, which crypto/tls by itself cannot.
type TLSClient struct {
	// The directives.
	Proxy tlsconf.Proxy `json:"ssl_proxy"`

	client *tlsconf.Client
}

// CaddyModule returns the Caddy module information.
func (TLSClient) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.ws_tunnel.tls_clients.apache",
		New: func() caddy.Module { return new(TLSClient) },
	}
}

// Provision reads certificates and authorities.
func (c *TLSClient) Provision(caddy.Context) (err error) {
	c.client, err = (&tlsconf.Rules{Proxy: c.Proxy}).Backend().Compile()
	return err
}

// ClientConfig returns a configuration for one connection.
func (c *TLSClient) ClientConfig(serverName string) *tls.Config {
	config := c.client.Config(serverName)
	verify := config.VerifyConnection
	config.VerifyConnection = func(state tls.ConnectionState) error {
		if err := verify(state); err != nil {
			return &tlsError{err}
		}
		return nil
	}
	return config
}

// tlsError is TLS with an origin that failed, to which httpd answers 500 (lab case
// E21b).
type tlsError struct{ err error }

func (e *tlsError) Error() string { return e.err.Error() }
func (e *tlsError) Unwrap() error { return e.err }

// Transport is reverse_proxy's transport http with the TLS of TLSClient.
type Transport struct {
	reverseproxy.HTTPTransport

	TLSClient

	// The name to ask for and to check, placeholders allowed. Default: the host that
	// is connected to.
	ServerName string `json:"server_name,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (Transport) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.reverse_proxy.transport.apache",
		New: func() caddy.Module { return new(Transport) },
	}
}

// Provision makes the transport.
func (t *Transport) Provision(ctx caddy.Context) error {
	if t.TLS == nil {
		return errors.New("a transport apache has to have tls, which may be empty")
	}
	if err := t.TLSClient.Provision(ctx); err != nil {
		return err
	}
	if err := t.HTTPTransport.Provision(ctx); err != nil {
		return err
	}
	dial := t.Transport.DialContext
	t.Transport.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		secure := tls.Client(conn, t.ClientConfig(t.nameFor(ctx, address)))
		if err := secure.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, &tlsError{fmt.Errorf("TLS with the origin: %w", err)}
		}
		return secure, nil
	}
	// A connection belongs to the name that it was made for.
	t.Transport.DisableKeepAlives = t.Transport.DisableKeepAlives || t.ServerName != ""
	return nil
}

// RequestHeaderOps leaves Host as ProxyPreserveHost has it: the transport http makes
// it the address that is connected to, as soon as there is TLS.
func (*Transport) RequestHeaderOps() *headers.HeaderOps { return nil }

// nameFor is the server name of a connection.
func (t *Transport) nameFor(ctx context.Context, address string) string {
	if repl, ok := ctx.Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok && t.ServerName != "" {
		return repl.ReplaceAll(t.ServerName, "")
	}
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}

// Interface guards
var (
	_ caddy.Provisioner                      = (*TLSClient)(nil)
	_ caddy.Provisioner                      = (*Transport)(nil)
	_ reverseproxy.TLSTransport              = (*Transport)(nil)
	_ reverseproxy.RequestHeaderOpsTransport = (*Transport)(nil)
)

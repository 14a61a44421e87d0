// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"crypto/tls"
	"encoding/json"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/headers"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	"go.uber.org/zap"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/h2"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/quota"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/relay"
)

func init() {
	caddy.RegisterModule(Handler{})
}

// Handler carries WebSockets to an origin. A request that is not a WebSocket
// passes to the next handler, so it can stand in front of reverse_proxy or
// file_server.
//
// An HTTP/1.1 upgrade, an RFC 8441 CONNECT over HTTP/2 and an RFC 9220 CONNECT
// over HTTP/3 all become an HTTP/1.1 upgrade at the origin, over a connection
// of its own. The origin's answer is checked: only a 101 with the right
// Upgrade, Connection and Sec-WebSocket-Accept opens the tunnel. Any other
// answer goes to the client as it is.
//
// An HTTP/1.1 tunnel belongs to the process: a reload of the config leaves it
// alone, unless on_reload says otherwise. One over HTTP/2 or HTTP/3 belongs to the server's connection, which
// Caddy ends at a reload; it is closed then with code 1012.
//
// What cannot become a tunnel is answered with 400 or 426 (the handshake is
// malformed), 403 (max_lifetime is over), 429 (there are too many, or they come too often), 503 (no
// origin), 502 (dialling, TLS or the handshake with the origin failed) or 504
// (one of them took too long), as errors that handle_errors can take up. Each
// leaves a log record and a count under caddy_ws_tunnel_refused_total.
//
// These placeholders are set:
//
// Placeholder | Description
// ------------|---------------
// `{http.ws_tunnel.id}`     | What records call this tunnel: 16 hexadecimal digits
// `{http.ws_tunnel.name}`   | What records and metrics call this handler
// `{http.ws_tunnel.origin}` | The origin that was chosen, as ws://host:port
type Handler struct {
	// The origins: ws://, wss://, http:// or https:// with host and optional
	// port, host:port, or unix//path. Required, unless there are dynamic ones.
	// Placeholders are allowed; do not let a client choose where you connect to.
	Origins []string `json:"origins,omitempty"`

	// A module that finds origins, as in reverse_proxy. What it finds is used
	// instead of Origins, and those if it fails. They are spoken to over TLS if
	// that is configured here.
	DynamicRaw json.RawMessage `json:"dynamic_upstreams,omitempty" caddy:"namespace=http.reverse_proxy.upstreams inline_key=source"`

	// How to choose one of several origins, and when to try another. Default:
	// the one with the fewest tunnels, once.
	LoadBalancing *LoadBalancing `json:"load_balancing,omitempty"`

	// How to find out which origins are up. Default: all are taken to be.
	Health *HealthChecks `json:"health_checks,omitempty"`

	// What becomes of the tunnels of an origin that is taken for down: "keep",
	// they live on if they do; "close", they end with code 1012, spread over the
	// time of drain. Default: keep.
	OnOriginDown string `json:"on_origin_down,omitempty"`

	// The Host field the origin is sent. Default: that of the client.
	// Placeholders are allowed.
	Host string `json:"host,omitempty"`

	// The server name in TLS with the origin, which its certificate must be
	// valid for. Default: the host of the origin's address. Placeholders are
	// allowed.
	SNI string `json:"sni,omitempty"`

	// The port of the origin, instead of the one in its address. Placeholders
	// are allowed.
	Port string `json:"port,omitempty"`

	// What becomes of the Origin field: "keep" (the default), "rewrite" to the
	// origin's own scheme and Host, or a value, in which placeholders are
	// allowed.
	OriginHeader string `json:"origin_header,omitempty"`

	// Changes to the fields of the request that the origin is sent, and of its
	// answer, as in reverse_proxy. Connection, Upgrade and the WebSocket key,
	// version and accept value cannot be changed.
	Headers *headers.Handler `json:"headers,omitempty"`

	// TLS with the origin, as in reverse_proxy's transport. An origin without
	// a scheme is spoken to over TLS if this is there; one with wss or https
	// always. server_name gives way to sni; except_ports is not supported.
	TLS *reverseproxy.TLSConfig `json:"tls,omitempty"`

	// A module that makes the TLS with the origin instead of the options in tls,
	// and checks certificates by its own rules. Default: none.
	TLSClientRaw json.RawMessage `json:"tls_client,omitempty" caddy:"namespace=http.ws_tunnel.tls_clients inline_key=client"`

	// If there, the origin is sent a PROXY header with the client's address
	// and the one that it connected to, before TLS. Default: none.
	ProxyProtocol *ProxyProtocol `json:"proxy_protocol,omitempty"`

	// What to speak with the origin. "1.1": an upgrade over a connection of its
	// own for each tunnel. "h2": RFC 8441 over connections that many tunnels
	// share, over TLS; "h2c": the same without TLS. An origin that does not offer
	// that is asked in HTTP/1.1. Not with a PROXY header. Default: 1.1.
	Versions string `json:"versions,omitempty"`

	// Let an answer open the tunnel whose Sec-WebSocket-Accept is wrong or missing,
	// if the client is one over HTTP/1.1, which checks it itself. It is for the
	// adapter of httpd's configuration, since httpd does not look at the field.
	// Default: false, such an answer is refused with 502.
	UncheckedAccept bool `json:"unchecked_accept,omitempty"`

	// The addresses to connect from, in turn. Each has some 28,000 ports for
	// connections to one address of an origin. IPv4 or IPv6 addresses of this
	// machine; those of another kind than the origin's are left out. Default:
	// what the system chooses.
	LocalAddresses []string `json:"local_address,omitempty"`

	// How long looking up and connecting to the origin may take. Default: 3s.
	DialTimeout caddy.Duration `json:"dial_timeout,omitempty"`

	// How long TLS and the handshake with the origin may take after that.
	// Default: 10s.
	HandshakeTimeout caddy.Duration `json:"handshake_timeout,omitempty"`

	// End a tunnel in which nothing was sent either way for so long, with code
	// 1001. Default: 0, never.
	IdleTimeout caddy.Duration `json:"idle_timeout,omitempty"`

	// End a tunnel after so long, or at a time, with code 1001: a duration, a
	// number of seconds since 1970 (as the exp of a token) or a time of RFC
	// 3339. Placeholders are allowed; a handshake with a value that is none of
	// these, or a time that is over, is refused with 403. Default: never.
	MaxLifetime string `json:"max_lifetime,omitempty"`

	// A tunnel ends up to so much earlier than max_lifetime says, at random, so
	// that those which were opened together do not end together. Default: a
	// tenth of the time that is left at the handshake.
	MaxLifetimeJitter caddy.Duration `json:"max_lifetime_jitter,omitempty"`

	// Send a Ping to a side that has sent nothing for so long. Its Pong does
	// not reach the other side, and does not count for idle_timeout. Default:
	// 0, no heartbeat.
	Heartbeat caddy.Duration `json:"heartbeat,omitempty"`

	// End a tunnel if a side sends nothing for so long after such a Ping, with
	// code 1001 to the other one. Default: 10s.
	HeartbeatTimeout caddy.Duration `json:"heartbeat_timeout,omitempty"`

	// End a tunnel in which a side announces a message of more than so many
	// bytes, before any byte of the frame that does, with code 1009. Compressed
	// messages count as they are sent. Default: 0, any size.
	MaxMessage int64 `json:"max_message,omitempty"`

	// How many messages a tunnel carries in a time, in either direction. A sender
	// that is faster has to wait; nothing is lost. Default: any number.
	MessageRate Rates `json:"message_rate,omitzero"`

	// How many bytes, frame headers included, a tunnel carries in a time, in
	// either direction. A sender that is faster has to wait; nothing is lost.
	// Default: any number.
	ByteRate Rates `json:"byte_rate,omitzero"`

	// What becomes of tunnels when a reload removes or changes their handler:
	// "keep", they live on; "drain", they end spread over the time of drain;
	// "close", they end at once. They end with code 1012. Those over HTTP/2 and
	// HTTP/3 end at once at every reload, since Caddy ends their connections.
	// Default: keep.
	OnReload string `json:"on_reload,omitempty"`

	// The time over which tunnels are ended, the oldest first, when Caddy stops
	// or on_reload is drain. Stopping takes so long, and linger. Default: 0,
	// all at once.
	Drain caddy.Duration `json:"drain,omitempty"`

	// How long a tunnel that is ending waits for a peer: for the answer to a
	// Close frame, whoever sent that, or for the other half of a connection
	// that is closed in one direction. Default: 5s.
	Linger caddy.Duration `json:"linger,omitempty"`

	// How many tunnels there may be at a time, those of earlier configs and
	// handshakes under way included. Handlers of the same name share the
	// count. Default: 0, any number.
	MaxTunnels int `json:"max_tunnels,omitempty"`

	// How many tunnels there may be at a time for each value of a key. All
	// limits hold. Default: any number.
	Limits []TunnelLimit `json:"limits,omitempty"`

	// How often a handshake may begin for each value of a key. All rates hold.
	// Default: any number.
	HandshakeRates []HandshakeRate `json:"handshake_rates,omitempty"`

	// Ask matchers again about each tunnel, and end those that they no longer
	// match, with code 1008. Default: what let a tunnel in is not asked again.
	Recheck *Recheck `json:"recheck,omitempty"`

	// Log a record of each tunnel at intervals, too, from the first one on that it
	// is as old as. Default: 0, only when it ends.
	RecordEvery caddy.Duration `json:"record_every,omitempty"`

	// What records and metrics call this handler. Default: the first origin as
	// configured, or what a dynamic source looks up.
	Name string `json:"name,omitempty"`

	tlsConfig  *tls.Config
	tlsClient  TLSClient // nil: tlsConfig has all
	ctx        caddy.Context
	events     *caddyevents.App
	logger     *zap.Logger
	dynamic    reverseproxy.UpstreamSource // nil: none
	dynamicBy  filler                      // who says where to look
	fixed      []*candidate                // of each origin; nil if that has a placeholder
	sources    *sources                    // nil without LocalAddresses
	shared     *h2.Conns                   // nil unless Versions is of HTTP/2
	generation *generation
	limits     *relay.Limits // shared by all tunnels of h, and not h itself
	claim      *quota.Claim  // what every tunnel of h counts as
	rounds     []*rounds     // that are made while h's config runs
}

// The values of Handler.OriginHeader that are not a value of the field.
const (
	originKeep    = "keep"
	originRewrite = "rewrite"
)

// CaddyModule returns the Caddy module information.
func (Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.ws_tunnel",
		New: func() caddy.Module { return new(Handler) },
	}
}

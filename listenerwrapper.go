// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/proxyheader"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/proxylisten"
)

func init() {
	caddy.RegisterModule(ListenerWrapper{})
}

// ListenerWrapper reads the PROXY header, version 1 or 2, that a load balancer
// such as AWS ELB or HAProxy in TCP mode sends ahead of a connection, so that
// Caddy sees the client's address instead of the load balancer's
// (https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt).
//
// Rules say which peers are trusted to send one. The first rule that holds the
// peer's address counts; a peer that no rule holds is not looked at, and if it
// sends a header, that is merely bad HTTP. Nobody else should be able to connect
// from a trusted range: whoever can, chooses their own address.
//
// It has to stand before the `tls` wrapper, which must be there too if the server
// has TLS, because the header comes ahead of the TLS handshake. HTTP/3 does not
// pass through listeners, and has no PROXY header.
//
// A connection whose header is missing, malformed, incomplete after the timeout,
// or wrong by its own checksum is closed without an answer. One log line a second
// for each reason is written, with the reason, the peer's real address, the rule
// and the first bytes. Connections on which nothing was sent at all are logged at
// debug level only, since that is how load balancers check health.
//
// What a header says is there for every route in these placeholders, empty where
// nothing was said:
//
// Placeholder | Description
// ------------|---------------
// `{http.proxy_header.source}`, `.source.host`, `.source.port` | The client's address, if the header's is used
// `{http.proxy_header.destination}`, `.destination.host`, `.destination.port` | The address that the client connected to
// `{http.proxy_header.peer}`, `.peer.host`, `.peer.port` | The real address of the other side, with or without a header
// `{http.proxy_header.local}`, `.local.host`, `.local.port` | The real address of our side, with or without a header
// `{http.proxy_header.version}` | 1 or 2
// `{http.proxy_header.command}` | PROXY, or LOCAL for a connection of the load balancer itself
// `{http.proxy_header.authority}` | The host name the client asked for, usually TLS SNI
// `{http.proxy_header.alpn}` | The protocol negotiated with the client
// `{http.proxy_header.unique_id}` | The load balancer's id for the connection; hexadecimal if it is not text
// `{http.proxy_header.netns}` | The name of the network namespace
// `{http.proxy_header.aws.vpce_id}` | AWS: the id of the VPC endpoint
// `{http.proxy_header.azure.link_id}` | Azure: the LINKID of the private endpoint
// `{http.proxy_header.gcp.psc_id}` | Google Cloud: the id of the Private Service Connect connection
// `{http.proxy_header.ssl.used}` | Whether the client used TLS: true or false
// `{http.proxy_header.ssl.verified}` | Whether it presented a certificate that was found good: true or false
// `{http.proxy_header.ssl.verify}` | The result of verifying it as a number; 0 also without a certificate
// `{http.proxy_header.ssl.version}`, `.cn`, `.cipher`, `.sig_alg`, `.key_alg`, `.group`, `.sig_scheme` | Further facts of the client's TLS
// `{http.proxy_header.ssl.client_cert}` | The client's certificate, DER in base64
// `{http.proxy_header.tlv.0xNN}` | The first TLV of a type; hexadecimal if it is not text
type ListenerWrapper struct {
	// The rules, of which the first that holds the peer counts. Required.
	Rules []ProxyRule `json:"rules,omitempty"`

	// How long after the connection was accepted its header may take. Browsers
	// that connect ahead are silent for longer than that, and connect again. Below
	// 3s one lost packet is enough to fail. Default: 5s.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// The versions that are accepted: `v1`, `v2`. Default: both.
	Versions []string `json:"versions,omitempty"`

	// The length in bytes of the longest header accepted, from 107 (every header
	// of version 1) to 65551 (every header). A client certificate takes 1 to 2 KB.
	// Default: 4096.
	MaxSize int `json:"max_size,omitempty"`

	listener proxylisten.Listener // what each listener is wrapped in, without it
	logger   *zap.Logger
	rejects  *rejectLog
}

// ProxyRule says what is done with the connections of some peers.
type ProxyRule struct {
	// What is done:
	//
	// - `require`: a valid header must come first, or the connection is closed.
	// - `optional`: a header is used if the connection begins with one.
	// - `ignore`: a header is read if the connection begins with one, and discarded.
	// - `skip`: the connection is not looked at.
	// - `reject`: the connection is closed at once.
	//
	// Required.
	Policy string `json:"policy,omitempty"`

	// The peers, as addresses, CIDR ranges, or `unix` for all peers on a Unix
	// socket. Global placeholders, as `{env.*}`, may be used. Required.
	Ranges []string `json:"ranges,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (ListenerWrapper) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "caddy.listeners.proxy_header",
		New: func() caddy.Module { return new(ListenerWrapper) },
	}
}

// Provision sets up the wrapper, and the placeholders on the server that it
// belongs to.
func (lw *ListenerWrapper) Provision(ctx caddy.Context) error {
	lw.logger = ctx.Logger()
	lw.rejects = &rejectLog{logger: lw.logger, now: time.Now}
	if err := registerMetrics(ctx); err != nil {
		return err
	}
	if err := lw.provisionListener(); err != nil {
		return err
	}
	lw.warn()

	srv, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok {
		return nil // some other app's listener: there are no routes
	}
	if err := checkPlacement(srv); err != nil {
		return err
	}
	publishProxyFacts(srv)
	return nil
}

func (lw *ListenerWrapper) provisionListener() error {
	lw.listener = proxylisten.Listener{Timeout: time.Duration(lw.Timeout), Observe: lw.observe}
	lw.listener.Options.MaxSize = lw.MaxSize
	if len(lw.Versions) > 0 {
		lw.listener.Options.RefuseV1 = !slices.Contains(lw.Versions, "v1")
		lw.listener.Options.RefuseV2 = !slices.Contains(lw.Versions, "v2")
	}

	if len(lw.Rules) == 0 {
		return errors.New(`proxy_header has no rules: name the load balancer's addresses, as in "require 10.0.0.0/8"`)
	}
	repl := caddy.NewReplacer()
	for _, r := range lw.Rules {
		ranges := slices.Clone(r.Ranges)
		for i := range ranges {
			var err error
			if ranges[i], err = repl.ReplaceOrErr(ranges[i], true, true); err != nil {
				return fmt.Errorf("proxy_header %s: %w", r.Policy, err)
			}
		}
		rule, err := proxylisten.ParseRule(r.Policy, ranges)
		if err != nil {
			return fmt.Errorf("proxy_header: %w", err)
		}
		lw.listener.Rules = append(lw.listener.Rules, rule)
	}
	return nil
}

// Validate checks the settings that do not depend on others.
func (lw *ListenerWrapper) Validate() error {
	if lw.Timeout < 0 {
		return fmt.Errorf("proxy_header: timeout %s is negative: there is no way to wait for ever", time.Duration(lw.Timeout))
	}
	if err := checkMaxSize(lw.MaxSize); err != nil {
		return fmt.Errorf("proxy_header: %w", err)
	}
	for _, v := range lw.Versions {
		if !slices.Contains(proxyVersions, v) {
			return fmt.Errorf("proxy_header: unknown version %q: there are %v", v, proxyVersions)
		}
	}
	return nil
}

var proxyVersions = []string{"v1", "v2"}

func checkMaxSize(n int) error {
	if n != 0 && (n < proxyheader.MaxSizeV1 || n > proxyheader.MaxSizeV2) {
		return fmt.Errorf("max_size %d must be from %d to %d bytes", n, proxyheader.MaxSizeV1, proxyheader.MaxSizeV2)
	}
	return nil
}

// warn logs what is allowed and seldom meant.
func (lw *ListenerWrapper) warn() {
	if t := time.Duration(lw.Timeout); t > 0 && t < 3*time.Second {
		lw.logger.Warn("timeout is below 3s: one lost packet of a load balancer can make its connections fail",
			zap.Duration("timeout", t))
	}
	for _, rule := range lw.listener.Rules {
		if rule.Policy != proxylisten.Require && rule.Policy != proxylisten.Optional {
			continue
		}
		for _, p := range rule.Prefixes {
			switch {
			case p.Bits() == 0:
				lw.logger.Warn("everyone is trusted to name the client's address: list the load balancer's own addresses",
					zap.Stringer("rule", rule))
			case rule.Policy == proxylisten.Optional && !isPrivate(p):
				lw.logger.Warn("clients in a public range can choose their address or not: require the header, or list the load balancer's own addresses",
					zap.Stringer("rule", rule),
					zap.Stringer("range", p))
			}
		}
	}
}

func isPrivate(p netip.Prefix) bool {
	// Link-local and carrier-grade NAT ranges are not routed publicly, either.
	private, err := proxylisten.ParseRule(string(proxylisten.Skip),
		append(caddyhttp.PrivateRangesCIDR(), "169.254.0.0/16", "fe80::/10", "100.64.0.0/10"))
	return err == nil && slices.ContainsFunc(private.Prefixes, func(q netip.Prefix) bool {
		return q.Bits() <= p.Bits() && q.Contains(p.Addr())
	})
}

// checkPlacement checks where among the wrappers of srv this one is. Caddy puts
// all wrappers after TLS if `tls` is not among them. Whether srv has TLS is known
// here: the first phase of automatic HTTPS, which may add it, is over.
func checkPlacement(srv *caddyhttp.Server) error {
	const order = `write it first and the "tls" wrapper after it, since the header comes ahead of the TLS handshake`
	ours, tls, stock := 0, false, false
	for _, raw := range srv.ListenerWrappersRaw {
		var module struct {
			Wrapper string `json:"wrapper"`
		}
		if err := json.Unmarshal(raw, &module); err != nil {
			return fmt.Errorf("reading listener wrappers: %w", err)
		}
		switch module.Wrapper {
		case "proxy_header":
			ours++
			if tls {
				return errors.New("proxy_header is placed after tls: " + order)
			}
		case "tls":
			tls = true
		case "proxy_protocol":
			stock = true
		}
	}
	if ours > 1 {
		return errors.New("proxy_header is listed twice, but a connection has only one header: write all rules into one")
	}
	if stock {
		return errors.New("proxy_header beside proxy_protocol, but a connection has only one header: keep one of the two")
	}
	if !tls && len(srv.TLSConnPolicies) > 0 {
		return errors.New("proxy_header without tls, on a server that has TLS, would be placed after it: " + order)
	}
	return nil
}

// WrapListener wraps ln. Accepting from it never waits for a header.
func (lw *ListenerWrapper) WrapListener(ln net.Listener) net.Listener {
	wrapped := lw.listener
	wrapped.Listener = ln
	return &wrapped
}

// observe counts what became of a connection's header, and logs rejections.
func (lw *ListenerWrapper) observe(o proxylisten.Outcome) {
	label := string(o.Result)
	if o.Result == proxylisten.Rejected {
		label += ":" + string(o.Err.Reason)
		lw.rejects.log(o)
	}
	metrics.proxyHeaders.WithLabelValues(label).Inc()
}

// Interface guards
var (
	_ caddy.Module          = (*ListenerWrapper)(nil)
	_ caddy.Provisioner     = (*ListenerWrapper)(nil)
	_ caddy.Validator       = (*ListenerWrapper)(nil)
	_ caddy.ListenerWrapper = (*ListenerWrapper)(nil)
)

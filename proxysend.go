// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/proxyheader"
)

// ProxyProtocol is the PROXY header that an origin is sent: with the client's
// address as trusted_proxies and a received PROXY header establish it, and the
// address that the client connected to. A client on a Unix socket has neither;
// for it the header says UNKNOWN (v1) or LOCAL (v2).
type ProxyProtocol struct {
	// "v1" or "v2". Required.
	Version string `json:"version,omitempty"`

	// What else to say of the client, in version 2.
	TLVs []ProxyTLV `json:"tlvs,omitempty"`

	// Which TLVs of the PROXY header that came with the client's connection
	// to pass on, by the names below or as 0xNN, or "all". One that is passed
	// on is not added from TLVs again. Default: none.
	Pass []string `json:"pass,omitempty"`
}

// ProxyTLV is one extension of a PROXY header.
type ProxyTLV struct {
	// Its type: "authority", "alpn", "ssl", "unique_id", "netns", "crc32c", or
	// a number as 0xE0. Required.
	Type string `json:"type,omitempty"`

	// Its value. Default, for the types that have one: the client's TLS server
	// name or else Host, its ALPN protocol, its TLS connection, the tunnel's
	// id, and the checksum. A TLV whose value is empty is left out.
	// Placeholders are allowed. ssl and crc32c cannot be given one.
	Value string `json:"value,omitempty"`
}

var tlvTypes = map[string]proxyheader.Type{
	"authority": proxyheader.Authority,
	"alpn":      proxyheader.ALPN,
	"ssl":       proxyheader.SSLInfo,
	"unique_id": proxyheader.UniqueID,
	"netns":     proxyheader.NetNS,
	"crc32c":    proxyheader.CRC32C,
}

func parseTLVType(name string) (proxyheader.Type, error) {
	if typ, ok := tlvTypes[name]; ok {
		return typ, nil
	}
	if digits, ok := strings.CutPrefix(strings.ToLower(name), "0x"); ok {
		if n, err := strconv.ParseUint(digits, 16, 8); err == nil {
			return proxyheader.Type(n), nil
		}
	}
	return 0, fmt.Errorf("unknown TLV type %q: use authority, alpn, ssl, unique_id, netns, crc32c or a number as 0xE0", name)
}

func (p *ProxyProtocol) validate() error {
	switch {
	case p == nil:
		return nil
	case p.Version != "v1" && p.Version != "v2":
		return fmt.Errorf("proxy_protocol: version %q is not v1 or v2", p.Version)
	case p.Version == "v1" && len(p.TLVs)+len(p.Pass) > 0:
		return errors.New("proxy_protocol v1 carries no TLVs; use v2")
	}
	for _, tlv := range p.TLVs {
		typ, err := parseTLVType(tlv.Type)
		switch {
		case err != nil:
			return fmt.Errorf("proxy_protocol: %w", err)
		case tlv.Value != "" && (typ == proxyheader.SSLInfo || typ == proxyheader.CRC32C):
			return fmt.Errorf("proxy_protocol: tlv %s takes no value", tlv.Type)
		case tlv.Value == "" && !hasOwnValue(tlv.Type):
			return fmt.Errorf("proxy_protocol: tlv %s needs a value", tlv.Type)
		}
	}
	for _, name := range p.Pass {
		if _, err := parseTLVType(name); err != nil && name != passAll {
			return fmt.Errorf("proxy_protocol: pass: %w", err)
		}
	}
	return nil
}

// hasOwnValue tells the types whose value can be found out.
func hasOwnValue(name string) bool {
	_, named := tlvTypes[name]
	return named && name != "netns"
}

const passAll = "all"

// proxyHeader is what the origin is told of the client.
func (a *attempt) proxyHeader(net.Conn) ([]byte, error) {
	h := proxyheader.Header{Version: 1, Command: proxyheader.Proxy}
	h.Source, h.Destination = endpoints(a.r)
	if a.h.ProxyProtocol.Version == "v2" {
		h.Version = 2
		h.TLVs = a.proxyTLVs()
	}
	return h.Append(nil)
}

// endpoints are the two ends of the client's connection. The client's port is
// known only if its address is that of the connection.
func endpoints(r *http.Request) (client, server netip.AddrPort) {
	client, _ = netip.ParseAddrPort(r.RemoteAddr)
	name, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	if ip, err := netip.ParseAddr(name); err == nil && ip.Unmap() != client.Addr().Unmap() {
		client = netip.AddrPortFrom(ip, 0)
	}
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		server, _ = netip.ParseAddrPort(local.String())
	}
	return client, server
}

func (a *attempt) proxyTLVs() proxyheader.TLVs {
	passed := a.passedTLVs()
	tlvs := passed
	for _, tlv := range a.h.ProxyProtocol.TLVs {
		typ, _ := parseTLVType(tlv.Type) // valid since Validate
		if _, ok := passed.Get(typ); ok {
			continue
		}
		if typ == proxyheader.CRC32C {
			tlvs = tlvs.AppendChecksum()
		} else if value := a.tlvValue(typ, tlv.Value); len(value) > 0 {
			tlvs = tlvs.Append(typ, value)
		}
	}
	return tlvs
}

// passedTLVs are those of the client's own PROXY header that go on.
func (a *attempt) passedTLVs() (passed proxyheader.TLVs) {
	for typ, value := range receivedTLVs(a.r.Context()).All() {
		if !passable(typ, value) {
			continue
		}
		for _, name := range a.h.ProxyProtocol.Pass {
			if wanted, err := parseTLVType(name); name == passAll || err == nil && wanted == typ {
				passed = passed.Append(typ, value)
				break
			}
		}
	}
	return passed
}

// passable tells whether a TLV means anything in another header: a checksum and
// padding do not, and what is malformed would make the origin refuse it all.
func passable(typ proxyheader.Type, value []byte) bool {
	switch typ {
	case proxyheader.CRC32C, proxyheader.NoOp:
		return false
	case proxyheader.Authority:
		return utf8.Valid(value)
	case proxyheader.SSLInfo:
		_, err := proxyheader.ParseSSL(value)
		return err == nil
	}
	return true
}

func receivedTLVs(ctx context.Context) proxyheader.TLVs {
	if conn := proxyConnFrom(ctx); conn != nil {
		if h := conn.Header(); h != nil {
			return h.TLVs
		}
	}
	return nil
}

func (a *attempt) tlvValue(typ proxyheader.Type, configured string) []byte {
	if configured != "" {
		return []byte(a.repl.ReplaceAll(configured, ""))
	}
	state := a.r.TLS
	switch typ {
	case proxyheader.Authority:
		if state != nil && state.ServerName != "" {
			return []byte(state.ServerName)
		}
		return []byte(hostOnly(a.r.Host))
	case proxyheader.ALPN:
		if state != nil {
			return []byte(state.NegotiatedProtocol)
		}
	case proxyheader.UniqueID:
		return []byte(a.id)
	case proxyheader.SSLInfo:
		if state != nil {
			return sslInfo(state).Append(nil)
		}
	}
	return nil
}

func hostOnly(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return hostport
}

// sslInfo is what a client's TLS connection is in a TLV. Caddy has verified a
// certificate that was asked for, or refused the connection.
func sslInfo(state *tls.ConnectionState) *proxyheader.SSL {
	info := &proxyheader.SSL{
		Client:  proxyheader.SSLUsed,
		Version: strings.Replace(tls.VersionName(state.Version), "TLS ", "TLSv", 1),
		Cipher:  tls.CipherSuiteName(state.CipherSuite),
	}
	if len(state.PeerCertificates) == 0 {
		return info
	}
	info.Client |= proxyheader.SSLCertConn | proxyheader.SSLCertSession
	info.CommonName = state.PeerCertificates[0].Subject.CommonName
	if len(state.VerifiedChains) == 0 {
		info.Verify = 1 // client_auth mode "require" or "request" verifies nothing
	}
	return info
}

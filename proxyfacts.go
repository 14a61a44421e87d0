// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/proxyheader"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/proxylisten"
)

// publishProxyFacts makes what PROXY headers say known to the routes of srv, as
// {http.proxy_header.*}. It must be called while the listener wrappers of srv are
// provisioned, which is before its routes are.
func publishProxyFacts(srv *caddyhttp.Server) {
	srv.RegisterConnContext(func(ctx context.Context, c net.Conn) context.Context {
		// This runs where connections are accepted: nothing that waits for the
		// header may be called.
		if conn := proxylisten.FromConn(c); conn != nil {
			ctx = context.WithValue(ctx, proxyConnCtxKey{}, conn)
		}
		return ctx
	})

	// A server offers no hook ahead of its routes, so a route it is. It has only a
	// matcher, which never matches: with a handler, Caddy's metrics would count
	// every request once more, under a name that the config does not have.
	first := caddyhttp.Route{MatcherSets: caddyhttp.MatcherSets{{proxyFactsPublisher{}}}}
	srv.Routes = append(caddyhttp.RouteList{first}, srv.Routes...)
	if srv.Errors != nil {
		// Some errors come before any route: those of strict SNI, for one.
		srv.Errors.Routes = append(caddyhttp.RouteList{first}, srv.Errors.Routes...)
	}
}

// proxyConnCtxKey is the key of the proxyConn in a request's context.
type proxyConnCtxKey struct{}

// proxyConn is a connection whose peer may send a PROXY header, or what a tunnel
// keeps of it.
type proxyConn interface {
	Header() *proxyheader.Header
	RealRemoteAddr() net.Addr
	RealLocalAddr() net.Addr
}

// proxyConnFrom returns the connection of a request if it is one whose peer may
// send a PROXY header, nil otherwise.
func proxyConnFrom(ctx context.Context) proxyConn {
	conn, _ := ctx.Value(proxyConnCtxKey{}).(proxyConn)
	return conn
}

const proxyFactsPrefix = "http.proxy_header."

// proxyFactsPublisher adds the placeholders to a request.
type proxyFactsPublisher struct{}

// MatchWithError is always false.
func (proxyFactsPublisher) MatchWithError(r *http.Request) (bool, error) {
	repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return false, nil
	}
	if _, published := repl.Get(proxyFactsPrefix + "peer"); published {
		return false, nil
	}
	remote, ctx := r.RemoteAddr, r.Context()
	repl.Map(func(key string) (any, bool) {
		name, ok := strings.CutPrefix(key, proxyFactsPrefix)
		if !ok {
			return nil, false
		}
		if conn := proxyConnFrom(ctx); conn != nil {
			return proxyFact(conn, name)
		}
		return endpointFact(ctx, remote, name)
	})
	return false, nil
}

// endpointFact returns what is known of a connection that was not looked at.
func endpointFact(ctx context.Context, remote, name string) (string, bool) {
	switch what, part, _ := strings.Cut(name, "."); what {
	case "peer":
		return addressPart(remote, part)
	case "local":
		local, ok := ctx.Value(http.LocalAddrContextKey).(net.Addr)
		if !ok {
			return "", true
		}
		return addressPart(local.String(), part)
	}
	return "", isProxyFact(name)
}

// proxyFact returns the fact called name, empty if nothing was said about it. It
// is false where there is no such fact.
func proxyFact(conn proxyConn, name string) (string, bool) {
	h := conn.Header()
	what, part, _ := strings.Cut(name, ".")
	switch what {
	case "peer":
		return addressPart(conn.RealRemoteAddr().String(), part)
	case "local":
		return addressPart(conn.RealLocalAddr().String(), part)
	case "source":
		if h != nil && h.HasAddresses() {
			return addressPart(h.Source.String(), part)
		}
	case "destination":
		if h != nil && h.HasAddresses() {
			return addressPart(h.Destination.String(), part)
		}
	case "ssl":
		if fact := sslFacts[part]; fact != nil && h != nil {
			if ssl, ok := h.TLVs.SSL(); ok {
				return fact(ssl), true
			}
		}
	case "tlv":
		if typ, ok := tlvType(part); ok && h != nil {
			return tlvText(h.TLVs, typ), true
		}
	default:
		if fact := headerFacts[name]; fact != nil && h != nil {
			return fact(h), true
		}
	}
	return "", isProxyFact(name)
}

// isProxyFact says whether there is a fact called name.
func isProxyFact(name string) bool {
	what, part, _ := strings.Cut(name, ".")
	switch what {
	case "peer", "local", "source", "destination":
		_, ok := addressPart("", part)
		return ok
	case "ssl":
		return sslFacts[part] != nil
	case "tlv":
		_, ok := tlvType(part)
		return ok
	}
	return headerFacts[name] != nil
}

var headerFacts = map[string]func(*proxyheader.Header) string{
	"version":   func(h *proxyheader.Header) string { return strconv.Itoa(int(h.Version)) },
	"command":   func(h *proxyheader.Header) string { return h.Command.String() },
	"authority": textFact(proxyheader.Authority),
	"alpn":      textFact(proxyheader.ALPN),
	"netns":     textFact(proxyheader.NetNS),
	"unique_id": func(h *proxyheader.Header) string { return tlvText(h.TLVs, proxyheader.UniqueID) },
	"aws.vpce_id": func(h *proxyheader.Header) string {
		id, _ := h.TLVs.AWSVPCEndpointID()
		return id
	},
	"azure.link_id": func(h *proxyheader.Header) string {
		if id, ok := h.TLVs.AzureLinkID(); ok {
			return strconv.FormatUint(uint64(id), 10)
		}
		return ""
	},
	"gcp.psc_id": func(h *proxyheader.Header) string {
		if id, ok := h.TLVs.GCPPSCConnectionID(); ok {
			return strconv.FormatUint(id, 10)
		}
		return ""
	},
}

var sslFacts = map[string]func(*proxyheader.SSL) string{
	"used":       func(s *proxyheader.SSL) string { return strconv.FormatBool(s.Client&proxyheader.SSLUsed != 0) },
	"verified":   func(s *proxyheader.SSL) string { return strconv.FormatBool(s.Verified()) },
	"verify":     func(s *proxyheader.SSL) string { return strconv.FormatUint(uint64(s.Verify), 10) },
	"version":    func(s *proxyheader.SSL) string { return s.Version },
	"cn":         func(s *proxyheader.SSL) string { return s.CommonName },
	"cipher":     func(s *proxyheader.SSL) string { return s.Cipher },
	"sig_alg":    func(s *proxyheader.SSL) string { return s.SigAlg },
	"key_alg":    func(s *proxyheader.SSL) string { return s.KeyAlg },
	"group":      func(s *proxyheader.SSL) string { return s.Group },
	"sig_scheme": func(s *proxyheader.SSL) string { return s.SigScheme },
	"client_cert": func(s *proxyheader.SSL) string {
		return base64.StdEncoding.EncodeToString(s.ClientCert)
	},
}

func textFact(typ proxyheader.Type) func(*proxyheader.Header) string {
	return func(h *proxyheader.Header) string {
		s, _ := h.TLVs.Text(typ)
		return s
	}
}

// tlvText returns a TLV as text, or in hexadecimal if it is none.
func tlvText(tlvs proxyheader.TLVs, typ proxyheader.Type) string {
	value, _ := tlvs.Get(typ)
	if s, ok := proxyheader.Text(value); ok {
		return s
	}
	return hex.EncodeToString(value)
}

// tlvType parses the NN of tlv.0xNN.
func tlvType(s string) (proxyheader.Type, bool) {
	digits, ok := strings.CutPrefix(s, "0x")
	typ, err := strconv.ParseUint(digits, 16, 8)
	return proxyheader.Type(typ), ok && len(digits) == 2 && err == nil
}

// addressPart returns address, or its host or port. A Unix socket's has only
// itself for a host.
func addressPart(address, part string) (string, bool) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	switch part {
	case "":
		return address, true
	case "host":
		return host, true
	case "port":
		return port, true
	}
	return "", false
}

// Interface guards
var (
	_ caddyhttp.RequestMatcherWithError = proxyFactsPublisher{}
	_ proxyConn                         = (*proxylisten.Conn)(nil)
)

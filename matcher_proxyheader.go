// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"fmt"
	"net/http"
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types/ref"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() {
	caddy.RegisterModule(MatchProxyHeader{})
}

// MatchProxyHeader matches requests by what the PROXY header of their connection
// says. The server needs the `proxy_header` listener wrapper; requests over HTTP/3
// never match.
//
// The keys are the names of facts, as in the placeholders `{http.proxy_header.*}`
// without that prefix: see the listener wrapper. For each of them the fact must be
// one of the values, compared exactly; with no values it is enough that the fact is
// there. Placeholders may be used in values. Without any keys, it matches if the
// addresses of a header are used for the connection.
//
// In expressions it takes an object, as in
// `proxy_header({'aws.vpce_id': ['vpce-08d2bf15fac5001c9']})`, or `proxy_header({})`.
type MatchProxyHeader map[string][]string

// CaddyModule returns the Caddy module information.
func (MatchProxyHeader) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.matchers.proxy_header",
		New: func() caddy.Module { return new(MatchProxyHeader) },
	}
}

// Provision checks the names of the facts.
func (m MatchProxyHeader) Provision(caddy.Context) error {
	for name := range m {
		if err := checkProxyFact(name); err != nil {
			return err
		}
	}
	return nil
}

func checkProxyFact(name string) error {
	if isProxyFact(name) {
		return nil
	}
	var names []string
	for name := range headerFacts {
		names = append(names, name)
	}
	for name := range sslFacts {
		names = append(names, "ssl."+name)
	}
	slices.Sort(names)
	return fmt.Errorf("a PROXY header has no %q: there are source, destination, peer and local (each with .host and .port), %v and tlv.0xNN", name, names)
}

// CELLibrary makes the matcher available in expressions.
func (MatchProxyHeader) CELLibrary(caddy.Context) (cel.Library, error) {
	return caddyhttp.CELMatcherImpl(
		"proxy_header",
		"proxy_header_matcher_request_map",
		[]*cel.Type{caddyhttp.CELTypeJSON},
		func(data ref.Val) (caddyhttp.RequestMatcherWithError, error) {
			facts, err := caddyhttp.CELValueToMapStrList(data)
			if err != nil {
				return nil, err
			}
			m := MatchProxyHeader(facts)
			return m, m.Provision(caddy.Context{})
		},
	)
}

// Match returns true if r matches m.
func (m MatchProxyHeader) Match(r *http.Request) bool {
	match, _ := m.MatchWithError(r)
	return match
}

// MatchWithError returns true if r matches m. The error is always nil.
func (m MatchProxyHeader) MatchWithError(r *http.Request) (bool, error) {
	conn := proxyConnFrom(r.Context())
	if conn == nil || conn.Header() == nil {
		return false, nil
	}
	if len(m) == 0 {
		return conn.Header().HasAddresses(), nil
	}
	repl, _ := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	for name, values := range m {
		fact, _ := proxyFact(conn, name)
		is := func(value string) bool {
			if repl != nil {
				value = repl.ReplaceAll(value, "")
			}
			return value == fact
		}
		if fact == "" || len(values) > 0 && !slices.ContainsFunc(values, is) {
			return false, nil
		}
	}
	return true, nil
}

// Interface guards
var (
	_ caddy.Provisioner                 = (*MatchProxyHeader)(nil)
	_ caddyhttp.RequestMatcherWithError = (*MatchProxyHeader)(nil)
	_ caddyhttp.CELLibraryProducer      = (*MatchProxyHeader)(nil)
)

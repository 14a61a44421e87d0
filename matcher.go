// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/parser"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"golang.org/x/net/http/httpguts"
)

func init() {
	caddy.RegisterModule(MatchWebSocket{})
}

// MatchWebSocket matches requests that ask for a WebSocket, in every version of
// HTTP: an HTTP/1.1 upgrade (RFC 6455), or an extended CONNECT over HTTP/2
// (RFC 8441) or HTTP/3 (RFC 9220). It only recognises them; whether the handshake
// is sound is for the handler to say, which can answer 400 or 426, where a matcher
// could only send the request elsewhere. It never fails, whatever the client sends.
//
// The two lists narrow it down. A request must satisfy each list that is given,
// and satisfies a list by any one of its values. Values may hold placeholders; one
// that is malformed once its placeholders are replaced matches nothing.
//
// Keep in mind that only browsers are bound to tell the truth in `Origin`: the
// check keeps other web sites from using a visitor's cookies (cross-site WebSocket
// hijacking, RFC 6455 section 10.2), and is no authentication of anything else.
type MatchWebSocket struct {
	// The web pages that may connect, by the request's `Origin` header. Default:
	// any, and clients without an Origin too. Each is one of:
	//
	// - `https://example.com`, `http://localhost:3000`: this scheme, host and port; no
	//   port means the scheme's default one, `:*` means any.
	// - `example.com`, `example.com:8443`: any scheme; no port, or `:*`, means any.
	// - `*.example.org`, `https://*.example.org`: each `*` stands for one whole label, as
	//   in Caddy's host matcher; `example.org` itself needs its own value.
	// - `same`: an http or https page of the host and port that the request is
	//   for. Default ports need not be written, and an https page is the same
	//   as its http twin, because TLS may end in front of Caddy.
	// - `none`: no Origin header at all, as clients that are not browsers send it. Without
	//   this value a request without Origin does not match.
	// - `null`: the literal `null`, from sandboxed frames and local files. Any site
	//   can make a browser send this.
	//
	// Hosts are compared without case; write internationalised names as browsers
	// send them (`xn--…`). A request with several Origin headers never matches.
	Origin []string `json:"origin,omitempty"`

	// The subprotocols wanted: one of those that the client offers in
	// `Sec-WebSocket-Protocol` must be in this list. Compared with case (RFC 6455
	// section 4.1). Default: any, or none.
	Subprotocol []string `json:"subprotocol,omitempty"`

	origins []webOriginPattern
}

// CaddyModule returns the Caddy module information.
func (MatchWebSocket) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.matchers.websocket",
		New: func() caddy.Module { return new(MatchWebSocket) },
	}
}

// Provision checks the lists and prepares them for matching.
func (m *MatchWebSocket) Provision(caddy.Context) error {
	m.origins = nil
	for _, value := range m.Origin {
		p, err := newWebOriginPattern(value)
		if err != nil {
			return err
		}
		m.origins = append(m.origins, p)
	}
	for _, value := range m.Subprotocol {
		if err := checkSubprotocol(value); err != nil {
			return err
		}
	}
	return nil
}

// Match returns true if r matches m.
func (m MatchWebSocket) Match(r *http.Request) bool {
	match, _ := m.MatchWithError(r)
	return match
}

// MatchWithError returns true if r matches m. The error is always nil.
func (m MatchWebSocket) MatchWithError(r *http.Request) (bool, error) {
	return isWebSocket(r) &&
		(len(m.origins) == 0 || m.originAllowed(r)) &&
		(len(m.Subprotocol) == 0 || m.subprotocolOffered(r)), nil
}

// isWebSocket reports whether r asks for a WebSocket. The method of an HTTP/1.1
// upgrade is not looked at: with anything but GET it is a malformed handshake, which
// the handler must see to refuse it, and not a request for another route.
func isWebSocket(r *http.Request) bool {
	switch r.ProtoMajor {
	case 1:
		// HTTP/1.0 has no upgrade (RFC 9110 section 7.8). Connection is a list
		// ("keep-alive, Upgrade"), and so is Upgrade; see caddy #6731.
		return r.ProtoMinor >= 1 &&
			httpguts.HeaderValuesContainsToken(r.Header["Upgrade"], "websocket") &&
			httpguts.HeaderValuesContainsToken(r.Header["Connection"], "upgrade")
	default:
		return lowerASCII(extendedProtocol(r)) == "websocket"
	}
}

func (m MatchWebSocket) originAllowed(r *http.Request) bool {
	for _, p := range m.origins {
		if p.template != "" {
			var err error
			if p, err = newWebOriginPattern(replacePlaceholders(r, p.template)); err != nil {
				continue
			}
		}
		if p.matches(r) {
			return true
		}
	}
	return false
}

func (m MatchWebSocket) subprotocolOffered(r *http.Request) bool {
	wanted := m.Subprotocol
	if slices.ContainsFunc(wanted, hasPlaceholder) {
		wanted = slices.Clone(wanted)
		for i := range wanted {
			wanted[i] = replacePlaceholders(r, wanted[i])
		}
	}
	for _, line := range r.Header.Values("Sec-WebSocket-Protocol") {
		for offered := range strings.SplitSeq(line, ",") {
			if offered = strings.Trim(offered, " \t"); offered != "" && slices.Contains(wanted, offered) {
				return true
			}
		}
	}
	return false
}

func checkSubprotocol(value string) error {
	if !hasPlaceholder(value) && !httpguts.ValidHeaderFieldName(value) { // both are tokens
		return fmt.Errorf("subprotocol %q is not a token; write one name such as graphql-transport-ws for each value", value)
	}
	return nil
}

func replacePlaceholders(r *http.Request, value string) string {
	if !hasPlaceholder(value) {
		return value
	}
	repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return ""
	}
	return repl.ReplaceAll(value, "")
}

// CELLibrary makes the matcher available in expressions.
//
// Example:
//
//	expression websocket() && path('/chat/*')
//	expression websocket({'origin': ['same', '*.example.org'], 'subprotocol': 'mqtt'})
func (MatchWebSocket) CELLibrary(ctx caddy.Context) (cel.Library, error) {
	const function = "websocket_request_map"
	factory := func(data ref.Val) (caddyhttp.RequestMatcherWithError, error) {
		values, err := caddyhttp.CELValueToMapStrList(data)
		if err != nil {
			return nil, fmt.Errorf("reading the argument of websocket(): %w", err)
		}
		for key := range values {
			if key != "origin" && key != "subprotocol" {
				return nil, fmt.Errorf("websocket() knows no %q; write 'origin' or 'subprotocol'", key)
			}
		}
		m := MatchWebSocket{Origin: values["origin"], Subprotocol: values["subprotocol"]}
		err = m.Provision(ctx)
		return m, err
	}
	return caddyhttp.NewMatcherCELLibrary(
		[]cel.EnvOption{
			cel.Macros(parser.NewGlobalVarArgMacro("websocket", expandWebSocketMacro(function))),
			cel.Function(function,
				cel.Overload(function, []*cel.Type{cel.ObjectType("http.Request"), caddyhttp.CELTypeJSON}, cel.BoolType),
				cel.SingletonBinaryBinding(caddyhttp.CELMatcherRuntimeFunction(function, factory))),
		},
		[]cel.ProgramOption{cel.CustomDecorator(caddyhttp.CELMatcherDecorator(function, factory))},
	), nil
}

// expandWebSocketMacro adds what CEL matcher functions are called with, the request
// and one value. CELMatcherImpl has no form for a call without arguments.
func expandWebSocketMacro(function string) parser.MacroExpander {
	return func(eh parser.ExprHelper, _ ast.Expr, args []ast.Expr) (ast.Expr, *common.Error) {
		data := eh.NewMap()
		switch {
		case len(args) == 1 && args[0].Kind() == ast.MapKind:
			data = args[0]
		case len(args) > 0:
			return nil, eh.NewError(args[0].ID(), "websocket() takes nothing, or a map such as {'origin': ['same']}")
		}
		return eh.NewCall(function, eh.NewIdent(caddyhttp.CELRequestVarName), data), nil
	}
}

// Interface guards
var (
	_ caddy.Provisioner                 = (*MatchWebSocket)(nil)
	_ caddyhttp.RequestMatcherWithError = (*MatchWebSocket)(nil)
	_ caddyhttp.CELLibraryProducer      = (*MatchWebSocket)(nil)
)

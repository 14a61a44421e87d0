// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package remoteip finds out the client's address behind proxies, as httpd's
// mod_remoteip does: from a header field, or from a PROXY header ahead of the
// connection.
package remoteip

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// Rules are mod_remoteip's directives of a server.
type Rules struct {
	// Header is the field that names the client: RemoteIPHeader.
	Header string `json:"header,omitempty"`

	// Proxies are those who may say so. If there are none, everyone may.
	Proxies []Proxies `json:"proxies,omitempty"`

	// ProxiesHeader is the field that the addresses of the trusted proxies on the
	// way go to: RemoteIPProxiesHeader.
	ProxiesHeader string `json:"proxies_header,omitempty"`

	// ProxyProtocol says whether connections begin with a PROXY header:
	// RemoteIPProxyProtocol.
	ProxyProtocol *bool `json:"proxy_protocol,omitempty"`

	// Exceptions are the peers whose connections do not:
	// RemoteIPProxyProtocolExceptions. httpd has one list of them for all servers.
	Exceptions []string `json:"proxy_protocol_exceptions,omitempty"`
}

// Proxies are those of one directive.
type Proxies struct {
	// Internal may name clients in private networks, and are not recorded:
	// RemoteIPInternalProxy.
	Internal []string `json:"internal,omitempty"`

	// Trusted may not, and are: RemoteIPTrustedProxy.
	Trusted []string `json:"trusted,omitempty"`

	Line string `json:"line,omitempty"`
}

// Reads says whether name is one of the directives.
func Reads(name string) bool { return directives[strings.ToLower(name)] != nil }

var directives = map[string]func(*Rules, *directive.Context, *syntax.Node) error{
	"remoteipheader":                  (*Rules).header,
	"remoteipproxiesheader":           (*Rules).proxiesHeader,
	"remoteipinternalproxy":           (*Rules).internal,
	"remoteipinternalproxylist":       (*Rules).internalList,
	"remoteiptrustedproxy":            (*Rules).trusted,
	"remoteiptrustedproxylist":        (*Rules).trustedList,
	"remoteipproxyprotocol":           (*Rules).proxyProtocol,
	"remoteipproxyprotocolexceptions": (*Rules).exceptions,
}

// Directive reads one of the directives.
func (rs *Rules) Directive(ctx *directive.Context, n *syntax.Node) error {
	read := directives[strings.ToLower(n.Name)]
	if read == nil || n.Section {
		return fmt.Errorf("%s is none of mod_remoteip's directives", n.Name)
	}
	if ctx.Place != directive.Server {
		return fmt.Errorf("%s is for servers: it must stand outside of sections other than <VirtualHost>", n.Name)
	}
	return read(rs, ctx, n)
}

func (rs *Rules) header(ctx *directive.Context, n *syntax.Node) (err error) {
	rs.Header, err = field(ctx, n)
	return err
}

func (rs *Rules) proxiesHeader(ctx *directive.Context, n *syntax.Node) (err error) {
	rs.ProxiesHeader, err = field(ctx, n)
	return err
}

func field(ctx *directive.Context, n *syntax.Node) (string, error) {
	if err := directive.Args(n, 1, 1, n.Name+" X-Forwarded-For"); err != nil {
		return "", err
	}
	if !httpguts.ValidHeaderFieldName(n.Args[0]) {
		ctx.Warnf(n, "no request has a field named %q; right would be, for example: %s X-Forwarded-For", n.Args[0], n.Name)
	}
	return n.Args[0], nil
}

func (rs *Rules) internal(_ *directive.Context, n *syntax.Node) error {
	addresses, err := addresses(n)
	return rs.add(Proxies{Internal: addresses, Line: directive.Line(n)}, err)
}

func (rs *Rules) trusted(_ *directive.Context, n *syntax.Node) error {
	addresses, err := addresses(n)
	return rs.add(Proxies{Trusted: addresses, Line: directive.Line(n)}, err)
}

func (rs *Rules) internalList(ctx *directive.Context, n *syntax.Node) error {
	addresses, err := list(ctx, n)
	return rs.add(Proxies{Internal: addresses, Line: directive.Line(n)}, err)
}

func (rs *Rules) trustedList(ctx *directive.Context, n *syntax.Node) error {
	addresses, err := list(ctx, n)
	return rs.add(Proxies{Trusted: addresses, Line: directive.Line(n)}, err)
}

func (rs *Rules) add(p Proxies, err error) error {
	if err == nil && len(p.Internal)+len(p.Trusted) > 0 {
		rs.Proxies = append(rs.Proxies, p)
	}
	return err
}

func addresses(n *syntax.Node) ([]string, error) {
	if err := directive.Args(n, 1, -1, n.Name+" 10.0.0.0/8"); err != nil {
		return nil, err
	}
	for _, a := range n.Args {
		if err := checkProxy(a); err != nil {
			return nil, err
		}
	}
	return n.Args, nil
}

// list reads the addresses from a file, whose comments may begin behind them.
func list(ctx *directive.Context, n *syntax.Node) ([]string, error) {
	if err := directive.Args(n, 1, 1, n.Name+" conf/proxies.lst"); err != nil {
		return nil, err
	}
	name := ctx.Absolute(n.Args[0])
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", n.Name, err)
	}
	var all []string
	for lines, line := bufio.NewScanner(bytes.NewReader(text)), 1; lines.Scan(); line++ {
		for _, word := range syntax.Words(lines.Text()) {
			if word == "" || word[0] == '#' {
				break
			}
			if err := checkProxy(word); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", name, line, err)
			}
			all = append(all, word)
		}
	}
	return all, nil
}

func (rs *Rules) proxyProtocol(_ *directive.Context, n *syntax.Node) error {
	on, err := directive.OnOff(n)
	if err == nil {
		rs.ProxyProtocol = &on
	}
	return err
}

func (rs *Rules) exceptions(_ *directive.Context, n *syntax.Node) error {
	if err := directive.Args(n, 1, -1, n.Name+" 127.0.0.1 10.0.0.0/8"); err != nil {
		return err
	}
	for _, a := range n.Args {
		prefix, err := subnet(a)
		if err != nil {
			return err
		}
		rs.Exceptions = append(rs.Exceptions, prefix.String())
	}
	return nil
}

// Merge returns the rules of a virtual host: its own, and the main server's for
// what it says nothing of. One list of proxies replaces the other.
func Merge(outer, inner *Rules) *Rules {
	if outer == nil || inner == nil {
		if outer == nil {
			return inner
		}
		return outer
	}
	merged := *outer
	if inner.Header != "" {
		merged.Header = inner.Header
	}
	if inner.ProxiesHeader != "" {
		merged.ProxiesHeader = inner.ProxiesHeader
	}
	if inner.Proxies != nil {
		merged.Proxies = inner.Proxies
	}
	if inner.ProxyProtocol != nil {
		merged.ProxyProtocol = inner.ProxyProtocol
	}
	merged.Exceptions = union(outer.Exceptions, inner.Exceptions)
	return &merged
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package mapping finds where a request goes: which file, redirect or URL of
// another server its path stands for, as mod_proxy and mod_alias have it.
//
// Whatever does not matter to that is another package's: rewriting comes before
// and hands its URLs to Mapper.ProxyURL, a member of a balancer is chosen
// elsewhere, and access to the target is controlled by the caller.
package mapping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// Rules are the directives of a server and of the Locations in it, in the order
// of the file. A rule of a Location names it.
type Rules struct {
	Pass         []Pass          `json:"proxy_pass,omitempty"`
	Reverse      []Reverse       `json:"proxy_pass_reverse,omitempty"`
	CookieDomain []ReverseCookie `json:"proxy_pass_reverse_cookie_domain,omitempty"`
	CookiePath   []ReverseCookie `json:"proxy_pass_reverse_cookie_path,omitempty"`
	Workers      []Worker        `json:"workers,omitempty"`
	Balancers    []Balancer      `json:"balancers,omitempty"`
	Alias        []Alias         `json:"alias,omitempty"`
	Redirect     []Redirect      `json:"redirect,omitempty"`

	// AllowEncodedSlashes is On, Off or NoDecode; empty is Off.
	AllowEncodedSlashes string `json:"allow_encoded_slashes,omitempty"`
	// MergeSlashes is On unless it is set.
	MergeSlashes *bool `json:"merge_slashes,omitempty"`
	// RedirectRelative lets the target of a redirect be a path.
	RedirectRelative *bool `json:"redirect_relative,omitempty"`
	// WebsocketFallback is ProxyWebsocketFallbackToProxyHttp, On unless it is set.
	WebsocketFallback *bool `json:"proxy_websocket_fallback_to_proxy_http,omitempty"`
}

// directives are those that Rules.Directive takes, in lower case.
var directives = map[string]func(*Rules, *directive.Context, *syntax.Node) error{
	"alias":                        (*Rules).alias,
	"aliasmatch":                   (*Rules).alias,
	"scriptalias":                  (*Rules).alias,
	"scriptaliasmatch":             (*Rules).alias,
	"redirect":                     (*Rules).redirect,
	"redirectmatch":                (*Rules).redirect,
	"redirectpermanent":            (*Rules).redirect,
	"redirecttemp":                 (*Rules).redirect,
	"proxypass":                    (*Rules).proxyPass,
	"proxypassmatch":               (*Rules).proxyPass,
	"proxypassreverse":             (*Rules).proxyPassReverse,
	"proxypassreversecookiedomain": (*Rules).proxyPassReverseCookie,
	"proxypassreversecookiepath":   (*Rules).proxyPassReverseCookie,
	"balancermember":               (*Rules).balancerMember,
	"proxyset":                     (*Rules).proxySet,
	"allowencodedslashes":          (*Rules).allowEncodedSlashes,

	"mergeslashes": func(rs *Rules, ctx *directive.Context, n *syntax.Node) error {
		return setSwitch(&rs.MergeSlashes, ctx, n)
	},
	"redirectrelative": func(rs *Rules, ctx *directive.Context, n *syntax.Node) error {
		return setSwitch(&rs.RedirectRelative, ctx, n)
	},
	"proxywebsocketfallbacktoproxyhttp": func(rs *Rules, ctx *directive.Context, n *syntax.Node) error {
		return setSwitch(&rs.WebsocketFallback, ctx, n)
	},
	"proxypassinterpolateenv": func(_ *Rules, _ *directive.Context, n *syntax.Node) error {
		on, err := directive.OnOff(n)
		if err == nil && on {
			err = fmt.Errorf("%s On is not supported: write what the variables stand for", n.Name)
		}
		return err
	},
}

// Reads says whether name, in any case, is one of the directives of this package.
func Reads(name string) bool { return directives[strings.ToLower(name)] != nil }

// Directive takes one directive.
func (rs *Rules) Directive(ctx *directive.Context, n *syntax.Node) error {
	read := directives[strings.ToLower(n.Name)]
	if read == nil || n.Section {
		return fmt.Errorf("%s is no directive of mod_proxy or mod_alias that maps a path", n.Name)
	}
	return read(rs, ctx, n)
}

// Merge returns the rules of a virtual host, inner, in the server outer. They are
// not changed. Of ProxyPass and all that belongs to it those of the main server
// come first (lab cases E26, E26b), of mod_alias' the virtual host's. All rules of
// Locations are in the order of the file, as the Locations are.
func Merge(outer, inner *Rules) *Rules {
	return &Rules{
		Pass:         slices.Concat(outer.Pass, inner.Pass),
		Reverse:      slices.Concat(outer.Reverse, inner.Reverse),
		CookieDomain: slices.Concat(outer.CookieDomain, inner.CookieDomain),
		CookiePath:   slices.Concat(outer.CookiePath, inner.CookiePath),
		Workers:      slices.Concat(outer.Workers, inner.Workers),
		Balancers:    slices.Concat(outer.Balancers, inner.Balancers),
		Alias:        mergeAlias(outer.Alias, inner.Alias, func(a Alias) bool { return a.Location != "" }),
		Redirect:     mergeAlias(outer.Redirect, inner.Redirect, func(d Redirect) bool { return d.Location != "" }),

		AllowEncodedSlashes: orElse(inner.AllowEncodedSlashes, outer.AllowEncodedSlashes),
		MergeSlashes:        orElse(inner.MergeSlashes, outer.MergeSlashes),
		RedirectRelative:    orElse(inner.RedirectRelative, outer.RedirectRelative),
		WebsocketFallback:   orElse(inner.WebsocketFallback, outer.WebsocketFallback),
	}
}

// mergeAlias puts the rules of the main server behind a virtual host's, and those
// of its Locations before.
func mergeAlias[T any](outer, inner []T, located func(T) bool) []T {
	var first, last []T
	for _, rule := range outer {
		if located(rule) {
			first = append(first, rule)
		} else {
			last = append(last, rule)
		}
	}
	return slices.Concat(first, inner, last)
}

func orElse[T comparable](value, otherwise T) T {
	var zero T
	if value != zero {
		return value
	}
	return otherwise
}

func (rs *Rules) allowEncodedSlashes(ctx *directive.Context, n *syntax.Node) error {
	if err := directive.Args(n, 1, 1, "AllowEncodedSlashes NoDecode"); err != nil {
		return err
	}
	for _, value := range []string{"Off", "On", "NoDecode"} {
		if strings.EqualFold(n.Args[0], value) {
			rs.AllowEncodedSlashes = value
			return serverOnly(ctx, n)
		}
	}
	return fmt.Errorf("%s must be On, Off or NoDecode, not %q", n.Name, n.Args[0])
}

// setSwitch takes a directive that is On or Off for the whole server.
func setSwitch(to **bool, ctx *directive.Context, n *syntax.Node) error {
	on, err := directive.OnOff(n)
	if err != nil {
		return err
	}
	if ctx.Place != directive.Server {
		return fmt.Errorf("%s is supported outside all sections and in <VirtualHost> only", n.Name)
	}
	*to = &on
	return nil
}

func serverOnly(ctx *directive.Context, n *syntax.Node) error {
	if ctx.Place != directive.Server {
		return fmt.Errorf("%s has to stand outside all sections or in <VirtualHost>", n.Name)
	}
	return nil
}

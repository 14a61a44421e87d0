// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package tlsconf

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// versionNames are the versions of TLS there are, as httpd calls them.
var versionNames = [...]string{"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}

var versionNumbers = [len(versionNames)]uint16{tls.VersionTLS10, tls.VersionTLS11, tls.VersionTLS12, tls.VersionTLS13}

// versions are those that a directive leaves.
type versions struct {
	on  [len(versionNames)]bool
	old string // one below TLS 1.2 that is asked for by its name
}

// protocols reads SSLProtocol and SSLProxyProtocol. A word without sign drops
// what the words before it have said.
func protocols(field func(*Rules) *[]string, limit func(*versions, *directive.Context, *syntax.Node)) func(*Rules, *directive.Context, *syntax.Node) error {
	return func(rs *Rules, ctx *directive.Context, n *syntax.Node) error {
		if err := directive.Args(n, 1, -1, n.Name+" all -TLSv1 -TLSv1.1"); err != nil {
			return err
		}
		var vs versions
		for i, word := range n.Args {
			if err := vs.word(ctx, n, i, word); err != nil {
				return err
			}
		}
		limit(&vs, ctx, n)
		*field(rs) = nil
		for i, on := range vs.on {
			if on {
				*field(rs) = append(*field(rs), versionNames[i])
			}
		}
		if *field(rs) == nil {
			return fmt.Errorf("%s leaves no version that there is; %s all -TLSv1 -TLSv1.1 would be right", n.Name, n.Name)
		}
		return nil
	}
}

func (vs *versions) word(ctx *directive.Context, n *syntax.Node, i int, word string) error {
	name := strings.TrimLeft(word, "+-")
	sign := word[:len(word)-len(name)]
	set := sign != "-"
	if sign == "" {
		if i > 0 {
			ctx.Warnf(n, "%s has no sign, so that the words before it have no effect; +%s may be meant", word, word)
		}
		*vs = versions{}
	}
	at := slices.IndexFunc(versionNames[:], func(v string) bool { return strings.EqualFold(v, name) })
	switch {
	case len(sign) > 1:
		return fmt.Errorf("%s: %q has more than one sign", n.Name, word)
	case at >= 0:
		if vs.on[at] = set; set && versionNumbers[at] < tls.VersionTLS12 {
			vs.old = versionNames[at]
		}
	case strings.EqualFold(name, "all"):
		for i := range vs.on {
			vs.on[i] = set
		}
	case strings.EqualFold(name, "SSLv2"), strings.EqualFold(name, "SSLv3"):
		if !set {
			return nil
		}
		if ctx.Strict {
			return fmt.Errorf("%s: there is no %s any more; httpd refuses it, too", n.Name, name)
		}
		ctx.Warnf(n, "%s is dropped: it does not exist any more", name)
	default:
		return fmt.Errorf("%s has no %q: all, TLSv1.2, TLSv1.3 or one of them with + or - would be right", n.Name, word)
	}
	return nil
}

// forListener drops what Caddy does not serve.
func (vs *versions) forListener(ctx *directive.Context, n *syntax.Node) {
	for i, number := range versionNumbers {
		if number < tls.VersionTLS12 {
			vs.on[i] = false
		}
	}
	if vs.old != "" {
		ctx.Warnf(n, "%s is dropped: clients get TLS 1.2 and above", vs.old)
	}
}

// forBackend drops what is there for all only: httpd's OpenSSL does not speak it,
// either, unless it is made to.
func (vs *versions) forBackend(*directive.Context, *syntax.Node) {
	if vs.old == "" {
		vs.on[0], vs.on[1] = false, false
	}
}

// limits are the lowest and the highest of some versions; TLS 1.2 and 1.3 if
// there are none.
func limits(names []string) (low, high uint16) {
	low, high = tls.VersionTLS12, tls.VersionTLS13
	for i, name := range names {
		at := slices.Index(versionNames[:], name)
		if at < 0 {
			continue
		}
		if i == 0 {
			low, high = versionNumbers[at], versionNumbers[at]
		}
		low, high = min(low, versionNumbers[at]), max(high, versionNumbers[at])
	}
	return low, high
}

// ciphers reads SSLCipherSuite and SSLProxyCipherSuite. Those of TLS 1.3 are not
// for choosing in Go.
func ciphers(field func(*Rules) *string) func(*Rules, *directive.Context, *syntax.Node) error {
	return func(rs *Rules, ctx *directive.Context, n *syntax.Node) error {
		if err := directive.Args(n, 1, 2, n.Name+" HIGH:!aNULL"); err != nil {
			return err
		}
		spec := n.Args[len(n.Args)-1]
		if spec == "" {
			return errors.New(n.Name + " needs a list of ciphers")
		}
		if len(n.Args) == 2 {
			switch strings.ToLower(n.Args[0]) {
			case "ssl":
			case "tlsv1.3":
				return nil
			default:
				return fmt.Errorf("%s is for SSL or TLSv1.3, not for %q", n.Name, n.Args[0])
			}
		}
		if ctx.Place != directive.Server && ctx.Place != directive.Proxy {
			if !strongOnly(spec) {
				return fmt.Errorf("%s is not supported in a section: the ciphers are agreed on before the path is known; put it into the <VirtualHost>", n.Name)
			}
			return nil // whatever Go agrees on is as strong
		}
		if !strongOnly(spec) && len(cipherSuites(spec)) == 0 {
			ctx.Warnf(n, "%s %s has no effect: it names no cipher that Go has, and Go's own choice holds", n.Name, spec)
		}
		*field(rs) = spec
		return nil
	}
}

// cipherNames are Go's names of the ciphers that OpenSSL calls so. The others of
// TLS 1.2 are insecure, and Caddy has none of them.
var cipherNames = map[string]string{
	"ECDHE-ECDSA-AES128-GCM-SHA256": "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
	"ECDHE-RSA-AES128-GCM-SHA256":   "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
	"ECDHE-ECDSA-AES256-GCM-SHA384": "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
	"ECDHE-RSA-AES256-GCM-SHA384":   "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
	"ECDHE-ECDSA-CHACHA20-POLY1305": "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
	"ECDHE-RSA-CHACHA20-POLY1305":   "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
	"ECDHE-ECDSA-AES128-SHA":        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
	"ECDHE-RSA-AES128-SHA":          "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
	"ECDHE-ECDSA-AES256-SHA":        "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
	"ECDHE-RSA-AES256-SHA":          "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
}

func cipherWords(spec string) []string {
	return strings.FieldsFunc(spec, func(c rune) bool { return strings.ContainsRune(":, ", c) })
}

// cipherSuites returns Go's names for a list of OpenSSL's. It is empty, and the
// choice Go's, if the list has classes of ciphers as HIGH or none that Go has.
func cipherSuites(spec string) []string {
	var suites []string
	for _, word := range cipherWords(spec) {
		switch name := cipherNames[word]; {
		case strings.ContainsAny(word[:1], "!-@"):
		case name != "":
			suites = append(suites, name)
		case !strings.Contains(word, "-"):
			return nil
		}
	}
	return slices.Compact(suites)
}

// strongOnly says whether a list is of classes that Go's own choice is in the
// spirit of.
func strongOnly(spec string) bool {
	for _, word := range cipherWords(spec) {
		switch strings.ToUpper(strings.TrimLeft(word, "+")) {
		case "HIGH", "DEFAULT", "ALL", "PROFILE=SYSTEM":
			return true
		}
	}
	return false
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// webOriginPattern is one value of [MatchWebSocket]'s origin list: which web pages, by
// their origin (RFC 6454), may connect. The origins that tunnels lead to are
// something else.
type webOriginPattern struct {
	webOrigin
	keyword  string // same, none or null
	template string // the value as written, to be parsed once its placeholders are known
}

func newWebOriginPattern(value string) (p webOriginPattern, err error) {
	lower := lowerASCII(value)
	switch {
	case hasPlaceholder(value):
		return webOriginPattern{template: value}, nil
	case lower == "same" || lower == "none" || lower == "null":
		return webOriginPattern{keyword: lower}, nil
	case strings.Trim(lower, "'") == "self": // as in a Content-Security-Policy
		return p, fmt.Errorf("origin %q: write same for pages of the site itself", value)
	}
	scheme, rest, hasScheme := strings.Cut(lower, "://")
	if !hasScheme {
		scheme, rest = "", lower
	}
	authority, anyPort := strings.CutSuffix(rest, ":*")
	p.scheme = scheme
	var ok bool
	if p.host, p.port, ok = splitAuthority(authority); !ok || anyPort && p.port != "" {
		if end := strings.IndexAny(rest, "/?#"); end > 0 {
			return p, fmt.Errorf("origin %q: an origin ends after the host or port; write %q", value, lower[:len(lower)-len(rest)+end])
		}
		return p, fmt.Errorf("origin %q is malformed; write https://example.com, *.example.org, host:port, same, none or null", value)
	}
	switch {
	case hasScheme && !validScheme(scheme):
		return p, fmt.Errorf("origin %q: %q is not a scheme; write https://example.com", value, scheme)
	case scheme == "ws" || scheme == "wss":
		return p, fmt.Errorf("origin %q: an Origin has the scheme of the page that connects; write http%s", value, value[len("ws"):])
	case strings.HasPrefix(p.host, "."):
		return p, fmt.Errorf("origin %q: for every subdomain write %q", value, strings.Replace(value, ".", "*.", 1))
	case p.host == "*":
		return p, fmt.Errorf("origin %q would allow every site; leave origin out, or name a domain as in *.example.org", value)
	}
	for label := range strings.SplitSeq(p.host, ".") {
		if label == "" || label != "*" && strings.Contains(label, "*") {
			return p, fmt.Errorf("origin %q: labels must not be empty, and * stands for a whole one; write a host such as *.example.org", value)
		}
	}
	if hasScheme && !anyPort && p.port == "" {
		p.port = webPort(scheme)
	}
	return p, nil
}

// matches reports whether p allows the page that r comes from.
func (p webOriginPattern) matches(r *http.Request) bool {
	lines := r.Header["Origin"]
	if p.keyword == "none" || len(lines) != 1 {
		return p.keyword == "none" && len(lines) == 0
	}
	if p.keyword == "null" {
		return lines[0] == "null"
	}
	origin, ok := parseWebOrigin(lines[0])
	if !ok {
		return false
	}
	if p.keyword == "same" {
		return origin.sameAs(r)
	}
	return (p.scheme == "" || p.scheme == origin.scheme) &&
		(p.port == "" || p.port == origin.port) &&
		matchLabels(p.host, origin.host)
}

// matchLabels compares host with a pattern in which a label may be "*".
func matchLabels(pattern, host string) bool {
	for {
		p, morePattern, dotPattern := strings.Cut(pattern, ".")
		h, moreHost, dotHost := strings.Cut(host, ".")
		if dotPattern != dotHost || p != h && (p != "*" || h == "") {
			return false
		}
		if !dotPattern {
			return true
		}
		pattern, host = morePattern, moreHost
	}
}

// webOrigin is a scheme, a host and a port (RFC 6454), in lower case. In a request it
// has a port wherever the scheme has a default one; in a pattern, empty means any.
type webOrigin struct{ scheme, host, port string }

func parseWebOrigin(value string) (o webOrigin, ok bool) {
	scheme, authority, hasScheme := strings.Cut(lowerASCII(value), "://")
	if !hasScheme || !validScheme(scheme) {
		return o, false
	}
	o.scheme = scheme
	if o.host, o.port, ok = splitAuthority(authority); o.port == "" {
		o.port = webPort(scheme)
	}
	return o, ok
}

// sameAs reports whether o is a page of the site that r is for. Where r's port goes
// without saying, o's must be the default of o's own scheme.
func (o webOrigin) sameAs(r *http.Request) bool {
	host, port, ok := splitAuthority(lowerASCII(r.Host))
	if !ok || host != o.host || o.scheme != "http" && o.scheme != "https" {
		return false
	}
	own := "http"
	if r.TLS != nil {
		own = "https"
	}
	if port == "" || port == webPort(own) {
		port = webPort(o.scheme)
	}
	return port == o.port
}

// splitAuthority takes host[:port] apart. IPv6 addresses keep their brackets.
func splitAuthority(s string) (host, port string, ok bool) {
	host = s
	if i := strings.LastIndexByte(s, ':'); i > strings.LastIndexByte(s, ']') {
		n, err := strconv.ParseUint(s[i+1:], 10, 16)
		if err != nil {
			return "", "", false
		}
		host, port = s[:i], strconv.FormatUint(n, 10)
	}
	name := host
	if inner, bracket := strings.CutPrefix(host, "["); bracket {
		if name, ok = strings.CutSuffix(inner, "]"); !ok {
			return "", "", false
		}
		name = strings.ReplaceAll(name, ":", "")
	}
	return host, port, name != "" && !strings.ContainsAny(name, ":/?#[]@\\,<>%\"' \t")
}

func webPort(scheme string) string {
	switch scheme {
	case "http":
		return "80"
	case "https":
		return "443"
	}
	return ""
}

// validScheme follows RFC 3986 section 3.1; app shells have their own, such as
// capacitor://localhost or chrome-extension://….
func validScheme(s string) bool {
	for i, c := range []byte(s) {
		letter := 'a' <= c && c <= 'z'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return s != ""
}

// lowerASCII leaves other scripts alone, where two different names may have the same
// lower case: the Kelvin sign becomes a k.
func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}

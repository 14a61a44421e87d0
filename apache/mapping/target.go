// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// Target is where a request is proxied to.
type Target struct {
	Scheme  string // http, https, ws, wss, h2, h2c, or balancer until a member is chosen
	Host    string // for the field Host: host[:port], without a port that is the scheme's
	Address string // to dial: host:port, or unix//path; none for a balancer
	Path    string // escaped, as it goes out
	Query   string

	// Worker has the parameters of the connection. It is nil if no ProxyPass or
	// <Proxy> names this server, as it may be for a URL of RewriteRule.
	Worker *Worker

	// Balancer is where a member has to be chosen. One without members is 503 (lab
	// case E20).
	Balancer *Balancer

	Line string // of the ProxyPass; empty for ProxyURL
}

// StatusError is the answer to a request whose target is no good.
type StatusError struct {
	Status  int
	Message string
}

func (e *StatusError) Error() string { return e.Message }

// URL is the target as httpd writes it.
func (t *Target) URL() string {
	url := t.Scheme + "://" + t.Host + t.Path
	if t.Query != "" {
		url += "?" + t.Query
	}
	return url
}

// Upgrades says whether a request to upgrade to a protocol is passed on: to
// WebSocket if the scheme is ws or wss, and to what upgrade= names (lab cases E7,
// E8, E24).
func (t *Target) Upgrades(protocol string) bool {
	if t.Worker != nil && len(t.Worker.Params.Upgrade) > 0 {
		for _, p := range t.Worker.Params.Upgrade {
			if p == "*" || strings.EqualFold(p, protocol) {
				return true
			}
		}
		return false
	}
	return (t.Scheme == "ws" || t.Scheme == "wss") && strings.EqualFold(protocol, "websocket")
}

// Member is the target on a member of its balancer: the member's URL and the
// path, one behind the other (lab case E20).
func (t *Target) Member(w *Worker) (Target, error) {
	m, ok := w.Target()
	if !ok {
		if w.bad != nil {
			return Target{}, w.bad
		}
		return Target{}, fmt.Errorf("there is no server %s", w.URL)
	}
	// The path went through the balancer's canonical form, and is not escaped anew.
	m.Path, m.Query, m.Balancer, m.Line = m.Path+t.Path, t.Query, t.Balancer, t.Line
	return m, nil
}

// origin is the scheme and authority of a URL.
type origin struct {
	scheme, host string // in lower case, without the port that is the scheme's
	dial         string // host:port
}

// address is where to connect: to a socket, if there is one.
func (o *origin) address(socket string) string {
	if socket != "" {
		return "unix/" + socket
	}
	return o.dial
}

// name is what workers are found by.
func (o *origin) name() string { return o.scheme + "://" + o.host }

// parseURL splits a URL, which has no unix: any more. The path begins behind the
// slash that ends the authority.
func parseURL(url string) (o origin, path string, err *StatusError) {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok || scheme == "" {
		return o, "", &StatusError{http.StatusBadRequest, url + " is not a URL"}
	}
	authority, path, _ := strings.Cut(rest, "/")
	o, err = parseAuthority(strings.ToLower(scheme), authority)
	return o, path, err
}

// parseAuthority takes host and port apart, as mod_proxy does, and drops a user
// in front of them.
func parseAuthority(scheme, authority string) (o origin, err *StatusError) {
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		authority = authority[at+1:]
	}
	authority = strings.ToLower(authority)
	defaultPort, known := schemes[scheme]
	if !known {
		return o, &StatusError{http.StatusInternalServerError, "there is no proxy for " + scheme + "://"}
	}
	host, port := authority, ""
	if colon := strings.LastIndexByte(authority, ':'); colon >= 0 && digits(authority[colon+1:]) {
		host, port = authority[:colon], authority[colon+1:]
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return o, badHost(authority) // lab case E30: /a/
		}
		port = strings.TrimLeft(port, "0")
	}
	literal := strings.HasPrefix(host, "[")
	switch {
	case host == "", digits(host):
		return o, badHost(authority) // lab case E29: no host; and httpd takes digits for a port
	case literal:
		address, parseErr := netip.ParseAddr(strings.TrimSuffix(host[1:], "]"))
		if parseErr != nil || !strings.HasSuffix(host, "]") || !address.Is6() || address.Zone() != "" {
			return o, badHost(authority)
		}
	case strings.ContainsAny(host, "?#"):
		// httpd takes what follows for a query and connects to what is left.
		return o, badHost(authority)
	case strings.ContainsAny(host, `:[]%\"<>^{|}`+"`") || !visible(host):
		// httpd asks the resolver for it: lab case E30, /zz.
		return o, &StatusError{http.StatusInternalServerError, fmt.Sprintf("there can be no host %q", host)}
	}
	o = origin{scheme: scheme, host: host, dial: host + ":" + defaultPort}
	if scheme == balancerSchemeName {
		return origin{scheme: scheme, host: host}, nil
	}
	if port != "" && port != defaultPort {
		o.host = host + ":" + port
		o.dial = o.host
	}
	return o, nil
}

// schemes are those that requests can be proxied to, and their ports.
var schemes = map[string]string{
	"http": "80", "https": "443",
	"ws": "80", "wss": "443",
	"h2c": "80", "h2": "443",
	balancerSchemeName: "",
}

// knownScheme refuses what httpd has other modules for.
func knownScheme(scheme string) error {
	if _, known := schemes[scheme]; known {
		return nil
	}
	switch scheme {
	case "ajp", "fcgi", "scgi", "uwsgi", "ftp":
		return fmt.Errorf("%s:// is not supported: http, https, ws, wss, h2, h2c and balancer are%s", scheme, instead[scheme])
	}
	return fmt.Errorf("%s:// is not a scheme to proxy to: http, https, ws, wss, h2, h2c and balancer are", scheme)
}

// instead says what to do about the protocols of httpd that are not spoken.
var instead = map[string]string{
	"ajp":   "; let the application server speak HTTP, and proxy to that port",
	"fcgi":  "; Caddy's php_fastcgi speaks FastCGI",
	"scgi":  "; let the application server speak HTTP",
	"uwsgi": "; let uWSGI speak HTTP, with its option http-socket",
}

func badHost(authority string) *StatusError {
	return &StatusError{http.StatusBadRequest, fmt.Sprintf("%q is not a host, with a port from 1 to 65535 or without", authority)}
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// cutSocket takes unix:/path| off a URL. A URL behind it needs no host. It fails
// if there is no scheme there, or the path is not absolute.
func cutSocket(url string) (socket, rest string, ok bool) {
	if len(url) < len("unix:") || !strings.EqualFold(url[:len("unix:")], "unix:") {
		return "", url, true
	}
	socket, rest, ok = strings.Cut(url[len("unix:"):], "|")
	if !ok {
		return "", url, true // a scheme that there is not
	}
	scheme, behind, ok := strings.Cut(rest, ":")
	if !ok || !strings.HasPrefix(socket, "/") {
		return "", "", false
	}
	switch {
	case behind == "":
		rest = scheme + "://localhost"
	case strings.HasPrefix(behind, "///"), behind == "//":
		rest = scheme + "://localhost" + behind[len("//"):]
	case strings.HasPrefix(behind, "/") && !strings.HasPrefix(behind, "//"):
		rest = scheme + "://localhost" + behind
	}
	return socket, rest, true
}

// Interface guards
var _ error = (*StatusError)(nil)

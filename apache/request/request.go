// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package request is what httpd knows of a request while it handles it: what
// the client sent, what its path has been mapped to so far, and the variables
// and the environment that rules can ask for.
package request

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Request is one request. Its fields are changed as httpd's phases go by.
type Request struct {
	Method   string      // GET for a WebSocket over HTTP/2 or HTTP/3, as httpd has it
	Line     string      // the request line: "GET /a%20b HTTP/1.1"
	Protocol string      // "HTTP/1.1"
	Host     string      // as the client sent it, perhaps with a port
	Header   http.Header // what is left of the client's after RequestHeader; it has no Host

	URI   string // the path, decoded and cleaned; rewriting changes it
	Query string // without the ?

	// Filename is where in the file system the request has been mapped to, or
	// proxy: and a URL. Empty: not mapped yet.
	Filename string

	// PathInfo is what of URI is behind an existing file.
	PathInfo string

	User     string // who has logged in
	AuthType string // how: "Basic"

	Server *Server
	Remote netip.AddrPort // the client, as a PROXY header or RemoteIPHeader has it
	Peer   netip.AddrPort // who is connected
	Local  netip.AddrPort // where to
	TLS    *tls.ConnectionState
	Time   time.Time // when it came, in the zone that TIME variables are in

	// Answer is the header of the answer, for rules that are about it; nil before
	// there is one.
	Answer http.Header
	Status int // of the answer; 0 before there is one

	// Noted is told what directives make of the request, as they do. nil: nobody asks.
	Noted func(Note)

	env []variable
}

// variable is one of the environment.
type variable struct{ name, value string }

// Server is what httpd knows of the virtual host.
type Server struct {
	Name          string // of ServerName, without port
	Port          int    // of ServerName or the address; 0: the scheme's
	Admin         string
	DocumentRoot  string
	CanonicalName bool // UseCanonicalName On: the host is Name, whatever the client says
}

// Get returns the value of a header field as rules see it: the values of all
// lines, with commas between. Host is one of the fields.
func (r *Request) Get(field string) string {
	value, _ := r.Lookup(field)
	return value
}

// Lookup is Get, and says whether there is such a field.
func (r *Request) Lookup(field string) (value string, ok bool) {
	name := http.CanonicalHeaderKey(field)
	if name == "Host" {
		return r.Host, r.Host != ""
	}
	switch values := r.Header[name]; len(values) {
	case 0:
		return "", false
	case 1:
		return values[0], true
	default:
		return strings.Join(values, ", "), true
	}
}

// Env returns a variable of the environment, which SetEnvIf, SetEnv and
// RewriteRule's E flag fill. The case of names does not matter, as measured: httpd
// keeps them in the kind of table that header fields are in.
func (r *Request) Env(name string) (value string, ok bool) {
	if i := r.findEnv(name); i >= 0 {
		return r.env[i].value, true
	}
	return "", false
}

// SetEnv sets a variable of the environment.
func (r *Request) SetEnv(name, value string) {
	if i := r.findEnv(name); i >= 0 {
		r.env[i].value = value
		return
	}
	r.env = append(r.env, variable{name, value})
}

// UnsetEnv removes a variable of the environment.
func (r *Request) UnsetEnv(name string) {
	if i := r.findEnv(name); i >= 0 {
		r.env = slices.Delete(r.env, i, i+1)
	}
}

// Redirect renames the variables of the environment for a request that goes on under
// another path, with what its answer would have been: FLAG is REDIRECT_FLAG then.
func (r *Request) Redirect(status int) {
	for i := range r.env {
		r.env[i].name = "REDIRECT_" + r.env[i].name
	}
	r.SetEnv("REDIRECT_STATUS", strconv.Itoa(status))
}

// EnvNames are the names of all variables that are set, sorted.
func (r *Request) EnvNames() []string {
	names := make([]string, len(r.env))
	for i, v := range r.env {
		names[i] = v.name
	}
	slices.Sort(names)
	return names
}

func (r *Request) findEnv(name string) int {
	return slices.IndexFunc(r.env, func(v variable) bool { return strings.EqualFold(v.name, name) })
}

// Scheme is http or https.
func (r *Request) Scheme() string {
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

// ServerName is the host that a URL of this server names: the client's, unless
// it sent none or UseCanonicalName is On.
func (r *Request) ServerName() string {
	if host := hostOnly(r.Host); host != "" && !r.Server.CanonicalName {
		return host
	}
	return r.Server.Name
}

// ServerPort is the port that a URL of this server names. It never is the one
// that the client is connected to, unless that is the scheme's.
func (r *Request) ServerPort() int {
	if !r.Server.CanonicalName {
		if port := portOf(r.Host); port != 0 {
			return port
		}
	}
	if r.Server.Port != 0 {
		return r.Server.Port
	}
	return r.DefaultPort()
}

// DefaultPort is the port of the scheme: 80 or 443.
func (r *Request) DefaultPort() int {
	if r.TLS != nil {
		return 443
	}
	return 80
}

func hostOnly(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.Trim(host, "[]")
}

func portOf(host string) int {
	_, text, err := net.SplitHostPort(host)
	if err != nil {
		return 0
	}
	port, err := net.LookupPort("tcp", text)
	if err != nil {
		return 0
	}
	return port
}

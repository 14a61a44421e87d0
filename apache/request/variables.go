// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package request

import (
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// Var returns what %{NAME} stands for in RewriteCond, RewriteRule and
// expressions, HTTP:Field, ENV:name and SSL:name included. One that httpd does
// not know, or that has no value, is empty.
func (r *Request) Var(name string) string {
	if prefix, rest, ok := strings.Cut(name, ":"); ok {
		switch strings.ToUpper(prefix) {
		case "HTTP":
			return r.Get(rest)
		case "ENV":
			if value, ok := r.Env(rest); ok {
				return value
			}
			return os.Getenv(rest) // so mod_rewrite does, and expressions
		case "SSL":
			return r.sslVar(rest)
		}
		return ""
	}
	if get := Variable(name); get != nil {
		return get(r)
	}
	return ""
}

// Variable is what finds the value of a variable without a colon in its name; nil
// if httpd knows no such variable.
func Variable(name string) func(*Request) string {
	name = strings.ToUpper(name)
	if get := variables[name]; get != nil {
		return get
	}
	if ssl, ok := strings.CutPrefix(name, "SSL_"); ok && ssl != "" {
		return func(r *Request) string { return r.sslVar(name) }
	}
	return nil
}

// KnownVar says whether %{NAME} is a variable that httpd knows.
func KnownVar(name string) bool {
	if prefix, _, ok := strings.Cut(name, ":"); ok {
		switch strings.ToUpper(prefix) {
		case "HTTP", "ENV", "SSL":
			return true
		}
		return false
	}
	return Variable(name) != nil
}

// ServerSoftware is the value of SERVER_SOFTWARE, which people compare with what
// it is under httpd.
const ServerSoftware = "Apache"

// variables are those without a colon. That a name is known even if it never has
// a value here matters to expressions, which must not name another.
var variables = map[string]func(*Request) string{
	"HTTP_ACCEPT":           field("Accept"),
	"HTTP_COOKIE":           field("Cookie"),
	"HTTP_FORWARDED":        field("Forwarded"),
	"HTTP_HOST":             field("Host"),
	"HTTP_PROXY_CONNECTION": field("Proxy-Connection"),
	"HTTP_REFERER":          field("Referer"),
	"HTTP_USER_AGENT":       field("User-Agent"),

	"AUTH_TYPE":        func(r *Request) string { return r.AuthType },
	"CONN_REMOTE_ADDR": func(r *Request) string { return address(r.Peer) },
	"DOCUMENT_ROOT":    func(r *Request) string { return r.Server.DocumentRoot },
	"HTTPS":            func(r *Request) string { return onOff(r.TLS != nil) },
	"IPV6":             func(r *Request) string { return onOff(r.Remote.Addr().Unmap().Is6()) },
	"PATH_INFO":        func(r *Request) string { return r.PathInfo },
	"QUERY_STRING":     func(r *Request) string { return r.Query },
	"REMOTE_ADDR":      func(r *Request) string { return address(r.Remote) },
	"REMOTE_HOST":      func(r *Request) string { return address(r.Remote) }, // HostnameLookups is Off
	"REMOTE_IDENT":     none,
	"REMOTE_PORT":      func(r *Request) string { return strconv.Itoa(int(r.Peer.Port())) }, // of the proxy: lab case E14
	"REMOTE_USER":      func(r *Request) string { return r.User },
	"REQUEST_FILENAME": filename,
	"REQUEST_METHOD":   func(r *Request) string { return r.Method },
	"REQUEST_SCHEME":   (*Request).Scheme,
	"REQUEST_STATUS":   status,
	"REQUEST_URI":      func(r *Request) string { return r.URI },
	"SCRIPT_FILENAME":  filename,
	"SCRIPT_GROUP":     none,
	"SCRIPT_USER":      none,
	"API_VERSION":      func(*Request) string { return "20120211:142" },
	"CONTEXT_PREFIX":   none,
	"CONTEXT_DOCUMENT_ROOT": func(r *Request) string {
		return r.Server.DocumentRoot
	},
	"DOCUMENT_URI":    func(r *Request) string { return r.URI },
	"HANDLER":         none,
	"CONTENT_TYPE":    none,
	"HTTP2":           func(r *Request) string { return onOff(strings.HasPrefix(r.Protocol, "HTTP/2")) },
	"IS_SUBREQ":       func(*Request) string { return "false" },
	"LAST_MODIFIED":   none,
	"CONN_LOG_ID":     none,
	"REQUEST_LOG_ID":  none,
	"SERVER_ADDR":     func(r *Request) string { return address(r.Local) },
	"SERVER_ADMIN":    func(r *Request) string { return r.Server.Admin },
	"SERVER_NAME":     (*Request).ServerName,
	"SERVER_PORT":     func(r *Request) string { return strconv.Itoa(r.ServerPort()) },
	"SERVER_PROTOCOL": func(r *Request) string { return r.Protocol },
	"SERVER_SOFTWARE": func(*Request) string { return ServerSoftware },
	"THE_REQUEST":     func(r *Request) string { return r.Line },

	"TIME":      clock("20060102150405"),
	"TIME_YEAR": clock("2006"),
	"TIME_MON":  clock("01"),
	"TIME_DAY":  clock("02"),
	"TIME_HOUR": clock("15"),
	"TIME_MIN":  clock("04"),
	"TIME_SEC":  clock("05"),
	"TIME_WDAY": func(r *Request) string { return strconv.Itoa(int(r.Time.Weekday())) },
}

func none(*Request) string { return "" }

func field(name string) func(*Request) string {
	return func(r *Request) string { return r.Get(name) }
}

func clock(layout string) func(*Request) string {
	return func(r *Request) string { return r.Time.Format(layout) }
}

func filename(r *Request) string {
	if r.Filename == "" {
		return r.URI // httpd's answer before the path is mapped
	}
	return r.Filename
}

// status is empty before there is an answer.
func status(r *Request) string {
	if r.Status == 0 {
		return "200" // which httpd takes it for until something else is known
	}
	return strconv.Itoa(r.Status)
}

func address(a netip.AddrPort) string {
	if !a.IsValid() {
		return ""
	}
	return a.Addr().Unmap().String()
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

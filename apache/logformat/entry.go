// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package logformat

import (
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/mapping"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
)

// entry is an entry of Caddy's access log.
type entry struct {
	server     *Encoder
	begin, end time.Time
	duration   time.Duration

	remoteIP, remotePort string
	clientIP             string
	user                 string

	sent   sent
	header map[string]any // of the request

	status, size, read int
	answer             map[string]any // the header of the answer
	tls                map[string]any // nil without TLS
}

// sent is the request line, in Caddy's words.
type sent struct{ method, host, uri, proto string }

// method is GET for a WebSocket over HTTP/2 or HTTP/3, as httpd has it.
func (e *entry) method() string {
	if e.sent.method == http.MethodConnect && strings.HasPrefix(e.sent.uri, "/") {
		return http.MethodGet
	}
	return e.sent.method
}

func (e *entry) protocol() string {
	if e.sent.proto == "websocket" { // so the package that does HTTP/3 has it
		return "HTTP/3.0"
	}
	return e.sent.proto
}

func (e *entry) requestLine() string {
	return e.method() + " " + e.sent.uri + " " + e.protocol()
}

// path is decoded and cleaned, encoded slashes too, whether they are allowed or not.
func (e *entry) path() string {
	path, _, _ := strings.Cut(e.sent.uri, "?")
	if scheme, rest, ok := strings.Cut(path, "://"); ok && !strings.Contains(scheme, "/") {
		_, path, _ = strings.Cut(rest, "/")
		path = "/" + path
	}
	if cleaned, status := mapping.Clean(path, mapping.CleanOptions{EncodedSlashes: "On"}); status == 0 {
		return cleaned
	}
	return path
}

// query has its question mark.
func (e *entry) query() string {
	if at := strings.IndexByte(e.sent.uri, '?'); at >= 0 {
		return e.sent.uri[at:]
	}
	return ""
}

// hostname is the host that the client asked for.
func (e *entry) hostname() string {
	name := e.sent.host
	if host, _, err := net.SplitHostPort(name); err == nil {
		name = host
	}
	if name = strings.ToLower(strings.TrimSuffix(strings.Trim(name, "[]"), ".")); name == "" {
		return e.server.ServerName
	}
	return name
}

func (e *entry) serverName() string {
	if e.server.ServerName != "" {
		return e.server.ServerName
	}
	return e.hostname()
}

func (e *entry) serverPort() string {
	if e.server.ServerPort != "" {
		return e.server.ServerPort
	}
	if _, port, err := net.SplitHostPort(e.sent.host); err == nil && port != "" {
		return port
	}
	if e.tls != nil {
		return "443"
	}
	return "80"
}

// field is one of the request, with commas between the values of several lines.
func (e *entry) field(name string) (string, bool) {
	if strings.EqualFold(name, "Host") {
		return e.sent.host, e.sent.host != ""
	}
	values := values(e.header, name)
	return strings.Join(values, ", "), len(values) > 0
}

// answerField is one of the answer. As measured: of several lines the first
// counts, apart from Set-Cookie; and of Content-Type what is before the parameters.
func (e *entry) answerField(name string) (string, bool) {
	values := values(e.answer, name)
	if len(values) == 0 {
		return "", false
	}
	switch http.CanonicalHeaderKey(name) {
	case "Set-Cookie":
		return strings.Join(values, ", "), true
	case "Content-Type":
		kind, _, _ := strings.Cut(values[0], ";")
		return strings.TrimSpace(kind), true
	}
	return values[0], true
}

// values are those of a field, as Caddy logs a header.
func values(header map[string]any, field string) []string {
	list, _ := header[http.CanonicalHeaderKey(field)].([]any)
	values := make([]string, 0, len(list))
	for _, value := range list {
		if s, ok := value.(string); ok {
			values = append(values, s)
		}
	}
	return values
}

// cookie is the value of the first cookie with a name, whose case does not matter.
func (e *entry) cookie(name string) (string, bool) {
	for _, line := range values(e.header, "Cookie") {
		for pair := range strings.SplitSeq(line, ";") {
			key, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
			if ok && strings.EqualFold(strings.TrimSpace(key), name) {
				return strings.TrimSpace(value), true
			}
		}
	}
	return "", false
}

// tlsVariable is one of mod_ssl, of those that Caddy logs.
func (e *entry) tlsVariable(name string) (string, bool) {
	if e.tls == nil {
		return "", false
	}
	version, _ := e.tls["version"].(uint16)
	cipher, _ := e.tls["cipher_suite"].(uint16)
	resumed, _ := e.tls["resumed"].(bool)
	state := tls.ConnectionState{Version: version, CipherSuite: cipher, ServerName: text(e.tls, "server_name"), DidResume: resumed}
	value := (&request.Request{TLS: &state}).Var(name)
	return value, value != ""
}

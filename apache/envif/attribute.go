// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package envif

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/regex"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
)

// attribute finds what a rule looks at. What is missing is empty, so that ^$
// matches it.
type attribute func(*request.Request) (string, error)

// newAttribute finds the attribute of a rule: one of httpd's six, a header field
// or else a variable, or the last field whose name matches.
func newAttribute(rule *Rule) (attribute, error) {
	name := rule.Attribute
	if strings.HasPrefix(strings.ToUpper(name), "OID(") {
		return nil, errors.New("OID looks into the client's certificate, which is not possible; SetEnvIfExpr with %{SSL_CLIENT_S_DN} may do")
	}
	switch strings.ToLower(name) {
	case "remote_addr", "remote_host": // HostnameLookups is Off
		return ofVariable("REMOTE_ADDR"), nil
	case "server_addr":
		return ofVariable("SERVER_ADDR"), nil
	case "request_method":
		return ofVariable("REQUEST_METHOD"), nil
	case "request_protocol":
		return ofVariable("SERVER_PROTOCOL"), nil
	case "request_uri":
		if rule.Section {
			return ofVariable("REQUEST_URI"), nil
		}
		return func(r *request.Request) (string, error) { return sentPath(r), nil }, nil
	}
	if strings.ContainsFunc(name, func(c rune) bool {
		return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_')
	}) {
		names, err := regex.Compile(name, rule.NoCase)
		if err != nil {
			return nil, err
		}
		return ofFields(names), nil
	}
	return func(r *request.Request) (string, error) {
		if value, ok := r.Lookup(name); ok {
			return value, nil
		}
		value, _ := r.Env(name)
		return value, nil
	}, nil
}

func ofVariable(name string) attribute {
	get := request.Variable(name)
	return func(r *request.Request) (string, error) { return get(r), nil }
}

// ofFields is the last of the fields whose name matches; httpd's order is that in
// which they were sent, which is not known here, so it is that of the alphabet.
func ofFields(names *regex.Regexp) attribute {
	return func(r *request.Request) (value string, err error) {
		fields := slices.Collect(maps.Keys(r.Header))
		if r.Host != "" {
			fields = append(fields, "Host")
		}
		slices.Sort(fields)
		for _, field := range slices.Backward(fields) {
			if ok, err := names.Match(field); ok || err != nil {
				return r.Get(field), err
			}
		}
		return "", nil
	}
}

// sentPath is the path in the request line, neither decoded nor cleaned.
func sentPath(r *request.Request) string {
	_, target, ok := strings.Cut(r.Line, " ")
	if !ok {
		return r.URI
	}
	target, _, _ = strings.Cut(target, " ")
	target, _, _ = strings.Cut(target, "?")
	if _, behind, absolute := strings.Cut(target, "://"); absolute && target[0] != '/' {
		slash := strings.IndexByte(behind, '/')
		if slash < 0 {
			return "/"
		}
		return behind[slash:]
	}
	return target
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/logformat"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/remoteip"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// Server is a virtual host, or the main server.
type Server struct {
	syntax.Position `json:"-"` // of <VirtualHost>

	// Addresses are those of <VirtualHost>; the main server has none.
	Addresses []Address `json:"-"`

	Line    string   `json:"line,omitempty"`
	Name    string   `json:"server_name,omitempty"`
	Port    int      `json:"port,omitempty"` // of ServerName
	Aliases []string `json:"server_aliases,omitempty"`

	Admin         string   `json:"server_admin,omitempty"`
	DocumentRoot  string   `json:"document_root,omitempty"`
	CanonicalName *bool    `json:"use_canonical_name,omitempty"`
	Timeout       *Seconds `json:"timeout,omitempty"`
	AccessFiles   []string `json:"access_file_name,omitempty"`
	Protocols     []string `json:"-"`

	RemoteIP *remoteip.Rules  `json:"remote_ip,omitempty"`
	Logs     *logformat.Rules `json:"logs,omitempty"`

	// Dir is what stands outside of sections, and those.
	Dir

	nameless bool // Name is the main server's
}

// Inherit returns a virtual host with what it takes from the main server.
func Inherit(main, host *Server) *Server {
	s := *host
	s.Admin = or(host.Admin, main.Admin)
	s.DocumentRoot = or(host.DocumentRoot, main.DocumentRoot)
	s.CanonicalName = or(host.CanonicalName, main.CanonicalName)
	s.Timeout = or(host.Timeout, main.Timeout)
	if s.AccessFiles == nil {
		s.AccessFiles = main.AccessFiles
	}
	if s.Protocols == nil {
		s.Protocols = main.Protocols
	}
	if s.nameless = s.Name == ""; s.nameless {
		s.Name = main.Name
		if !slices.ContainsFunc(s.Addresses, func(a Address) bool { return a.Port != 0 }) {
			s.Port = main.Port
		}
	}
	s.RemoteIP = merge(main.RemoteIP, host.RemoteIP, remoteip.Merge)
	s.Logs = merge(main.Logs, host.Logs, logformat.Merge)
	s.Dir = *Merge(&main.Dir, &host.Dir, directive.Server)
	return &s
}

// Named says whether a virtual host has a ServerName of its own. If that has no
// port, the one of its URLs is the scheme's, whichever the server listens on.
func (s *Server) Named() bool { return s.Name != "" && !s.nameless }

// or is the first of two that is said.
func or[T comparable](a, b T) T {
	var zero T
	if a != zero {
		return a
	}
	return b
}

// Names are ServerName and what ServerAlias has, in lower case, each once.
func (s *Server) Names() []string {
	var names []string
	for _, name := range append([]string{s.Name}, s.Aliases...) {
		if name = strings.ToLower(strings.TrimSuffix(name, ".")); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

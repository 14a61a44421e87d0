// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package vhost runs a virtual host of httpd inside Caddy: a handler that takes
// each request through httpd's phases, and hands it to the handler that its
// target is for.
package vhost

import (
	"cmp"
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/config"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/mapping"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/remoteip"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/rewrite"
)

func init() {
	caddy.RegisterModule(Handler{})
}

// Handler does with a request what an httpd virtual host does: it maps the path,
// decides who may, changes header fields, reads .htaccess files. It answers what
// httpd answers itself, such as redirects. The rest goes to the next handler,
// changed for its target, with these variables set (see the vars matcher):
//
// Variable | Value
// ---------|---------------
// `apache_origin` | The worker that the request is for, such as ws://localhost:8000, or * for one that no directive names; file, or listing for a folder
// `apache_tunnel` | The same instead of it, if the request is a WebSocket to be carried there
// `root`          | Of the file system, if the request is for a file
//
// and these placeholders, if it is for an origin:
//
// Placeholder | Description
// ------------|---------------
// `{http.apache.address}` | What to connect to, as host:port or unix//path
// `{http.apache.origin}`  | The same as a URL for ws_tunnel
// `{http.apache.host}`    | The host of the target's URL
//
// The adapter named apache writes it; its options are httpd's directives, with
// the lines that they come from.
type Handler struct {
	config.Server

	// The port of the virtual host, if ServerName has none.
	ListenPort int `json:"listen_port,omitempty"`

	// TLS server names of this virtual host. A request that came under another
	// name than its Host belongs to is answered with 421.
	SNI *Names `json:"tls_names,omitempty"`

	// The workers that have routes, each with a value of apache_origin.
	Workers []string `json:"workers,omitempty"`

	// The variables that .htaccess files find defined, with their values.
	Defines map[string]string `json:"defines,omitempty"`

	// The logs that requests go to.
	AccessLogs []AccessLog `json:"access_logs,omitempty"`

	logger    *zap.Logger
	facts     *request.Server
	mapper    *mapping.Mapper
	rewriting *rewrite.Engine
	finder    *remoteip.Finder
	places    *places
	workers   map[string]bool
	balancers map[string]*balancer
}

// CaddyModule returns the Caddy module information.
func (Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.apache_vhost",
		New: func() caddy.Module { return new(Handler) },
	}
}

// builtRoot is the document root that Debian's httpd is built with. Without
// DocumentRoot, sections and the rules in them find the path there, and many a
// pattern without ^ counts on it; its files are not served, since no line says so.
const builtRoot = "/var/www/html"

// Provision compiles the directives.
func (h *Handler) Provision(ctx caddy.Context) (err error) {
	h.logger = ctx.Logger()
	if h.Line != "" {
		h.logger = h.logger.Named(h.Line) // ErrorLog is for one virtual host
	} else {
		h.logger = h.logger.Named("main")
	}
	h.facts = &request.Server{
		Name: h.Name, Port: h.Port, Admin: h.Admin, DocumentRoot: cmp.Or(h.DocumentRoot, builtRoot),
		CanonicalName: h.CanonicalName != nil && *h.CanonicalName,
	}
	if h.facts.Port == 0 {
		h.facts.Port = h.ListenPort
	}
	if h.Mapping != nil {
		if h.mapper, err = h.Mapping.Compile(); err != nil {
			return err
		}
	}
	if h.Rewrite != nil {
		if h.rewriting, err = h.Rewrite.Compile(rewrite.CompileOptions{OwnName: h.ownName}); err != nil {
			return err
		}
	}
	if h.RemoteIP != nil {
		if h.finder, err = h.RemoteIP.Compile(); err != nil {
			return err
		}
	}
	if h.places, err = newPlaces(h); err != nil {
		return err
	}
	h.workers = make(map[string]bool, len(h.Workers))
	for _, w := range h.Workers {
		h.workers[w] = true
	}
	if err := h.provisionBalancers(); err != nil {
		return err
	}
	if err := registerMetrics(ctx); err != nil {
		return err
	}
	return h.provisionLogs()
}

func (h *Handler) provisionBalancers() error {
	h.balancers = make(map[string]*balancer)
	for _, b := range h.mapper.Balancers() {
		compiled, err := newBalancer(&b)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", b.Line, b.Name, err)
		}
		h.balancers[b.Name] = compiled
	}
	return nil
}

// ownName says whether a host is a name of this virtual host.
func (h *Handler) ownName(host string) bool {
	return matchName(h.Name, host) || matchNames(h.Aliases, host)
}

// Interface guards
var (
	_ caddy.Provisioner = (*Handler)(nil)
)

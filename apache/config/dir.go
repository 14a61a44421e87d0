// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"maps"
	"slices"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/access"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/envif"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/header"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/mapping"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/rewrite"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/tlsconf"
)

// Dir is what holds in one place: a section, a .htaccess file, or a server
// outside its sections. httpd calls it the per-directory configuration, since
// that is what it was before there were Locations.
type Dir struct {
	Env     *envif.Rules   `json:"env,omitempty"`
	Rewrite *rewrite.Rules `json:"rewrite,omitempty"`
	Mapping *mapping.Rules `json:"mapping,omitempty"`
	Access  *access.Rules  `json:"access,omitempty"`
	Header  *header.Rules  `json:"header,omitempty"`
	Proxy   *Proxy         `json:"proxy,omitempty"`
	TLS     *tlsconf.Rules `json:"tls,omitempty"`
	Files   *Files         `json:"files,omitempty"`

	// ErrorDocuments are by status.
	ErrorDocuments map[int]ErrorDocument `json:"error_documents,omitempty"`

	// LimitRequestBody is in bytes; 0 is any size.
	LimitRequestBody *int64 `json:"limit_request_body,omitempty"`

	// Sections are those of this place, in order.
	Sections []Section `json:"sections,omitempty"`
}

// Section is one that applies to some requests of a server.
type Section struct {
	Line string `json:"line,omitempty"`

	// Kind is in lower case: location, locationmatch, directory, directorymatch,
	// files, filesmatch, proxy, proxymatch, if, elseif or else.
	Kind string `json:"kind"`

	// Path is what the section is for: a path, perhaps with wildcards, a regular
	// expression, a URL, or the condition of an <If>.
	Path string `json:"path,omitempty"`

	Dir
}

// Proxy is how requests are passed on.
type Proxy struct {
	PreserveHost  *bool    `json:"preserve_host,omitempty"`  // ProxyPreserveHost
	AddHeaders    *bool    `json:"add_headers,omitempty"`    // ProxyAddHeaders
	ErrorOverride []int    `json:"error_override,omitempty"` // ProxyErrorOverride; a 0 is any error
	Timeout       *Seconds `json:"timeout,omitempty"`        // ProxyTimeout
	Via           string   `json:"via,omitempty"`            // ProxyVia, in lower case
	IdleTimeout   *Seconds `json:"idle_timeout,omitempty"`   // ProxyWebsocketIdleTimeout
	SourceAddress string   `json:"source_address,omitempty"` // ProxySourceAddress
	MaxForwards   int      `json:"max_forwards,omitempty"`   // ProxyMaxForwards; 0: none
}

// Seconds is a time as httpd counts it.
type Seconds float64

// Files is how files are served.
type Files struct {
	Index         []string          `json:"index,omitempty"`   // DirectoryIndex; empty strings: disabled
	Listing       *bool             `json:"listing,omitempty"` // Options Indexes
	Slash         *bool             `json:"directory_slash,omitempty"`
	AllowOverride []string          `json:"allow_override,omitempty"` // in lower case; none is a value
	Types         map[string]string `json:"types,omitempty"`          // AddType, by extension in lower case
	ForceType     string            `json:"force_type,omitempty"`
	Charset       string            `json:"default_charset,omitempty"` // AddDefaultCharset; off is a value
	Handler       string            `json:"handler,omitempty"`         // SetHandler; none is a value
	Handlers      map[string]string `json:"handlers,omitempty"`        // AddHandler, by extension in lower case; RemoveHandler leaves an empty one
	Fallback      string            `json:"fallback,omitempty"`        // FallbackResource
}

// ErrorDocument is what an error is answered with; one of the fields is set.
type ErrorDocument struct {
	Text    string `json:"text,omitempty"`
	Path    string `json:"path,omitempty"` // of this server, asked for instead
	URL     string `json:"url,omitempty"`  // to go to
	Default bool   `json:"default,omitempty"`
}

// Merge is what holds in a place inside another, or where a later section
// applies, too. The place is that of the inner one.
func Merge(outer, inner *Dir, place directive.Place) *Dir {
	return &Dir{
		Env:              merge(outer.Env, inner.Env, envif.Merge),
		Rewrite:          rewrite.Merge(outer.Rewrite, inner.Rewrite, place),
		Mapping:          merge(outer.Mapping, inner.Mapping, mapping.Merge),
		Access:           merge(outer.Access, inner.Access, access.Merge),
		Header:           merge(outer.Header, inner.Header, header.Merge),
		Proxy:            merge(outer.Proxy, inner.Proxy, mergeProxy),
		TLS:              merge(outer.TLS, inner.TLS, tlsconf.Merge),
		Files:            merge(outer.Files, inner.Files, mergeFiles),
		ErrorDocuments:   mergeMaps(outer.ErrorDocuments, inner.ErrorDocuments),
		LimitRequestBody: or(inner.LimitRequestBody, outer.LimitRequestBody),
		Sections:         slices.Concat(outer.Sections, inner.Sections),
	}
}

// merge merges rules, if there are any on both sides.
func merge[T any](outer, inner *T, both func(outer, inner *T) *T) *T {
	if outer == nil || inner == nil {
		return or(inner, outer)
	}
	return both(outer, inner)
}

func mergeProxy(outer, inner *Proxy) *Proxy {
	p := Proxy{
		PreserveHost:  or(inner.PreserveHost, outer.PreserveHost),
		AddHeaders:    or(inner.AddHeaders, outer.AddHeaders),
		ErrorOverride: inner.ErrorOverride,
		Timeout:       or(inner.Timeout, outer.Timeout),
		Via:           or(inner.Via, outer.Via),
		IdleTimeout:   or(inner.IdleTimeout, outer.IdleTimeout),
		SourceAddress: or(inner.SourceAddress, outer.SourceAddress),
		MaxForwards:   or(inner.MaxForwards, outer.MaxForwards),
	}
	if p.ErrorOverride == nil {
		p.ErrorOverride = outer.ErrorOverride
	}
	return &p
}

func mergeFiles(outer, inner *Files) *Files {
	f := Files{
		Index:         inner.Index,
		Listing:       or(inner.Listing, outer.Listing),
		Slash:         or(inner.Slash, outer.Slash),
		AllowOverride: inner.AllowOverride,
		Types:         mergeMaps(outer.Types, inner.Types),
		ForceType:     or(inner.ForceType, outer.ForceType),
		Charset:       or(inner.Charset, outer.Charset),
		Handler:       or(inner.Handler, outer.Handler),
		Handlers:      mergeMaps(outer.Handlers, inner.Handlers),
		Fallback:      or(inner.Fallback, outer.Fallback),
	}
	if f.Index == nil {
		f.Index = outer.Index
	}
	if f.AllowOverride == nil {
		f.AllowOverride = outer.AllowOverride
	}
	return &f
}

func mergeMaps[K comparable, V any](outer, inner map[K]V) map[K]V {
	if len(outer) == 0 || len(inner) == 0 {
		if len(inner) == 0 {
			return outer
		}
		return inner
	}
	merged := maps.Clone(outer)
	maps.Copy(merged, inner)
	return merged
}

// Overrides says whether there may be .htaccess files.
func (f *Files) Overrides() bool {
	return f != nil && len(f.AllowOverride) > 0 && !slices.Contains(f.AllowOverride, "none")
}

// Lists says whether folders may be listed anywhere in the place.
func (d *Dir) Lists() bool {
	if f := d.Files; f != nil && (f.Listing != nil && *f.Listing || f.Overrides()) {
		return true
	}
	return slices.ContainsFunc(d.Sections, func(s Section) bool { return s.Dir.Lists() })
}

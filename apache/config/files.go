// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"net/http"
	"path"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// file reads the directives of serving files.
func (d *Dir) file(n *syntax.Node) error {
	f := lazy(&d.Files)
	switch strings.ToLower(n.Name) {
	case "directoryindex":
		return f.index(n)
	case "directoryslash":
		if len(n.Args) == 1 && strings.EqualFold(n.Args[0], "NotFound") {
			f.Slash = new(bool)
			return nil
		}
		return onOff(n, &f.Slash)
	case "fallbackresource":
		return oneArg(n, &f.Fallback, "FallbackResource /index.php")
	case "options":
		return f.options(n)
	case "allowoverride":
		return f.allowOverride(n)
	case "addtype":
		if err := directive.Args(n, 2, -1, "AddType application/wasm .wasm"); err != nil {
			return err
		}
		if f.Types == nil {
			f.Types = make(map[string]string)
		}
		for _, extension := range n.Args[1:] {
			f.Types["."+strings.ToLower(strings.TrimPrefix(extension, "."))] = n.Args[0]
		}
		return nil
	case "adddefaultcharset":
		return f.defaultCharset(n)
	case "forcetype":
		return oneArg(n, &f.ForceType, "ForceType text/plain")
	}
	return fmt.Errorf("nothing reads %s", n.Name) // a test sees to it that all in the table are read
}

func (f *Files) index(n *syntax.Node) error {
	if err := directive.Args(n, 1, -1, "DirectoryIndex index.html"); err != nil {
		return err
	}
	f.Index = n.Args
	if len(n.Args) == 1 && strings.EqualFold(n.Args[0], "disabled") {
		f.Index = []string{}
	}
	return nil
}

// options looks for Indexes only: the other options are about symbolic links,
// CGI and includes.
func (f *Files) options(n *syntax.Node) error {
	if err := directive.Args(n, 1, -1, "Options -Indexes"); err != nil {
		return err
	}
	for i, option := range n.Args {
		sign := strings.IndexAny(option, "+-") == 0
		name := strings.ToLower(strings.TrimLeft(option, "+-"))
		on := !strings.HasPrefix(option, "-") && name != "none"
		if i == 0 && !sign {
			f.Listing = new(bool) // options without a sign replace those before
		}
		if name == "indexes" || name == "all" {
			f.Listing = &on
		}
	}
	return nil
}

func (f *Files) allowOverride(n *syntax.Node) error {
	if err := directive.Args(n, 1, -1, "AllowOverride FileInfo"); err != nil {
		return err
	}
	f.AllowOverride = nil
	for _, group := range n.Args {
		name, _, _ := strings.Cut(strings.ToLower(group), "=")
		switch name {
		case "nonfatal":
		case "all", "none", "authconfig", "fileinfo", "indexes", "limit", "options":
			f.AllowOverride = append(f.AllowOverride, name)
		default:
			return fmt.Errorf("AllowOverride %s: there are All, None, AuthConfig, FileInfo, Indexes, Limit and Options", group)
		}
	}
	return nil
}

func (f *Files) defaultCharset(n *syntax.Node) error {
	if err := oneArg(n, &f.Charset, "AddDefaultCharset utf-8"); err != nil {
		return err
	}
	switch strings.ToLower(f.Charset) {
	case "on":
		f.Charset = "iso-8859-1"
	case "off":
		f.Charset = "off"
	}
	return nil
}

// setHandler takes what a site does without. A page of httpd's own is not there; a
// program is as a rule what the site is about.
func (f *Files) setHandler(rd *reader, n *syntax.Node) error {
	var value string
	if err := oneArg(n, &value, "SetHandler None"); err != nil {
		return err
	}
	switch value = strings.ToLower(value); value {
	case "none", "default-handler":
		f.Handler = "none"
	case "server-status", "server-info", "balancer-manager", "ldap-status":
		f.Handler = value
		rd.warnf(n.Position, "SetHandler %s: there is no such page here, and it is answered with 403; ws_status of this plugin is one", value)
	default:
		return fmt.Errorf("SetHandler %s: what it runs is not part of a proxy; run it with a server of its own, and use ProxyPass (FastCGI is spoken by Caddy's php_fastcgi)", n.Args[0])
	}
	return nil
}

func (f *Files) addHandler(rd *reader, n *syntax.Node) error {
	if err := directive.Args(n, 2, -1, "AddHandler type-map var"); err != nil {
		return err
	}
	handler := n.Args[0]
	switch strings.ToLower(handler) {
	case "none", "default-handler":
		handler = ""
	default:
		rd.warnf(n.Position, "AddHandler %s: nothing is run here, and files named so are answered with 403; use ProxyPass to what runs them", handler)
	}
	f.handle(handler, n.Args[1:])
	return nil
}

func (f *Files) removeHandler(n *syntax.Node) error {
	if err := directive.Args(n, 1, -1, "RemoveHandler .cgi"); err != nil {
		return err
	}
	f.handle("", n.Args)
	return nil
}

func (f *Files) handle(handler string, extensions []string) {
	if f.Handlers == nil {
		f.Handlers = make(map[string]string)
	}
	for _, extension := range extensions {
		f.Handlers[strings.ToLower(strings.TrimPrefix(extension, "."))] = handler
	}
}

// Page is the page of httpd's own that SetHandler puts in the place of files;
// empty if there is none.
func (f *Files) Page() string {
	if f == nil || f.Handler == "none" {
		return ""
	}
	return f.Handler
}

// HandlerOf is what AddHandler has run a file; empty if nothing does. Each of the
// extensions counts, and the last that has one decides.
func (f *Files) HandlerOf(name string) (handler string) {
	if f == nil || len(f.Handlers) == 0 {
		return ""
	}
	for i, extension := range strings.Split(strings.ToLower(path.Base(name)), ".") {
		if own, ok := f.Handlers[extension]; ok && i > 0 {
			handler = own
		}
	}
	return handler
}

// TypeOf is the content type that AddType gives a file; empty if none does.
func (f *Files) TypeOf(name string) string {
	if f == nil {
		return ""
	}
	if f.ForceType != "" {
		return f.ForceType
	}
	return f.Types[strings.ToLower(path.Ext(name))]
}

// AddCharset is what AddDefaultCharset does to an answer, wherever that is from:
// a text that has no character set gets one.
func (f *Files) AddCharset(h http.Header) {
	if f == nil || f.Charset == "" || f.Charset == "off" {
		return
	}
	kind := h.Get("Content-Type")
	if strings.Contains(strings.ToLower(kind), "charset=") {
		return
	}
	bare, _, _ := strings.Cut(kind, ";")
	switch strings.ToLower(strings.TrimSpace(bare)) {
	case "text/html", "text/plain":
		h.Set("Content-Type", kind+"; charset="+f.Charset)
	}
}

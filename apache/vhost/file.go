// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"net/http"
	"os"
	"regexp"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// directoryIndex is mod_dir: a folder becomes the file in it that is its index.
// It comes before access is controlled, since that is to be of the file.
func (x *exchange) directoryIndex() (again bool, err error) {
	name := x.req.Filename
	if x.target != nil || name == "" || !strings.HasSuffix(name, "/") || !strings.HasSuffix(x.req.URI, "/") {
		return false, nil
	}
	info, err := os.Stat(name)
	if err != nil || !info.IsDir() {
		return false, nil
	}
	for _, index := range x.indexes() {
		if strings.HasPrefix(index, "/") {
			continue // a path of the server is no file of the folder
		}
		if info, err := os.Stat(name + index); err == nil && !info.IsDir() {
			x.req.URI += index
			x.rawPath = escapePath(x.req.URI)
			x.note("", "DirectoryIndex", index, true, x.req.URI)
			return true, nil
		}
	}
	return false, nil
}

func (x *exchange) indexes() []string {
	if f := x.place.dir.Files; f != nil && f.Index != nil {
		return f.Index
	}
	return []string{"index.html"}
}

// program is a file that httpd runs as a rule. What makes it do so stands in its main
// configuration, which is often not there: the file would be shown, with the
// passwords in it.
var program = regexp.MustCompile(`(?i)\.(php[0-9]?|pht|phtml|phar|cgi|fcgi|asp|aspx|jsp)$`)

// file hands the request to the file server.
func (x *exchange) file() (again bool, err error) {
	name, files := x.req.Filename, x.place.dir.Files
	if name == "" {
		return false, &refusal{status: http.StatusNotFound, reason: "no directive maps the path, and there is no DocumentRoot"}
	}
	info, err := os.Stat(name)
	origin := fileVar
	switch {
	case err != nil && files != nil && files.Fallback != "" && !strings.EqualFold(files.Fallback, "disabled") && x.req.URI != files.Fallback:
		x.req.URI = files.Fallback
		x.rawPath = escapePath(x.req.URI)
		x.note("", "FallbackResource", files.Fallback, true, "")
		return true, nil
	case err != nil:
		return false, &refusal{status: http.StatusNotFound, reason: "there is no such file"}
	case info.IsDir() && strings.HasSuffix(name, "/"):
		if files == nil || files.Listing == nil || !*files.Listing {
			return false, &refusal{status: http.StatusForbidden, reason: "Options does not have Indexes, and the folder has no index"}
		}
		origin = listVar
	case info.IsDir() && (files == nil || files.Slash == nil || *files.Slash):
		return false, x.redirect(http.StatusMovedPermanently, x.absoluteURL(escapePath(x.req.URI)+"/"))
	}
	if origin == fileVar && program.MatchString(name) {
		return false, &refusal{status: http.StatusForbidden, reason: "it is a program, which is not run here, and not shown either; proxy to what runs it"}
	}
	if err := x.limitBody(); err != nil {
		return false, err
	}
	if mime := x.mime; mime != "" {
		x.w.Header().Set("Content-Type", mime)
	} else if mime := files.TypeOf(name); mime != "" {
		x.w.Header().Set("Content-Type", mime)
	}
	caddyhttp.SetVar(x.r.Context(), originVar, origin)
	caddyhttp.SetVar(x.r.Context(), "root", "/")
	x.r.URL.Path, x.r.URL.RawPath, x.r.URL.RawQuery = name, "", x.req.Query
	a := &answer{ResponseWriterWrapper: &caddyhttp.ResponseWriterWrapper{ResponseWriter: x.w}, x: x}
	x.last = a
	if err := x.next.ServeHTTP(a, x.r); err != nil {
		return false, err
	}
	return false, a.err
}

// limitBody is LimitRequestBody.
func (x *exchange) limitBody() error {
	limit := x.place.dir.LimitRequestBody
	if limit == nil || *limit == 0 || x.stream {
		return nil
	}
	if x.r.ContentLength > *limit {
		return &refusal{status: http.StatusRequestEntityTooLarge, reason: "LimitRequestBody"}
	}
	if x.r.Body != nil {
		x.r.Body = http.MaxBytesReader(x.w, x.r.Body, *limit)
	}
	return nil
}

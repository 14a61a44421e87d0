// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"cmp"
	"mime"
	"net/http"
	"os"
	"path"
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

// file decides whether a file is what the request is answered with.
func (x *exchange) file() (again bool, err error) {
	name, files := x.req.Filename, x.place.dir.Files
	if page := files.Page(); page != "" {
		return false, &refusal{status: http.StatusForbidden, reason: "SetHandler " + page + ": there is no such page"}
	}
	info, err := os.Stat(name)
	origin := fileVar
	if err != nil && files != nil && files.Fallback != "" && !strings.EqualFold(files.Fallback, "disabled") && x.req.URI != files.Fallback {
		x.req.URI = files.Fallback
		x.rawPath = escapePath(x.req.URI)
		x.note("", "FallbackResource", files.Fallback, true, "")
		return true, nil
	}
	folder := err == nil && info.IsDir()
	if folder && !strings.HasSuffix(name, "/") && !x.unrooted && (files == nil || files.Slash == nil || *files.Slash) {
		return false, x.redirect(http.StatusMovedPermanently, x.absoluteURL(escapePath(x.req.URI)+"/"))
	}
	switch x.r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost: // httpd takes a POST of a file for a GET
	case http.MethodOptions:
		return false, x.options()
	default:
		x.w.Header().Set("Allow", fileMethods)
		return false, &refusal{status: http.StatusMethodNotAllowed, reason: "this is a file, which is not changed"}
	}
	if x.unrooted {
		return false, &refusal{status: http.StatusNotFound, reason: "no directive maps the path, and there is no DocumentRoot"}
	}
	switch {
	case err != nil:
		return false, &refusal{status: http.StatusNotFound, reason: "there is no such file"}
	case folder && strings.HasSuffix(name, "/"):
		if files == nil || files.Listing == nil || !*files.Listing {
			return false, &refusal{status: http.StatusForbidden, reason: "Options does not have Indexes, and the folder has no index"}
		}
		if origin = listVar; x.r.Method == http.MethodPost {
			return false, &refusal{status: http.StatusNotFound, reason: "a folder is no target of a POST"}
		}
	}
	if origin == fileVar && (program.MatchString(name) || files.HandlerOf(name) != "") {
		return false, &refusal{status: http.StatusForbidden, reason: "it is a program, which is not run here, and not shown either; proxy to what runs it"}
	}
	if err := x.limitBody(); err != nil {
		return false, err
	}
	return false, x.serveFile(name, origin)
}

// serveFile hands a file, or a folder to be listed, to the file server.
func (x *exchange) serveFile(name, origin string) error {
	if kind := cmp.Or(x.mime, x.place.dir.Files.TypeOf(name), ownType(name)); kind != "" && origin == fileVar {
		x.w.Header().Set("Content-Type", kind)
	}
	if x.r.Method == http.MethodPost {
		x.r.Method = http.MethodGet // the file server knows no other
	}
	caddyhttp.SetVar(x.r.Context(), originVar, origin)
	caddyhttp.SetVar(x.r.Context(), "root", "/")
	x.r.URL.Path, x.r.URL.RawPath, x.r.URL.RawQuery = name, "", x.req.Query
	a := &answer{ResponseWriterWrapper: &caddyhttp.ResponseWriterWrapper{ResponseWriter: x.w}, x: x}
	x.last = a
	if err := x.next.ServeHTTP(a, x.r); err != nil {
		return err
	}
	return a.err
}

// fileMethods are those that a file has.
const fileMethods = "GET,HEAD,POST,OPTIONS"

// options answers OPTIONS, which httpd does without looking for the file.
func (x *exchange) options() error {
	x.w.Header().Set("Allow", fileMethods)
	if err := x.finish(http.StatusOK, false); err != nil {
		return err
	}
	x.w.WriteHeader(http.StatusOK)
	return nil
}

// ownType is the content type that a file has by its name. The file server would
// say in which character set it is, which httpd leaves to AddDefaultCharset.
func ownType(name string) string {
	kind, _, _ := strings.Cut(mime.TypeByExtension(path.Ext(name)), ";")
	return kind
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

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
)

// Directory runs the rules of a folder, whose file system path is dir, with a
// slash at its end, and whose URL path is dirURI. The request's Filename is the
// file.
//
// For a <Location>, dir is empty and dirURI is the path of the section; Filename
// is proxy: and a URL, if a ProxyPass has mapped the request.
func (e *Engine) Directory(r *request.Request, dir, dirURI string) (Result, error) {
	if e == nil || !e.on || len(e.rules) == 0 {
		return Result{}, nil
	}
	if dir == "" && dirURI != "" {
		dir = strings.TrimSuffix(dirURI, "/") + "/"
	}
	// The folder itself, without slash, is to be redirected to it first.
	if !e.noSlash && dir != "" && r.Filename == dir[:len(dir)-1] {
		return Result{}, nil
	}
	x := &run{engine: e, r: r, inFolder: true, dir: dir}
	filename, query := r.Filename, r.Query
	answered, err := x.list()
	switch {
	case err != nil:
		return Result{}, err
	case !answered && !x.changed:
		r.Filename = filename
		return x.result, nil
	case x.wrongQuery():
		return x.refuse(), nil
	case answered:
		return x.answer(), nil
	case x.result.Kind == PassThrough: // for httpd there is another word in front of the path now
		return x.internal(filename, dirURI), nil
	case strings.HasPrefix(r.Filename, proxyPrefix):
		return x.proxy(), nil
	}
	if length, _ := absolute(r.Filename); length > 0 {
		x.rebaseURL(length)
		return x.redirect(query), nil
	}
	return x.internal(filename, dirURI), nil
}

// rebaseURL puts RewriteBase in the place of the folder, which a redirect to a
// file beside has in front.
func (x *run) rebaseURL(scheme int) {
	url := x.r.Filename
	slash := strings.IndexByte(url[scheme:], '/')
	if x.engine.base == "" || slash < 0 {
		return
	}
	at := scheme + slash
	x.r.Filename = url[:at] + replaceFolder(url[at:], x.dir, x.engine.base)
}

// internal makes a file that rules have put together a URL path, with which the
// request begins anew.
func (x *run) internal(filename, dirURI string) Result {
	r := x.r
	if !strings.HasPrefix(r.Filename, "/") {
		return x.with(http.StatusBadRequest)
	}
	x.result.Kind = Rewritten
	if r.Filename == filename { // or it would go round and round
		x.result.Kind = Unchanged
		return x.result
	}
	name := r.Filename
	root := r.Server.DocumentRoot
	switch {
	case x.engine.base != "":
		name = replaceFolder(name, x.dir, x.engine.base)
	case root != "":
		name = replaceFolder(name, root, "/")
	}
	if name == r.Filename && !x.engine.ignoreContext && dirURI != "" { // an Alias leads here
		name = replaceFolder(name, x.dir, dirURI)
	}
	uri, status := parse(name, &r.Query)
	if status != 0 {
		return x.with(status)
	}
	r.URI, r.Filename, r.PathInfo = uri, "", ""
	return x.result
}

// replaceFolder puts another folder in front of what is in a folder.
func replaceFolder(name, folder, by string) string {
	rest, ok := strings.CutPrefix(name, strings.TrimSuffix(folder, "/")+"/")
	if !ok {
		return name
	}
	return strings.TrimSuffix(by, "/") + "/" + rest
}

// parse reads the URI of an internal redirect as one of a client, for that is what
// httpd does, too: it is decoded a second time.
func parse(uri string, query *string) (path string, status int) {
	uri, _, fragment := strings.Cut(uri, "#")
	if fragment {
		*query = "" // which is behind it
	}
	uri, own, found := strings.Cut(uri, "?")
	if found {
		*query = strings.TrimSuffix(own+"?"+*query, "?")
	}
	if strings.Contains(strings.ToLower(uri), "%2f") || strings.Contains(uri, "%00") {
		return "", http.StatusNotFound
	}
	decoded, err := url.PathUnescape(uri)
	if err != nil || above(decoded) {
		return "", http.StatusBadRequest
	}
	for strings.Contains(decoded, "//") {
		decoded = strings.ReplaceAll(decoded, "//", "/")
	}
	return clean(decoded), 0
}

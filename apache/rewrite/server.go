// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"net/http"
	"os"
	"path"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
)

// Server runs the rules of a server, before anything else maps the request. Its
// URI is the decoded and cleaned path.
func (e *Engine) Server(r *request.Request) (Result, error) {
	if e == nil || !e.on || len(e.rules) == 0 {
		return Result{}, nil
	}
	// Patterns are written for paths. To let them make a URL of something else, as
	// @host, opens a proxy to everybody: CVE-2011-3368.
	if !e.anyURI && !strings.HasPrefix(r.URI, "/") {
		return Result{}, nil
	}
	x := &run{engine: e, r: r}
	filename, query := r.Filename, r.Query
	r.Filename = r.URI
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
	case x.result.Kind == PassThrough:
		r.URI, r.Filename = r.Filename, filename
		return x.result, nil
	case strings.HasPrefix(r.Filename, proxyPrefix):
		return x.proxy(), nil
	}
	if length, _ := absolute(r.Filename); length > 0 {
		return x.redirect(query), nil
	}
	return x.file(), nil
}

// file makes a path that rules have put together a file: of the document root,
// unless the path is meant to be a file's already.
func (x *run) file() Result {
	r := x.r
	if !strings.HasPrefix(r.Filename, "/") {
		return x.with(http.StatusBadRequest)
	}
	x.result.Kind = Rewritten
	if !x.reduced && exists(firstFolder(r.Filename)) {
		named := x.names(r.Filename)
		if cleaned := clean(r.Filename); named || x.inRoot(cleaned) {
			r.Filename, x.result.Rooted = cleaned, !named
			return x.result
		}
	}
	if above(r.Filename) {
		return x.refuse()
	}
	if r.Server.DocumentRoot == "" {
		return x.with(http.StatusNotFound)
	}
	r.Filename, x.result.Rooted = clean(r.Server.DocumentRoot+"/"+r.Filename), true
	return x.result
}

// names says whether it is the rule that leads to a file, or lets anything do so.
// What a client has put into the path shall not find other files of the machine.
func (x *run) names(name string) bool {
	rule := x.substituted
	return x.engine.anyPrefix || rule.anyPrefix || strings.HasPrefix(rule.text, firstFolder(name))
}

// inRoot says whether a file, without any .. in its path, is in the document root.
func (x *run) inRoot(cleaned string) bool {
	root := x.r.Server.DocumentRoot
	return root != "" && strings.HasPrefix(cleaned, strings.TrimSuffix(root, "/")+"/")
}

// firstFolder is the first element of an absolute path.
func firstFolder(name string) string {
	if slash := strings.IndexByte(name[1:], '/'); slash >= 0 {
		return name[:slash+1]
	}
	return name
}

func exists(folder string) bool {
	_, err := os.Stat(folder)
	return err == nil && folder != "/"
}

// above says whether a path leads out of the folder that it begins in.
func above(name string) bool {
	depth := 0
	for segment := range strings.SplitSeq(name, "/") {
		switch segment {
		case "", ".":
		case "..":
			if depth--; depth < 0 {
				return true
			}
		default:
			depth++
		}
	}
	return false
}

// clean is path.Clean, but a slash at the end stays.
func clean(name string) string {
	cleaned := path.Clean(name)
	if strings.HasSuffix(name, "/") && cleaned != "/" {
		cleaned += "/"
	}
	return cleaned
}

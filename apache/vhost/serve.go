// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/mapping"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/rewrite"
)

// ServeHTTP takes a request through httpd's phases. An error is answered with
// the ErrorDocument for it, if there is one.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	x := &exchange{h: h, w: w, r: r, next: next, repl: r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)}
	x.read()
	defer x.restore(*r.URL, r.Host)
	err := x.serve()
	if err != nil {
		err = x.answerError(err)
	}
	x.chooseLogs()
	return err
}

// exchange is a request on its way to an answer.
type exchange struct {
	h    *Handler
	w    http.ResponseWriter
	r    *http.Request
	next caddyhttp.Handler
	repl *caddy.Replacer

	req      *request.Request
	rawPath  string // as the client sent it; after an internal redirect, the URI escaped
	rawQuery string
	stream   bool // a WebSocket over HTTP/2 or HTTP/3

	preserveHost bool
	tunnel       bool // the request is a WebSocket, and passed on as one
	via          string
	last         *answer // to what was handed over

	place    *place          // what holds for the request, once it is mapped
	target   *mapping.Target // where it is proxied to; nil: a file
	unrooted bool            // the file is in builtRoot only since no directive says where
	end      bool            // no more rewriting
	rounds   int             // of internal redirects
	status   int             // of the answer, if it is an ErrorDocument
	cookies  []string        // that the answer sets
	mime     string          // the content type of a file, if a rule forces it

	trial *Trial // nil: the request is a real one
}

// maxRounds is LimitInternalRecursion of httpd.
const maxRounds = 10

// serve answers the request, or returns why it cannot be. A round ends with an
// internal redirect, which begins with the mapping again.
func (x *exchange) serve() error {
	if err := x.admit(); err != nil {
		return err
	}
	for ; x.rounds <= maxRounds; x.rounds++ {
		again, err := x.round()
		if err != nil || !again {
			return err
		}
	}
	return &refusal{status: http.StatusInternalServerError, reason: fmt.Sprintf("more than %d internal redirects", maxRounds)}
}

// admit is all that comes before the mapping.
func (x *exchange) admit() error {
	if x.r.Host == "" && x.r.ProtoAtLeast(1, 1) {
		return &refusal{status: http.StatusBadRequest, reason: "no Host"}
	}
	if strings.Contains(x.r.RequestURI, "#") {
		return &refusal{status: http.StatusBadRequest, reason: "a fragment in the request"}
	}
	if x.r.Method == http.MethodConnect && !x.stream {
		return &refusal{status: http.StatusMethodNotAllowed, reason: "CONNECT is for forward proxies"}
	}
	if s := x.r.TLS; s != nil && x.h.SNI != nil && !x.h.SNI.Has(s.ServerName) {
		return &refusal{status: http.StatusMisdirectedRequest, reason: "the TLS server name belongs to another virtual host than Host"}
	}
	if s, t := x.r.TLS, x.h.TLS; s != nil && s.ServerName == "" && t != nil && t.StrictSNI != nil && *t.StrictSNI && x.h.SNI.Shared() {
		return &refusal{status: http.StatusForbidden, reason: "SSLStrictSNIVHostCheck: the client has sent no TLS server name"}
	}
	var status int
	if x.req.URI, status = x.h.mapper.Clean(x.rawPath); status != 0 {
		return &refusal{status: status, reason: "the path is malformed, or has an encoded slash"}
	}
	x.h.finder.Find(x.req)
	// SetEnvIf finds what RequestHeader … early has set.
	if err := x.h.places.base.editor.Early(x.req); err != nil {
		return failed(err)
	}
	return failed(x.h.places.env.If(x.req))
}

// round maps the request, decides whether it may pass, and hands it over. again
// says that it has another path now.
func (x *exchange) round() (again bool, err error) {
	x.target, x.req.Filename, x.req.PathInfo, x.unrooted = nil, "", "", false
	answered, err := x.translate()
	if err != nil || answered {
		return false, err
	}
	if x.place, err = x.h.places.find(x); err != nil {
		return false, err
	}
	if err := failed(x.place.env.If(x.req)); err != nil {
		return false, err
	}
	if again, err := x.directoryIndex(); err != nil || again {
		return again, err
	}
	if t := x.place.dir.TLS; t != nil && !t.Permits(x.req) {
		return false, &refusal{status: http.StatusForbidden, reason: "SSLVerifyClient: the client has no certificate that was verified"}
	}
	d := x.place.guard.Check(x.req)
	if x.place.guard != nil {
		x.note("", "access", "", d.Status == 0, d.Reason)
	}
	if d.Status != 0 {
		return false, &refusal{status: d.Status, reason: d.Reason, challenge: d.Challenge}
	}
	switch again, answered, err = x.fixups(); {
	case err != nil || answered || again:
		return again, err
	case x.target != nil:
		return false, x.proxy()
	}
	return x.file()
}

// translate maps the path: the server's rewriting, then ProxyPass, then aliases
// and redirects, then the document root.
func (x *exchange) translate() (answered bool, err error) {
	if !x.end {
		result, err := x.h.rewriting.Server(x.req)
		if err != nil {
			return false, failed(err)
		}
		mapped, answered, err := x.apply(result)
		if err != nil || answered || mapped {
			return answered, err
		}
	}
	target, found, excluded, err := x.h.mapper.Proxy(x.req, x.rawPath)
	switch {
	case err != nil:
		return false, failed(err)
	case found && !excluded:
		x.setTarget(target)
		return false, nil
	}
	filename, redirection, err := x.h.mapper.AliasOrRedirect(x.req, x.rawQuery)
	switch {
	case err != nil:
		return false, failed(err)
	case redirection != nil:
		return true, x.redirectBy(redirection)
	case filename != "":
		x.req.Filename = filename
	default:
		x.req.Filename = joinPath(x.h.facts.DocumentRoot, x.req.URI)
		x.unrooted = x.h.DocumentRoot == ""
		if x.trial != nil && !x.unrooted {
			x.note("", "DocumentRoot", x.h.DocumentRoot, true, x.req.Filename)
		}
	}
	return false, nil
}

// apply does what rewriting decided. mapped says that nothing else is to map the
// request.
func (x *exchange) apply(result rewrite.Result) (mapped, answered bool, err error) {
	x.end = x.end || result.End
	x.cookies = append(x.cookies, result.Cookies...)
	if result.Type != "" {
		x.mime = result.Type
	}
	switch result.Kind {
	case rewrite.Proxy:
		target, err := x.h.mapper.ProxyURL(result.URL, result.Query, result.NoEscape)
		if err != nil {
			return false, false, failed(err)
		}
		target.Line = result.Rule
		x.setTarget(target)
		return true, false, nil
	case rewrite.Redirect:
		return false, true, x.redirect(result.Status, result.URL)
	case rewrite.Status:
		return false, false, &refusal{status: result.Status, reason: "RewriteRule at " + result.Rule}
	case rewrite.Rewritten:
		x.unrooted = x.h.DocumentRoot == "" && result.Rooted
		return true, false, nil
	case rewrite.PassThrough:
		x.rawPath = escapePath(x.req.URI)
	}
	return false, false, nil
}

// redirected prepares the variables for another round, as an internal redirect of
// httpd does.
func (x *exchange) redirected(status int) error {
	x.req.Redirect(status)
	return failed(x.h.places.env.If(x.req))
}

func (x *exchange) setTarget(t mapping.Target) {
	mapped := t
	mapped.Query = "" // no part of what sections are for
	x.target, x.req.Filename = &t, "proxy:"+mapped.URL()
}

// fixups are the last phase before the answer: the rewriting of folders and
// Locations, redirects of theirs, and the fields of the request.
func (x *exchange) fixups() (again, answered bool, err error) {
	redirection, err := x.h.mapper.Fixup(x.req, x.rawQuery)
	if err == nil && redirection == nil {
		_, redirection, err = x.place.redirects.AliasOrRedirect(x.req, x.rawQuery)
	}
	switch {
	case err != nil:
		return false, false, failed(err)
	case redirection != nil:
		return false, true, x.redirectBy(redirection)
	}
	if x.place.rewriting != nil && !x.end {
		result, err := x.place.rewriting.Directory(x.req, x.place.folder, x.folderURI())
		if err != nil {
			return false, false, failed(err)
		}
		if result.Kind == rewrite.Rewritten {
			x.end = x.end || result.End
			x.cookies = append(x.cookies, result.Cookies...)
			x.rawPath, x.rawQuery = escapePath(x.req.URI), x.req.Query
			return true, false, x.redirected(http.StatusOK)
		}
		if _, answered, err := x.apply(result); err != nil || answered {
			return false, answered, err
		}
	}
	x.place.env.Fixed(x.req)
	return false, false, failed(x.place.editor.Request(x.req))
}

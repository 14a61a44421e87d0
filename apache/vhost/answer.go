// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"fmt"
	"html"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/mapping"
)

// answer is the response of an origin or a file as httpd lets it pass: with the
// fields that Header, ProxyPassReverse and the like make of them.
type answer struct {
	*caddyhttp.ResponseWriterWrapper
	x        *exchange
	status   int
	override bool  // ProxyErrorOverride: the content is thrown away
	err      error // of a Header directive
}

// WriteHeader changes the fields, unless it is of a tunnel: httpd leaves those of
// a 101 alone (lab case E9b).
func (a *answer) WriteHeader(status int) {
	if a.status != 0 {
		return
	}
	x := a.x
	if status == http.StatusSwitchingProtocols || x.stream && status == http.StatusOK {
		a.status = status
		a.setVia()
		a.ResponseWriterWrapper.WriteHeader(status)
		return
	}
	if status < 200 {
		a.ResponseWriterWrapper.WriteHeader(status)
		return
	}
	a.status = status
	h := a.Header()
	if x.target != nil {
		a.setVia()
		if a.override = x.overrides(status); a.override {
			return
		}
		x.h.mapper.Reverse(x.req, *x.target, h)
	}
	if x.status != 0 {
		status = x.status
	}
	if a.err = x.finish(status, false); a.err != nil {
		return
	}
	a.ResponseWriterWrapper.WriteHeader(status)
}

// setVia is ProxyVia, in place of what reverse_proxy and ws_tunnel say of
// themselves.
func (a *answer) setVia() {
	if via := a.Header()["Via"]; len(via) > 0 && strings.HasSuffix(via[len(via)-1], " Caddy") {
		if via = via[:len(via)-1]; len(via) == 0 {
			a.Header().Del("Via")
		} else {
			a.Header()["Via"] = via
		}
	}
	if a.x.via == "on" || a.x.via == "full" {
		a.Header().Add("Via", a.x.ownVia())
	}
}

func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	if a.override || a.err != nil {
		return len(p), nil
	}
	return a.ResponseWriterWrapper.Write(p)
}

// intercepted returns the error that stands for an answer that was thrown away.
func (a *answer) intercepted() error {
	if !a.override {
		return nil
	}
	resetHeader(a.Header(), nil)
	return &refusal{status: a.status, reason: "the origin's answer, replaced for ProxyErrorOverride"}
}

// overrides is ProxyErrorOverride.
func (x *exchange) overrides(status int) bool {
	p := x.place.dir.Proxy
	return p != nil && status >= 400 && (slices.Contains(p.ErrorOverride, status) || slices.Contains(p.ErrorOverride, 0))
}

// finish changes the fields of an answer that is about to go. One that httpd
// makes itself is generated.
func (x *exchange) finish(status int, generated bool) error {
	for _, c := range x.cookies {
		x.w.Header().Add("Set-Cookie", c)
	}
	p := x.place
	if p == nil {
		p = x.h.places.base
	}
	if err := p.editor.Response(x.req, status, x.w.Header(), generated); err != nil {
		return failed(err)
	}
	p.dir.Files.AddCharset(x.w.Header())
	return nil
}

// answered is the status of the answer so far; 0 if there is none.
func (x *exchange) answered() int {
	if x.last == nil {
		return 0
	}
	return x.last.status
}

// redirectBy does what a Redirect says.
func (x *exchange) redirectBy(r *mapping.Redirection) error {
	outcome := strconv.Itoa(r.Status)
	if r.Location != "" {
		outcome += " " + r.Location
	}
	x.note(r.Line, "Redirect", "", true, outcome)
	return x.redirect(r.Status, r.Location)
}

// redirect answers with a Location; without one, with a status.
func (x *exchange) redirect(status int, location string) error {
	if location == "" {
		return &refusal{status: status, reason: "a redirect without a URL"}
	}
	x.w.Header().Set("Location", location)
	x.w.Header().Set("Content-Type", "text/html; charset=iso-8859-1")
	if err := x.finish(status, true); err != nil {
		return err
	}
	x.w.WriteHeader(status)
	if x.req.Method != http.MethodHead {
		fmt.Fprintf(x.w, "<html><head><title>%d %s</title></head><body><a href=\"%s\">%[3]s</a></body></html>\n", status, http.StatusText(status), html.EscapeString(location))
	}
	return nil
}

// absoluteURL is a path as a URL of this server.
func (x *exchange) absoluteURL(path string) string {
	host := x.req.ServerName()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port := x.req.ServerPort(); port != x.req.DefaultPort() {
		host += ":" + strconv.Itoa(port)
	}
	url := x.req.Scheme() + "://" + host + path
	if x.rawQuery != "" {
		url += "?" + x.rawQuery
	}
	return url
}

// Unwrap lets the handlers of a tunnel find the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriterWrapper }

// Interface guards
var _ http.ResponseWriter = (*answer)(nil)

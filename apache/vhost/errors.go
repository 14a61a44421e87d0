// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/config"
)

// answerError answers with the ErrorDocument for an error. Without one the error
// goes to Caddy, as that of any handler.
func (x *exchange) answerError(err error) error {
	var refused *refusal
	if !errors.As(err, &refused) {
		status := http.StatusInternalServerError
		var other caddyhttp.HandlerError
		if errors.As(err, &other) && other.StatusCode != 0 {
			status = other.StatusCode
		}
		refused = &refusal{status: status, reason: "the handler's answer", err: err}
	}
	x.logRefusal(refused)
	if x.answered() != 0 && !x.last.override {
		return err // the answer has begun
	}
	if refused.challenge != "" {
		x.w.Header().Set("WWW-Authenticate", refused.challenge)
	}
	doc, found := x.errorDocument(refused.status)
	if found {
		x.note("", "ErrorDocument", strconv.Itoa(refused.status), true, cmp.Or(doc.URL, doc.Path, "a text"))
	}
	switch {
	case !found:
	case doc.Text != "":
		return x.answerText(refused.status, doc.Text)
	case doc.URL != "":
		return x.redirect(http.StatusFound, doc.URL)
	case doc.Path != "" && x.status == 0:
		return x.answerWith(refused, doc.Path)
	}
	if x.status != 0 { // the ErrorDocument is not there: its own error stays out of it
		refused.status = x.status
	}
	if err := x.finish(refused.status, true); err != nil {
		return err
	}
	// A HandlerError inside of another would decide about the status.
	return caddyhttp.Error(refused.status, errors.New(refused.Error()))
}

// errorDocument is the ErrorDocument of the place that the request is in.
func (x *exchange) errorDocument(status int) (config.ErrorDocument, bool) {
	p := x.place
	if p == nil {
		p = x.h.places.base
	}
	doc, ok := p.dir.ErrorDocuments[status]
	return doc, ok && !doc.Default
}

func (x *exchange) answerText(status int, text string) error {
	h := x.w.Header()
	h.Set("Content-Type", "text/html; charset=iso-8859-1")
	if err := x.finish(status, true); err != nil {
		return err
	}
	x.w.WriteHeader(status)
	_, err := x.w.Write([]byte(text))
	return err
}

// answerWith answers with what there is at another path, under the status of the
// error.
func (x *exchange) answerWith(refused *refusal, path string) error {
	x.status = refused.status
	path, query, _ := strings.Cut(path, "?")
	x.req.URI, x.req.Query, x.rawPath, x.rawQuery = path, query, escapePath(path), query
	x.req.Method, x.r.Method = http.MethodGet, http.MethodGet
	x.r.Body, x.r.ContentLength = http.NoBody, 0
	x.req.Header.Del("Upgrade")
	x.last, x.stream, x.end = nil, false, false
	if err := x.redirected(refused.status); err != nil {
		return caddyhttp.Error(x.status, err)
	}
	for ; x.rounds <= maxRounds; x.rounds++ {
		again, err := x.round()
		switch {
		case err != nil:
			return x.answerError(err)
		case !again:
			return nil
		}
	}
	return caddyhttp.Error(x.status, errors.New(refused.Error()))
}

// logRefusal writes down why a request is not answered as it wished. What an
// origin or a file server says itself is not among it.
func (x *exchange) logRefusal(e *refusal) {
	if x.trial != nil {
		return
	}
	level := zapcore.InfoLevel
	if e.status >= 500 {
		level = zapcore.ErrorLevel
	} else if e.status == http.StatusNotFound {
		level = zapcore.DebugLevel
	}
	refused.WithLabelValues(x.h.label(), statusLabel(e.status)).Inc()
	if c := x.h.logger.Check(level, "refused"); c != nil {
		fields := []zap.Field{zap.Int("status", e.status), zap.String("reason", e.reason), zap.String("remote_ip", x.req.Var("REMOTE_ADDR")), zap.String("host", x.req.Host), zap.String("path", x.req.URI)}
		if e.err != nil {
			fields = append(fields, zap.Error(e.err))
		}
		c.Write(fields...)
	}
}

// originError makes of an error on the way to an origin what httpd answers (lab
// cases E10, E10c, E21).
func originError(err error, url string) error {
	status := http.StatusBadGateway
	var handler caddyhttp.HandlerError
	if errors.As(err, &handler) && handler.StatusCode != 0 {
		status = handler.StatusCode
	}
	var (
		dns     *net.DNSError
		op      *net.OpError
		record  tls.RecordHeaderError
		verify  *tls.CertificateVerificationError
		alert   tls.AlertError
		host    x509.HostnameError
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
		secure  *tlsError
	)
	text := ""
	if dial, ok := errors.AsType[reverseproxy.DialError](err); ok { // which hides what it wraps
		text = dial.Error()
	}
	switch {
	case status == 499: // the client has left
	case errors.As(err, &dns), strings.Contains(text, "lookup "):
		status = http.StatusInternalServerError
	case errors.As(err, &secure), errors.As(err, &record), errors.As(err, &verify), errors.As(err, &alert), errors.As(err, &host), errors.As(err, &unknown), errors.As(err, &invalid):
		status = http.StatusInternalServerError
	case errors.As(err, &op) && op.Op == "dial", text != "":
		status = http.StatusServiceUnavailable
	case status == http.StatusGatewayTimeout:
		status = http.StatusBadGateway
	}
	return &refusal{status: status, reason: url, err: err}
}

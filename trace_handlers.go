// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/fileserver"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/vhost"
)

// traceKind is what a trace does at a handler that it knows.
type traceKind int

const (
	traceUnknown traceKind = iota
	traceRuns              // it touches nothing but the request and the response
	tracePasses            // it always calls the next handler, with nothing that a matcher sees
	traceEnds              // it answers
)

// traceKinds are handlers of Caddy, by name.
var traceKinds = map[string]traceKind{
	"rewrite": traceRuns, "headers": traceRuns, "vars": traceRuns, "map": traceRuns, "static_response": traceRuns, "error": traceRuns,
	"encode": tracePasses, "templates": tracePasses, "tracing": tracePasses, "log_append": tracePasses, "intercept": tracePasses,
	"request_body": tracePasses, "timeouts": tracePasses, "push": tracePasses,
	"file_server": traceEnds, "reverse_proxy": traceEnds, "metrics": traceEnds, "ws_status": traceEnds,
}

// actionOf is a handler's name.
func actionOf(h caddyhttp.MiddlewareHandler) string {
	if module, ok := h.(caddy.Module); ok {
		return strings.TrimPrefix(string(module.CaddyModule().ID), "http.handlers.")
	}
	return fmt.Sprintf("%T", h)
}

// handler does what a handler does, as far as that has no effect outside.
func (t *traceWalk) handler(step *traceStep, next caddyhttp.Handler) caddyhttp.Handler {
	return caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		step.Matched, step.Reason = true, ""
		switch h := step.handler.(type) {
		case *Handler:
			step.Description = h.givenName()
			return t.tunnel(h, step, w, r, next)
		case *Echo:
			return t.echo(step, w, r, next)
		case *caddyhttp.Subroute:
			return t.subroute(h, step, w, r, next)
		case *caddyhttp.Invoke:
			return t.invoke(h, step, w, r, next)
		case *vhost.Handler:
			return t.vhost(h, step, w, r, next)
		case *fileserver.FileServer:
			if h.PassThru {
				return t.assume(step, "whether there is a file is not looked at; the next handler is taken to be called", w, r, next)
			}
		case *reverseproxy.Handler:
			step.Parameter = new(traceParameter)
			for _, u := range h.Upstreams {
				step.Parameter.Upstreams = append(step.Parameter.Upstreams, u.Dial)
			}
			if slices.ContainsFunc(h.HandleResponse, handlesSuccess) {
				return t.assume(step, "its upstream is not asked, and taken to answer with 200, so that the next handler is called", w, r, next)
			}
		}
		switch traceKinds[step.Action] {
		case traceRuns:
			return t.run(step, w, r, next)
		case tracePasses:
			return next.ServeHTTP(w, r)
		case traceEnds:
			return nil
		}
		return t.assume(step, "not run; the next handler is taken to be called", w, r, next)
	})
}

// handlesSuccess tells whether reverse_proxy goes on after a good answer, as
// forward_auth does.
func handlesSuccess(h caddyhttp.ResponseHandler) bool {
	return h.StatusCode == "" && (h.Match == nil || h.Match.Match(http.StatusOK, make(http.Header)))
}

// assume goes on behind a handler of which it is not known what it does.
func (t *traceWalk) assume(step *traceStep, reason string, w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	step.Assumed, step.Reason = true, reason
	return next.ServeHTTP(w, r)
}

// run runs a handler. If it changes what is asked for, the step says so.
func (t *traceWalk) run(step *traceStep, w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) (err error) {
	defer func() {
		switch reason := recover(); reason {
		case nil:
		case http.ErrAbortHandler:
			step.Reason, err = "closes the connection without an answer", nil
		default:
			panic(reason)
		}
	}()
	before := r.RequestURI
	return step.handler.ServeHTTP(w, r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		if r.RequestURI != before {
			step.Parameter = &traceParameter{URI: r.RequestURI}
		}
		return next.ServeHTTP(w, r)
	}))
}

func (t *traceWalk) subroute(h *caddyhttp.Subroute, step *traceStep, w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	err := t.routes(h.Routes, step.StepName+"/routes", step, next).ServeHTTP(w, r)
	if err != nil && h.Errors != nil {
		return t.afterError(h.Errors, step.StepName+"/errors", step, r, err, next)
	}
	return err
}

// mostInvoked is how many named routes a request may be sent through: routes that
// invoke each other have no end.
const mostInvoked = 100

func (t *traceWalk) invoke(h *caddyhttp.Invoke, step *traceStep, w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	route, ok := t.server.NamedRoutes[h.Name]
	if !ok {
		return fmt.Errorf("invoke: there is no route %q", h.Name)
	}
	if t.invoked++; t.invoked > mostInvoked {
		return errors.New("invoke: named routes invoke each other without end")
	}
	step.Description = h.Name
	below := ruleStep(*route, t.server.path()+"/named_routes/"+h.Name)
	step.Trace = append(step.Trace, below)
	return t.route(*route, below, next).ServeHTTP(w, r)
}

func (t *traceWalk) echo(step *traceStep, w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if !isWebSocket(r) {
		step.Matched, step.Reason = false, noWebSocket
		return next.ServeHTTP(w, r)
	}
	w.WriteHeader(switchStatus(r.ProtoMajor))
	return nil
}

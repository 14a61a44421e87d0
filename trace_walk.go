// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// traceWalk follows a request through a server's routes as the server would. The
// chain of handlers is Caddy's; what might do anything to others is left out of it.
type traceWalk struct {
	server  tracedServer
	writer  *traceWriter
	end     caddyhttp.Handler // behind all routes
	groups  map[string]bool   // that have had their route
	invoked int
	members *traceMembers // behind a balancer of httpd
}

// serve is what the server does with a request.
func (t *traceWalk) serve(s tracedServer, r *http.Request, step *traceStep) {
	t.server, t.end = s, t.behindAll(step)
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), t.writer, s.Server)
	err := t.strictHost(r)
	if err == nil {
		if len(numberedRoutes(s.Routes)) < len(s.Routes) {
			_, _ = proxyFactsPublisher{}.MatchWithError(r) // of which there are none
		}
		err = t.routes(s.Routes, s.path()+"/routes", step, t.end).ServeHTTP(t.writer, r)
	}
	if err == nil {
		return
	}
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok {
		r.Method, r.RemoteAddr, r.RequestURI = original.Method, original.RemoteAddr, original.RequestURI
		r.URL = copyURL(original.URL)
	}
	if t.afterError(s.Errors, s.path()+"/errors", step, r, err, t.end) != nil {
		t.writer.WriteHeader(statusOf(err))
	}
}

// strictHost is the check that the server makes before all routes.
func (t *traceWalk) strictHost(r *http.Request) error {
	strict := t.server.StrictSNIHost
	if strict == nil || !*strict || r.TLS == nil || strings.EqualFold(r.TLS.ServerName, hostOnly(r.Host)) {
		return nil
	}
	return caddyhttp.Error(http.StatusMisdirectedRequest, fmt.Errorf("strict_sni_host: Host is %q, and the TLS server name %q", r.Host, r.TLS.ServerName))
}

// afterError follows what the config has for errors.
func (t *traceWalk) afterError(errs *caddyhttp.HTTPErrorConfig, path string, in *traceStep, r *http.Request, err error, next caddyhttp.Handler) error {
	step := &traceStep{StepName: path, Type: typeRuleset, Matched: true, Name: "errors", Kind: "errors", Reason: textOf(err)}
	in.Trace = append(in.Trace, step)
	if errs == nil {
		return err
	}
	return t.routes(errs.Routes, path+"/routes", step, next).ServeHTTP(t.writer, errs.WithError(r, err))
}

// statusOf is the status that a server answers an error with.
func statusOf(err error) int {
	var known caddyhttp.HandlerError
	if errors.As(err, &known) && known.StatusCode != 0 {
		return known.StatusCode
	}
	return http.StatusInternalServerError
}

// textOf is an error without where in Caddy it was made.
func textOf(err error) string {
	var known caddyhttp.HandlerError
	if !errors.As(err, &known) {
		return err.Error()
	}
	text := strconv.Itoa(statusOf(err))
	if known.Err != nil && known.Err.Error() != "" {
		text += ": " + known.Err.Error()
	}
	return text
}

// behindAll is behind all routes: Caddy answers with an empty 200, or the status of the
// error that led there.
func (t *traceWalk) behindAll(step *traceStep) caddyhttp.Handler {
	return caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		if err, ok := r.Context().Value(caddyhttp.ErrorCtxKey).(error); ok {
			w.WriteHeader(statusOf(err))
			return nil
		}
		step.Reason = "no handler answers, so the answer is empty"
		w.WriteHeader(http.StatusOK)
		return nil
	})
}

// notReached is the reason of steps that nothing came to.
const notReached = "not reached"

// routes are a list of routes that is run until one of them, or next, ends it.
func (t *traceWalk) routes(list caddyhttp.RouteList, path string, in *traceStep, next caddyhttp.Handler) caddyhttp.Handler {
	routes := numberedRoutes(list)
	steps := make([]*traceStep, 0, len(routes))
	for i, route := range routes {
		steps = append(steps, ruleStep(route, fmt.Sprintf("%s/%d", path, i)))
	}
	in.Trace = append(in.Trace, steps...)
	for i, step := range slices.Backward(steps) {
		next = t.route(routes[i], step, next)
	}
	return next
}

// numberedRoutes are the routes that a config has, without our own.
func numberedRoutes(list caddyhttp.RouteList) (routes []caddyhttp.Route) {
	for _, route := range list {
		if len(route.MatcherSets) != 1 || !slices.Contains(route.MatcherSets[0], any(proxyFactsPublisher{})) {
			routes = append(routes, route)
		}
	}
	return routes
}

func ruleStep(route caddyhttp.Route, path string) *traceStep {
	actions := make([]string, 0, len(route.Handlers))
	for _, h := range route.Handlers {
		actions = append(actions, actionOf(h))
	}
	return &traceStep{
		StepName: path, Type: typeRule, Expression: expressionOf(route.MatcherSets),
		Action: strings.Join(actions, ", "), Reason: notReached, route: &route,
	}
}

// route does what Caddy does at a route.
func (t *traceWalk) route(route caddyhttp.Route, step *traceStep, next caddyhttp.Handler) caddyhttp.Handler {
	return caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		if route.Group != "" && t.groups[route.Group] {
			step.Reason = "another route has matched before, and only one of them is run"
			return next.ServeHTTP(w, r)
		}
		if err := step.ask(route.MatcherSets, r); err != nil {
			return err
		}
		if !step.Matched {
			return next.ServeHTTP(w, r)
		}
		if route.Group != "" {
			t.groups[route.Group] = true
		}
		stack := next
		if route.Terminal {
			stack = t.end
		}
		for i, h := range route.Handlers {
			step.Trace = append(step.Trace, &traceStep{
				StepName: fmt.Sprintf("%s/handle/%d", step.StepName, i), Type: typeHandler,
				Action: actionOf(h), Reason: notReached, handler: h,
			})
		}
		for _, below := range slices.Backward(step.Trace) {
			stack = t.handler(below, stack)
		}
		return stack.ServeHTTP(w, r)
	})
}

// traceWriter is the response of a request that is traced: only its status is
// kept.
type traceWriter struct {
	header http.Header
	status int
}

// Header returns the fields.
func (w *traceWriter) Header() http.Header { return w.header }

// Write writes nothing.
func (w *traceWriter) Write(p []byte) (int, error) { return len(p), nil }

// WriteHeader keeps the first status that is not provisional.
func (w *traceWriter) WriteHeader(status int) {
	if w.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		w.status = status
	}
}

// Hijack is there because a server's response has it, too.
func (w *traceWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return nil, nil, http.ErrNotSupported
}

// Interface guards
var (
	_ http.ResponseWriter = (*traceWriter)(nil)
	_ http.Hijacker       = (*traceWriter)(nil)
)

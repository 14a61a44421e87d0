// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// traceAnswer says which routes would take a request, in the shape of
// Cloudflare's Request Trace.
type traceAnswer struct {
	Result   traceResult `json:"result"`
	Success  bool        `json:"success"`
	Errors   []string    `json:"errors"`
	Messages []string    `json:"messages"`
}

type traceResult struct {
	// The status that the client would get: 101, or 200 over HTTP/2 and HTTP/3, of
	// a tunnel that opens. 0: that of an upstream or a file, or there is no answer.
	StatusCode int          `json:"status_code"`
	Trace      []*traceStep `json:"trace"`
}

// The phases of a trace. The second is what Cloudflare calls the one of its
// Origin Rules.
const (
	phaseRoutes = "http_routes"         // all servers, routes and handlers, as they are nested
	phaseOrigin = "http_request_origin" // only what leads to a ws_tunnel, one rule for each
)

// The types of traceStep. Cloudflare has all but the last two.
const (
	typePhase     = "phase"
	typeRuleset   = "ruleset" // a server, or the routes that are run after an error
	typeRule      = "rule"    // a route
	typeHandler   = "handler"
	typeDirective = "directive" // of httpd, in a virtual host of the adapter apache
)

// traceStep is a step of a trace. Reason, FalseMatchers and Assumed are not
// Cloudflare's.
type traceStep struct {
	StepName   string          `json:"step_name"` // the place in the config, of rules and handlers; of directives, in its file
	Type       string          `json:"type"`
	Matched    bool            `json:"matched"` // or of a handler, that it is run
	Name       string          `json:"name,omitempty"`
	Kind       string          `json:"kind,omitempty"`
	Expression string          `json:"expression,omitempty"`
	Action     string          `json:"action,omitempty"`
	Parameter  *traceParameter `json:"action_parameter,omitempty"`

	// What the config calls the handler.
	Description string `json:"description,omitempty"`

	// Why the step does not match, or how it ends.
	Reason string `json:"reason,omitempty"`

	// The names of the matchers that are false, unless there are several sets.
	FalseMatchers []string `json:"false_matchers,omitempty"`

	// The handler is not known, and is taken to call the next one.
	Assumed bool `json:"assumed,omitempty"`

	Trace []*traceStep `json:"trace,omitempty"`

	route   *caddyhttp.Route            // of a rule
	handler caddyhttp.MiddlewareHandler // of a handler
}

// traceParameter is what a handler would do.
type traceParameter struct {
	// The origin that would be dialled; of several, the one that would be chosen,
	// if that can be told.
	Origin        *traceOrigin `json:"origin,omitempty"`
	HostHeader    string       `json:"host_header,omitempty"` // that the origin is sent
	SNI           *traceValue  `json:"sni,omitempty"`
	ProxyProtocol string       `json:"proxy_protocol,omitempty"`
	Versions      string       `json:"versions,omitempty"`

	Policy     string        `json:"policy,omitempty"`     // that chooses one of
	Candidates []traceOrigin `json:"candidates,omitempty"` // if there are several
	Dynamic    string        `json:"dynamic,omitempty"`    // what would be asked for others first

	URI       string   `json:"uri,omitempty"`       // that the origin is asked for, or that a rewrite leads to
	Upstreams []string `json:"upstreams,omitempty"` // of reverse_proxy
}

// traceOrigin is an origin of a ws_tunnel.
type traceOrigin struct {
	Address     string `json:"address"` // as ws://host:port
	Host        string `json:"host"`    // or a socket's path
	Port        int    `json:"port,omitempty"`
	SNI         string `json:"sni,omitempty"` // if TLS is spoken
	Unavailable bool   `json:"unavailable,omitempty"`
}

type traceValue struct {
	Value string `json:"value"`
}

// maxTraceRequest is the most bytes of a request to trace.
const maxTraceRequest = 1 << 20

// adminTrace says what would become of a request, without touching an origin.
func adminTrace(w http.ResponseWriter, r *http.Request) error {
	if err := allowMethods(w, r, http.MethodPost); err != nil {
		return err
	}
	q, err := readTraceRequest(http.MaxBytesReader(w, r.Body, maxTraceRequest))
	if err != nil {
		return badRequest("reading the request to trace: %w", err)
	}
	result, err := runTrace(caddy.ActiveContext(), q)
	if err != nil {
		return caddy.APIError{HTTPStatus: http.StatusInternalServerError, Err: err}
	}
	return answerJSON(w, traceAnswer{Result: *result, Success: true, Errors: []string{}, Messages: []string{}})
}

// runTrace traces a request through the config of ctx.
func runTrace(ctx caddy.Context, q *traceRequest) (result *traceResult, err error) {
	// Modules are asked that no server recovers from here.
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("a module panicked: %v", reason)
		}
	}()
	app, err := ctx.AppIfConfigured("http")
	switch {
	case errors.Is(err, caddy.ErrNotConfigured):
		app = new(caddyhttp.App)
	case err != nil:
		return nil, fmt.Errorf("getting http app: %w", err)
	}
	all := &traceStep{StepName: phaseRoutes, Type: typePhase}
	walk := &traceWalk{writer: &traceWriter{header: make(http.Header)}, groups: make(map[string]bool)}
	for _, s := range serversFor(app.(*caddyhttp.App), q) {
		step := &traceStep{StepName: s.path(), Type: typeRuleset, Name: s.name, Kind: "server", Reason: s.reason}
		all.Trace = append(all.Trace, step)
		if s.reason == "" {
			all.Matched, step.Matched = true, true
			walk.serve(s, q.request(s.Server, s.local), step)
		}
	}
	if !all.Matched {
		all.Reason = "no server listens there"
	}
	return &traceResult{walk.writer.status, []*traceStep{all, originPhase(all)}}, nil
}

// originPhase has all steps that lead to a ws_tunnel as Cloudflare lists the
// rules of a zone.
func originPhase(all *traceStep) *traceStep {
	phase := &traceStep{StepName: phaseOrigin, Type: typePhase}
	for _, server := range all.Trace {
		set := &traceStep{StepName: server.StepName, Type: typeRuleset, Name: server.Name, Kind: server.Kind, Reason: server.Reason}
		set.Trace = originRules(server, nil)
		for _, rule := range set.Trace {
			set.Matched = set.Matched || rule.Matched
		}
		phase.Matched = phase.Matched || set.Matched
		phase.Trace = append(phase.Trace, set)
	}
	return phase
}

// originRules are the ways to a ws_tunnel below a step, each with all conditions
// on it.
func originRules(step *traceStep, given []string) (rules []*traceStep) {
	for _, below := range step.Trace {
		switch h := below.handler.(type) {
		case *Handler:
			rule := *below
			rule.Type, rule.Expression = typeRule, conjunction(given)
			rules = append(rules, &rule)
			continue
		case *caddyhttp.Subroute:
			if below.Trace == nil { // it was not reached
				rules = append(rules, rulesNotReached(h.Routes, below.StepName+"/routes", given, below.Reason)...)
			}
		}
		conditions := append(slices.Clip(given), below.Expression)
		if below.route != nil && !below.Matched {
			rules = append(rules, handlersNotReached(*below.route, below.StepName, conditions, below.Reason)...)
			continue
		}
		rules = append(rules, originRules(below, conditions)...)
	}
	return rules
}

func rulesNotReached(list caddyhttp.RouteList, path string, given []string, reason string) (rules []*traceStep) {
	for i, route := range numberedRoutes(list) {
		conditions := append(slices.Clip(given), expressionOf(route.MatcherSets))
		rules = append(rules, handlersNotReached(route, fmt.Sprintf("%s/%d", path, i), conditions, reason)...)
	}
	return rules
}

func handlersNotReached(route caddyhttp.Route, path string, given []string, reason string) (rules []*traceStep) {
	for i, h := range route.Handlers {
		path := fmt.Sprintf("%s/handle/%d", path, i)
		switch h := h.(type) {
		case *Handler:
			rules = append(rules, &traceStep{
				StepName: path, Type: typeRule, Expression: conjunction(given),
				Action: actionOf(h), Description: h.givenName(), Reason: reason,
			})
		case *caddyhttp.Subroute:
			rules = append(rules, rulesNotReached(h.Routes, path+"/routes", given, reason)...)
		}
	}
	return rules
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/vhost"
)

// vhost follows a request through a virtual host of the adapter apache. Its
// directives are steps below the handler, in the order in which they are asked.
func (t *traceWalk) vhost(h *vhost.Handler, step *traceStep, w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	step.Description = strings.TrimSpace(h.Name + " " + h.Line)
	defer func() { t.members = nil }() // they are for the origins behind
	return h.Try(w, r, next, &vhost.Trial{
		At: momentOf(r).In(localZone()),
		Note: func(n request.Note) {
			if !utf8.ValidString(n.Outcome) { // as a decoded path may be, and JSON not
				n.Outcome = printable(n.Outcome)
			}
			step.Trace = append(step.Trace, &traceStep{
				StepName: n.Line, Type: typeDirective, Matched: n.Holds, Expression: n.Directive, Reason: n.Outcome,
			})
		},
		Members: func(method string, urls []string) { t.members = &traceMembers{method, urls} },
	})
}

// traceMembers are the members of a balancer of httpd that may get the request. Each
// has a ws_tunnel of its own, of which one is followed.
type traceMembers struct {
	method string
	urls   []string
}

// addTo makes the origin of that ws_tunnel one of several.
func (m *traceMembers) addTo(p *traceParameter) {
	if m == nil {
		return
	}
	p.Origin, p.SNI, p.Policy, p.Candidates = nil, nil, m.method, nil
	for _, url := range m.urls {
		o, err := parseOrigin(url, false)
		if err != nil {
			continue // it would have been refused before
		}
		candidate := traceOrigin{Address: o.String(), Host: o.host}
		candidate.Port, _ = strconv.Atoi(o.port)
		p.Candidates = append(p.Candidates, candidate)
	}
}

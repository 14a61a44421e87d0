// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// tree is a trace as a person reads it: the routes as they are nested, and in the
// last line what it comes to. Nothing in it can steer a terminal.
func (r *traceResult) tree() string {
	var text strings.Builder
	for _, phase := range r.Trace {
		if phase.StepName != phaseRoutes {
			continue
		}
		if phase.Reason != "" {
			fmt.Fprintln(&text, printable(phase.Reason))
		}
		for _, server := range phase.Trace {
			server.print(&text, "", "")
		}
	}
	fmt.Fprintf(&text, "=> %s\n", printable(r.outcome()))
	if slices.ContainsFunc(r.Trace, (*traceStep).assumes) {
		fmt.Fprintln(&text, "   if what is marked with ? calls the next handler")
	}
	return text.String()
}

// print writes a step and those below it. first is what the line begins with,
// rest the lines below.
func (s *traceStep) print(text *strings.Builder, first, rest string) {
	fmt.Fprintf(text, "%s%s\n", first, printable(s.line()))
	shown := s.shown()
	for i, below := range shown {
		if i < len(shown)-1 {
			below.print(text, rest+"├─ ", rest+"│  ")
		} else {
			below.print(text, rest+"└─ ", rest+"   ")
		}
	}
}

// assumes tells whether anything in s is not known.
func (s *traceStep) assumes() bool {
	return s.Assumed || slices.ContainsFunc(s.Trace, (*traceStep).assumes)
}

// shown are the steps below s that say something. What Caddyfiles are made into
// is full of routes without matchers, and of subroutes. What a virtual host of httpd
// has decided is said by its directives, and not by the routes for each origin.
func (s *traceStep) shown() (shown []*traceStep) {
	for _, below := range s.Trace {
		forOrigin := strings.HasPrefix(below.Expression, `vars {"apache_`)
		empty := below.Type == typeRule && (below.Expression == always || forOrigin) || below.Type == typeHandler && below.Action == actionSubroute
		switch {
		case empty && below.Matched && below.Reason == "":
			shown = append(shown, below.shown()...)
		case !forOrigin:
			shown = append(shown, below)
		}
	}
	return shown
}

const actionSubroute = "subroute"

// line is a step on one line: a mark, what it is, and what there is to say of it.
func (s *traceStep) line() string {
	var what string
	switch s.Type {
	case typeRule:
		if what = s.Expression; what == always {
			what = "every request"
		}
		if len(s.Trace) == 0 && s.Action != "" && s.Action != actionSubroute {
			what += " -> " + s.Action
		}
	case typeDirective:
		if what = s.Expression; s.StepName != "" {
			what = s.StepName + " " + what
		}
	case typeHandler:
		what = strings.TrimSpace(s.Action + " " + s.Description)
		if s.Parameter != nil && len(s.Parameter.Upstreams) > 0 {
			what += " " + strings.Join(s.Parameter.Upstreams, " ")
		}
	default:
		what = s.Name
	}
	line := s.mark() + " " + what
	switch {
	case s.Reason == s.Expression+" is false":
		// It is only this that could be.
	case s.FalseMatchers != nil:
		line += ": " + strings.Join(s.FalseMatchers, " is false, ") + " is false"
	case s.Reason != "":
		line += ": " + s.Reason
	}
	if p := s.Parameter; p != nil && s.Type == typeHandler {
		line += p.summary()
	}
	return line
}

// mark tells at a glance whether a step counts: ✓ if so, ? if that was assumed.
func (s *traceStep) mark() string {
	switch {
	case s.Assumed:
		return "?"
	case s.Matched:
		return "✓"
	case s.Reason == notReached:
		return "·"
	}
	return "✗"
}

// summary is what a handler would do, behind its name.
func (p *traceParameter) summary() string {
	switch {
	case p.Origin != nil || p.Candidates != nil || p.Dynamic != "":
		return ": " + p.where()
	case p.URI != "":
		return ": the URI is now " + p.URI
	}
	return ""
}

// where is what would be dialled.
func (p *traceParameter) where() string {
	if p.Origin != nil {
		return p.Origin.Address
	}
	candidates := make([]string, 0, len(p.Candidates))
	for _, o := range p.Candidates {
		address := o.Address
		if o.Unavailable {
			address += " (not available)"
		}
		candidates = append(candidates, address)
	}
	where := fmt.Sprintf("one of %s, by %s", strings.Join(candidates, ", "), p.Policy)
	if p.Dynamic == "" {
		return where
	}
	if len(candidates) == 0 {
		return "what dynamic " + p.Dynamic + " finds"
	}
	return fmt.Sprintf("what dynamic %s finds, or else %s", p.Dynamic, where)
}

// taken is the rule of the ws_tunnel that takes the request, or nil.
func (r *traceResult) taken() *traceStep {
	for _, phase := range r.Trace {
		if phase.StepName != phaseOrigin {
			continue
		}
		for _, set := range phase.Trace {
			for _, rule := range set.Trace {
				if rule.Matched && rule.Parameter != nil {
					return rule
				}
			}
		}
	}
	return nil
}

// outcome is what a trace comes to.
func (r *traceResult) outcome() string {
	rule := r.taken()
	if rule == nil {
		if r.StatusCode == 0 {
			return "no ws_tunnel takes it"
		}
		return "no ws_tunnel takes it; the status is " + strings.TrimSpace(strconv.Itoa(r.StatusCode)+" "+http.StatusText(r.StatusCode))
	}
	p := rule.Parameter
	text := p.where() + ", asked for " + p.URI + " of " + cmp.Or(p.HostHeader, "no host")
	if p.SNI != nil {
		text += ", server name " + p.SNI.Value
	}
	if p.ProxyProtocol != "" {
		text += ", PROXY " + p.ProxyProtocol
	}
	if p.Versions != "" && p.Versions != versionHTTP1 {
		text += ", over " + p.Versions
	}
	return text
}

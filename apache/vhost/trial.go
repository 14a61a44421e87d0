// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
)

// Trial is a request that nobody has sent, taken through httpd's phases to see what
// would become of one. Nothing is logged or counted, and it is no member's turn in
// a balancer. Files are looked at, .htaccess among them, and names looked up for
// Require host.
type Trial struct {
	// At is when the request comes, in the zone of TIME variables.
	At time.Time

	// Note is told what directives make of the request, in their order.
	Note func(request.Note)

	// Members is told which members of a balancer may get the request, if there is
	// more than one. The next handler is called as for the first.
	Members func(method string, urls []string)
}

// Try is ServeHTTP for a trial. It does nothing but what w and the next handler do.
func (h *Handler) Try(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, trial *Trial) error {
	x := &exchange{h: h, w: w, r: r, next: next, repl: r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer), trial: trial}
	x.read()
	x.req.Time, x.req.Noted = trial.At, trial.Note
	defer x.restore(*r.URL, r.Host)
	err := x.serve()
	if err != nil {
		err = x.answerError(err)
	}
	if err == nil && x.status != 0 { // whatever the origin or file of the ErrorDocument says
		w.WriteHeader(x.status)
	}
	return err
}

// note says what a directive makes of a request on trial. Its argument, if it has one,
// is put behind it only then.
func (x *exchange) note(line, directive, argument string, holds bool, outcome string) {
	if !x.req.Noting() {
		return
	}
	if argument != "" {
		directive += " " + argument
	}
	x.req.Note(request.Note{Line: line, Directive: directive, Holds: holds, Outcome: outcome})
}

// tryMembers is passToMember without a choice.
func (x *exchange) tryMembers(b *balancer) error {
	members := b.Would(x.req)
	if len(members) == 0 {
		x.note("", b.name, "", false, "no member is up")
		return &refusal{status: http.StatusServiceUnavailable, reason: b.name + ": no member is up"}
	}
	names, urls := make([]string, 0, len(members)), make([]string, 0, len(members))
	target := *x.target
	for i, m := range members {
		member, err := target.Member(b.workers[m.Member().Name])
		if err != nil {
			return failed(err)
		}
		if i == 0 {
			x.target = &member
		}
		names, urls = append(names, m.Member().Name), append(urls, DialURL(&member))
	}
	if len(members) == 1 {
		x.note("", b.name, "", true, names[0])
	} else {
		x.note("", b.name, "", true, fmt.Sprintf("one of %s, by %s", strings.Join(names, ", "), b.Method()))
		x.trial.Members(b.Method(), urls)
	}
	return x.passTo(*x.target)
}

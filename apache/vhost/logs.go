// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/expr"
)

// AccessLog is a log of requests.
type AccessLog struct {
	Logger    string `json:"logger"`
	Condition string `json:"condition,omitempty"` // of CustomLog: env=quiet, env=!quiet or expr=…

	expr *expr.Condition
}

func (h *Handler) provisionLogs() error {
	for i := range h.AccessLogs {
		l := &h.AccessLogs[i]
		text, ok := strings.CutPrefix(l.Condition, "expr=")
		if !ok {
			continue
		}
		var err error
		if l.expr, err = expr.ParseCondition(text); err != nil {
			return fmt.Errorf("log %s: %w", l.Logger, err)
		}
	}
	return nil
}

// chooseLogs tells Caddy which logs the request is for. It is known at the end
// only, since rules set what the conditions are about.
func (x *exchange) chooseLogs() {
	// %u and %h of the logs are these.
	x.repl.Set("http.auth.user.id", x.req.User)
	caddyhttp.SetVar(x.r.Context(), caddyhttp.ClientIPVarKey, x.req.Var("REMOTE_ADDR"))
	var names []any
	for i := range x.h.AccessLogs {
		if l := &x.h.AccessLogs[i]; l.holds(x) {
			names = append(names, l.Logger)
		}
	}
	if len(names) == 0 {
		caddyhttp.SetVar(x.r.Context(), caddyhttp.LogSkipVar, true)
		return
	}
	caddyhttp.SetVar(x.r.Context(), caddyhttp.AccessLoggerNameVarKey, names)
}

func (l *AccessLog) holds(x *exchange) bool {
	name, isEnv := strings.CutPrefix(l.Condition, "env=")
	switch {
	case l.expr != nil:
		ok, err := l.expr.Holds(x.req)
		return ok || err != nil // a log with too much in it is better than one with too little
	case isEnv:
		name, not := strings.CutPrefix(name, "!")
		_, set := x.req.Env(name)
		return set != not
	}
	return true
}

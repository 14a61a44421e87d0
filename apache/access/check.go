// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"fmt"
	"net/http"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
)

// Decision is what a guard has decided.
type Decision struct {
	Status    int    // 0: may pass; else 401, 403, 500
	Challenge string // WWW-Authenticate of a 401
	Reason    string // for the log: lower case, names the line that decided
}

// Check decides whether a request may pass. It sets r.User and r.AuthType when
// somebody has logged in, which is looked at only if it matters.
func (g *Guard) Check(r *request.Request) Decision {
	r.User, r.AuthType = "", "" // before an internal redirect somebody may have been another
	if g == nil {
		return Decision{}
	}
	// httpd lets Satisfy Any overrule SSLRequireSSL unless SSLOptions has
	// +StrictRequire. Here it is as if it always had: a password is not for a
	// connection that somebody wanted to have encrypted.
	if g.requireSSL && r.TLS == nil {
		return Decision{Status: http.StatusForbidden, Reason: "SSLRequireSSL: the connection is not encrypted"}
	}
	c := &check{g: g, r: r}
	passes, line := g.gate.passes(c)
	switch anyone := last(g.satisfy, r.Method) == "any"; {
	case passes && anyone:
		return Decision{}
	case !passes && !anyone:
		return Decision{Status: http.StatusForbidden, Reason: "denied by " + line}
	}
	return c.require()
}

// check is one request at a guard.
type check struct {
	g      *Guard
	r      *request.Request
	login  bool   // the client has logged in
	unmet  string // the line of the last Require that was not met
	reason error  // why something is not known
}

// require decides by Require, with a login if that can change something.
func (c *check) require() Decision {
	g := c.g
	if g.tree == nil {
		if g.basic != nil {
			return Decision{Status: http.StatusInternalServerError, Reason: "AuthType Basic without any Require; httpd lets nobody pass then"}
		}
		return Decision{}
	}
	switch v := g.tree.judge(c, true); v.status {
	case granted:
		return Decision{}
	case failed:
		return c.failed()
	case needsUser:
	default:
		return c.forbidden()
	}
	if g.basic == nil {
		return Decision{Status: http.StatusInternalServerError, Reason: "nobody can log in: there is no AuthType"}
	}
	user, d := g.basic.login(c.r)
	if d.Status != 0 {
		return d
	}
	c.login, c.r.User, c.r.AuthType = true, user, "Basic"
	v := g.tree.judge(c, true)
	switch {
	case v.status == granted:
		return Decision{}
	case v.status == failed:
		return c.failed()
	case v.status != needsUser && g.forbidden:
		return c.forbidden()
	}
	// Somebody else may, so httpd lets the browser ask for another name.
	return Decision{
		Status:    http.StatusUnauthorized,
		Challenge: g.basic.challenge,
		Reason:    fmt.Sprintf("user %q may not: %s", user, c.why()),
	}
}

func (c *check) forbidden() Decision {
	return Decision{Status: http.StatusForbidden, Reason: c.why()}
}

func (c *check) failed() Decision {
	return Decision{Status: http.StatusInternalServerError, Reason: c.why()}
}

// why is the reason of a denial.
func (c *check) why() string {
	text := "a Require is not met"
	if c.unmet != "" {
		text = "not met: Require of " + c.unmet
	}
	if c.reason != nil {
		text += ": " + c.reason.Error()
	}
	return text
}

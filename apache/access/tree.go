// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"errors"
	"slices"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/expr"
)

// status is what a Require, or a section of them, says of a request.
type status int

const (
	neutral status = iota
	granted
	denied
	needsUser // denied, and another login may change that
	failed    // cannot be told: 500
)

// verdict is a status. One that is not known is a denial that must not become
// anything better by a not in front of it: httpd takes a name service or a group
// file that does not answer for one that says no, and so opens what a Require
// not should close.
type verdict struct {
	status  status
	unknown bool
}

// test is what one Require asks.
type test func(*check) verdict

// node is a Require or a section.
type node struct {
	and      bool // <RequireAll>
	not      bool // Require not, <RequireNone>
	children []*node
	test     test
	methods  methods
	line     string
}

// judge is mod_authz_core's way through the tree.
func (n *node) judge(c *check, inAll bool) verdict {
	if !n.methods.has(c.r.Method) {
		if inAll {
			return verdict{status: granted}
		}
		return verdict{}
	}
	var v verdict
	if n.test != nil {
		v = n.test(c)
	} else {
		v = n.section(c)
	}
	if n.not {
		v = v.not()
	}
	if n.test != nil && (v.status == denied || v.status == needsUser) {
		c.unmet = n.line
	}
	return v
}

func (n *node) section(c *check) verdict {
	var v verdict
	for _, child := range n.children {
		of := child.judge(c, n.and)
		switch of.status {
		case failed:
			return of
		case neutral:
			v.unknown = v.unknown || of.unknown
			continue
		case granted:
			if !n.and {
				return of
			}
		case denied:
			if n.and {
				return of
			}
		}
		v.unknown = v.unknown || of.unknown
		first := v.status == neutral
		// One that a login may change is kept before one that is only denied.
		if first || of.status == needsUser {
			v.status = of.status
		}
	}
	return v
}

func (v verdict) not() verdict {
	switch {
	case v.unknown && v.status != granted:
		v.status = denied
	case v.status == granted:
		v.status = denied
	case v.status == denied, v.status == needsUser:
		v.status = neutral
	}
	return v
}

// unknown is the verdict where something cannot be found out.
func (c *check) unknown(err error) verdict {
	c.reason = err
	return verdict{status: denied, unknown: true}
}

func met(ok bool) verdict {
	if ok {
		return verdict{status: granted}
	}
	return verdict{status: denied}
}

func always(s status) test { return func(*check) verdict { return verdict{status: s} } }

func isLocal(c *check) verdict {
	a := remote(c.r)
	return met(a.IsValid() && (a.IsLoopback() || a == c.r.Local.Addr().Unmap().WithZone("")))
}

func isIP(words []string) (test, error) {
	var subnets []subnet
	for _, word := range words {
		s, err := parseSubnet(word)
		if err != nil {
			return nil, err
		}
		subnets = append(subnets, s)
	}
	return func(c *check) verdict {
		a := remote(c.r)
		for i := range subnets {
			if subnets[i].has(a) {
				return met(true)
			}
		}
		return met(false)
	}, nil
}

func isHost(domains []string) test {
	return func(c *check) verdict { return c.found(c.g.hosts.in(remote(c.r), domains)) }
}

func isForwardDNS(hosts []string) test {
	return func(c *check) verdict { return c.found(c.g.hosts.leads(hosts, remote(c.r))) }
}

func (c *check) found(ok bool, err error) verdict {
	if err != nil {
		return c.unknown(err)
	}
	return met(ok)
}

func hasEnv(names []string) test {
	return func(c *check) verdict {
		for _, name := range names {
			if _, ok := c.r.Env(name); ok {
				return met(true)
			}
		}
		return met(false)
	}
}

func isMethod(m methods) test {
	return func(c *check) verdict { return met(m.has(c.r.Method)) }
}

func holds(condition *expr.Condition, user bool) test {
	return func(c *check) verdict {
		ok, err := condition.Holds(c.r)
		switch {
		case err != nil:
			c.reason = err
			return verdict{status: failed}
		case !ok && user:
			return verdict{status: needsUser}
		}
		return met(ok)
	}
}

func isValidUser(c *check) verdict {
	if !c.login {
		return verdict{status: needsUser}
	}
	return met(true)
}

func isUser(names []string) test {
	return func(c *check) verdict {
		if !c.login {
			return verdict{status: needsUser}
		}
		if slices.Contains(names, c.r.User) {
			return met(true)
		}
		return met(false)
	}
}

func inGroup(names []string) test {
	return func(c *check) verdict {
		if !c.login {
			return verdict{status: needsUser}
		}
		if c.g.groups == nil {
			return c.unknown(errors.New("there is no AuthGroupFile"))
		}
		return c.found(c.g.groups.Member(c.r.User, names))
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// Balancer is a group of workers that share requests.
type Balancer struct {
	Line    string   `json:"line,omitempty"`
	Name    string   `json:"name"` // balancer://name, in lower case
	Members []Worker `json:"members,omitempty"`

	StickySession    string `json:"stickysession,omitempty"`    // cookie, or cookie|parameter
	StickySessionSep string `json:"stickysessionsep,omitempty"` // before the route; empty: a dot; off: none
	ScolonPathDelim  bool   `json:"scolonpathdelim,omitempty"`
	LBMethod         string `json:"lbmethod,omitempty"` // empty: byrequests
	NoFailover       bool   `json:"nofailover,omitempty"`
	FailOnStatus     []int  `json:"failonstatus,omitempty"`
	FailOnTimeout    bool   `json:"failontimeout,omitempty"`
	MaxAttempts      *int   `json:"maxattempts,omitempty"` // nil: as many as there are other members
	Timeout          int    `json:"timeout,omitempty"`     // seconds to wait for a free member
	ForceRecovery    *bool  `json:"forcerecovery,omitempty"`
}

const (
	balancerSchemeName = "balancer"
	balancerScheme     = balancerSchemeName + "://"
)

var errNoBalancerName = errors.New("a balancer needs a name, for example balancer://chat")

// balancerName is the name of the balancer that a URL is of.
func balancerName(url string) (string, bool) {
	if len(url) < len(balancerScheme) || !strings.EqualFold(url[:len(balancerScheme)], balancerScheme) {
		return "", false
	}
	host, _, _ := strings.Cut(url[len(balancerScheme):], "/")
	return balancerScheme + strings.ToLower(host), true
}

// balancer returns a balancer, which begins at that line if there is none yet.
func (rs *Rules) balancer(name, line string) *Balancer {
	if b := findBalancer(rs.Balancers, name); b != nil {
		return b
	}
	rs.Balancers = append(rs.Balancers, Balancer{Line: line, Name: name})
	return &rs.Balancers[len(rs.Balancers)-1]
}

// findBalancer returns the first of that name: the main server's, if a virtual
// host has one of the same.
func findBalancer(balancers []Balancer, name string) *Balancer {
	for i := range balancers {
		if balancers[i].Name == name {
			return &balancers[i]
		}
	}
	return nil
}

func (rs *Rules) balancerMember(ctx *directive.Context, n *syntax.Node) error {
	args, params := []string{}, []string{}
	for _, arg := range n.Args {
		if strings.Contains(arg, "=") {
			params = append(params, arg)
		} else {
			args = append(args, arg)
		}
	}
	if ctx.Place == directive.Proxy {
		args = append([]string{ctx.Path}, args...)
	} else if err := serverOnly(ctx, n); err != nil {
		return err
	}
	if len(args) != 2 {
		return fmt.Errorf("%s takes one URL and parameters of the form name=value, for example: BalancerMember ws://10.0.0.1:8000 route=1", n.Name)
	}
	name, ok := balancerName(args[0])
	if !ok || name == balancerScheme {
		return fmt.Errorf("%s: %s is not the name of a balancer, for example balancer://chat", n.Name, args[0])
	}
	if _, ok := balancerName(args[1]); ok {
		return fmt.Errorf("%s: a balancer is no member of a balancer", n.Name)
	}
	w := Worker{Line: directive.Line(n), URL: args[1]}
	if err := w.compile(); err != nil {
		return fmt.Errorf("%s: %w", n.Name, err)
	}
	if err := w.checkHost(ctx, n); err != nil {
		return fmt.Errorf("%s: %w", n.Name, err)
	}
	b := rs.balancer(name, w.Line)
	if shared := findWorker(b.Members, w.at, w.path, anyWorker); shared != nil {
		ctx.Warnf(n, "has no effect: %s of line %s is a member already", shared.URL, shared.Line)
		return nil
	}
	if err := w.Params.set(params); err != nil {
		return fmt.Errorf("%s: %w", n.Name, err)
	}
	b.Members = append(b.Members, w)
	return nil
}

// set takes parameters of the form name=value.
func (b *Balancer) set(params []string) error {
	for _, param := range params {
		name, value, ok := strings.Cut(param, "=")
		if !ok {
			return notParam(param)
		}
		if err := b.setOne(strings.ToLower(name), value); err != nil {
			return fmt.Errorf("%s: %w", param, err)
		}
	}
	return nil
}

func (b *Balancer) setOne(name, value string) (err error) {
	switch name {
	case "stickysession":
		b.StickySession = value
	case "stickysessionsep":
		if len(value) != 1 && !strings.EqualFold(value, "off") {
			return fmt.Errorf("has to be one character, or Off")
		}
		b.StickySessionSep = strings.ToLower(value)
	case "scolonpathdelim":
		b.ScolonPathDelim, err = onOff(value)
	case "lbmethod":
		switch value {
		case "byrequests", "bybusyness", "bytraffic":
			b.LBMethod = value
		case "heartbeat":
			return fmt.Errorf("heartbeat is not supported: byrequests, bybusyness or bytraffic is")
		default:
			return fmt.Errorf("has to be byrequests, bybusyness or bytraffic")
		}
	case "nofailover":
		b.NoFailover, err = onOff(value)
	case "failonstatus":
		b.FailOnStatus, err = statuses(value)
	case "failontimeout":
		b.FailOnTimeout, err = onOff(value)
	case "maxattempts":
		var n int
		n, err = number(value, 0, maxNumber)
		b.MaxAttempts = &n
	case "timeout":
		b.Timeout, err = number(value, 1, maxNumber)
	case "forcerecovery":
		var on bool
		on, err = onOff(value)
		b.ForceRecovery = &on
	case "nonce": // of the balancer manager, which is not there
	case "growth":
		_, err = number(value, 1, 100)
	default:
		return fmt.Errorf("unknown parameter of a balancer")
	}
	return err
}

func statuses(value string) ([]int, error) {
	var list []int
	for _, text := range strings.FieldsFunc(value, func(c rune) bool { return c == ',' || c == ' ' }) {
		status, err := strconv.Atoi(text)
		if err != nil || status < 100 || status > 599 {
			return nil, fmt.Errorf("%q is not a status", text)
		}
		list = append(list, status)
	}
	return list, nil
}

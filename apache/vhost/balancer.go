// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"strings"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/balance"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/mapping"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/pool"
)

// balancer is one of a virtual host, with the workers of its members.
type balancer struct {
	*balance.Balancer
	name    string
	workers map[string]*mapping.Worker // by name of the member
}

func newBalancer(b *mapping.Balancer) (*balancer, error) {
	made := &balancer{name: b.Name, workers: make(map[string]*mapping.Worker, len(b.Members))}
	members := make([]balance.Member, len(b.Members))
	for i := range b.Members {
		w := &b.Members[i]
		members[i] = member(w)
		made.workers[w.URL] = w
	}
	var err error
	made.Balancer, err = balance.New(b.Name, members, balance.Options{
		Method: b.LBMethod, Sticky: b.StickySession, Separator: b.StickySessionSep, SemicolonPath: b.ScolonPathDelim,
		NoFailover: b.NoFailover, MaxAttempts: b.MaxAttempts, FailOnStatus: b.FailOnStatus, FailOnTimeout: b.FailOnTimeout,
		NoRecovery: b.ForceRecovery != nil && !*b.ForceRecovery,
	})
	return made, err
}

func member(w *mapping.Worker) balance.Member {
	p := w.Params
	m := balance.Member{
		Name: w.URL, Route: p.Route, Redirect: p.Redirect, LoadFactor: p.LoadFactor, Set: p.LBSet,
		Tunnels: func() int { return pool.Process.Tunnels(w.URL) },
	}
	if p.Retry != nil {
		m.Retry = *p.Retry
		if m.Retry == 0 {
			m.Retry = -time.Second // balance has 0 for the default
		}
	}
	sign := byte('+')
	for _, c := range []byte(strings.ToUpper(p.Status)) {
		on := sign == '+'
		switch c {
		case '+', '-':
			sign = c
		case 'H':
			m.Standby = on
		case 'R':
			m.Spare = on
		case 'D':
			m.Disabled = on
		case 'S':
			m.Stopped = on
		case 'N':
			m.Draining = on
		case 'I':
			m.IgnoreErrors = on
		}
	}
	return m
}

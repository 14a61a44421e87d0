// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// Resolver looks names up. net.DefaultResolver is one.
type Resolver interface {
	LookupAddr(ctx context.Context, addr string) (names []string, err error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

const (
	// lookupTimeout is how long a request waits for names.
	lookupTimeout = 3 * time.Second

	// lookupKept is how long an answer is used, and maxLookups how many are kept.
	lookupKept = 30 * time.Second
	maxLookups = 1024
)

// Hosts knows the names of clients, and keeps them for half a minute. One is for
// all guards; it may be used by many goroutines.
type Hosts struct {
	resolver Resolver
	now      func() time.Time

	mu    sync.Mutex
	known map[string]answer // by what was asked
}

// answer is what the name service said.
type answer struct {
	until time.Time
	names []string     // of an address, each of which leads back to it
	addrs []netip.Addr // of a host name
	err   error
}

// NewHosts returns Hosts that ask a resolver; nil is that of the system.
func NewHosts(r Resolver) *Hosts {
	if r == nil {
		r = net.DefaultResolver
	}
	return &Hosts{resolver: r, now: time.Now, known: make(map[string]answer)}
}

// in says whether an address has the name of one of the domains, or one below
// it. An address that has no name is in none; an error means that it is not
// known.
func (h *Hosts) in(addr netip.Addr, domains []string) (bool, error) {
	a := h.ask("names of "+addr.String(), func(ctx context.Context) (a answer) {
		a.names, a.err = h.names(ctx, addr)
		return a
	})
	for _, name := range a.names {
		for _, domain := range domains {
			if inDomain(name, domain) {
				return true, nil
			}
		}
	}
	return false, a.err
}

// names are those of an address that have it among their own.
func (h *Hosts) names(ctx context.Context, addr netip.Addr) ([]string, error) {
	all, err := h.resolver.LookupAddr(ctx, addr.String())
	if err != nil {
		return nil, unlessNotFound(err)
	}
	var names []string
	var unknown error
	for _, name := range all {
		addrs, err := h.resolver.LookupNetIP(ctx, "ip", name)
		switch {
		case err != nil:
			unknown = errors.Join(unknown, unlessNotFound(err))
		case contains(addrs, addr):
			names = append(names, strings.TrimSuffix(name, "."))
		}
	}
	return names, unknown
}

// leads says whether one of the host names has the address.
func (h *Hosts) leads(hosts []string, addr netip.Addr) (bool, error) {
	var unknown error
	for _, host := range hosts {
		a := h.ask("addresses of "+host, func(ctx context.Context) (a answer) {
			a.addrs, a.err = h.resolver.LookupNetIP(ctx, "ip", host)
			a.err = unlessNotFound(a.err)
			return a
		})
		if contains(a.addrs, addr) {
			return true, nil
		}
		unknown = errors.Join(unknown, a.err)
	}
	return false, unknown
}

// ask looks something up unless the answer is known. Two that ask for the same at
// the same time may both have it looked up.
func (h *Hosts) ask(key string, lookup func(context.Context) answer) answer {
	h.mu.Lock()
	a, ok := h.known[key]
	h.mu.Unlock()
	if now := h.now(); ok && now.Before(a.until) {
		return a
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
	defer cancel()
	a = lookup(ctx)
	if a.err != nil {
		return a // the next one may have more luck
	}
	a.until = h.now().Add(lookupKept)
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.known) >= maxLookups {
		clear(h.known)
	}
	h.known[key] = a
	return a
}

// unlessNotFound is the error if it leaves open what the answer would be.
func unlessNotFound(err error) error {
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return nil
	}
	return err
}

func contains(addrs []netip.Addr, addr netip.Addr) bool {
	for _, a := range addrs {
		if a.Unmap().WithZone("") == addr {
			return true
		}
	}
	return false
}

// inDomain says whether a host is of a domain: example.com has www.example.com
// and itself, .example.com only what is below it.
func inDomain(host, domain string) bool {
	if len(host) < len(domain) || domain == "" || !strings.EqualFold(host[len(host)-len(domain):], domain) {
		return false
	}
	return len(host) == len(domain) || domain[0] == '.' || host[len(host)-len(domain)-1] == '.'
}

// Interface guards
var _ Resolver = (*net.Resolver)(nil)

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package apache

import (
	"net/netip"
	"slices"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/config"
)

// listener is an address that is listened on, with the virtual hosts there.
type listener struct {
	config.Address
	groups []group
}

// group is the virtual hosts that share requests by name. The first takes what is
// for none of them.
type group struct {
	ip    netip.Addr // local address that the group is for; invalid: any
	hosts []*config.Server
}

// listeners are those of Listen, and those that virtual hosts need and no Listen
// has: few virtual host files have one (research: 9 of 120).
func (a *adaptation) listeners() []listener {
	var addresses []config.Address
	for _, l := range a.cfg.Listen {
		addresses = append(addresses, l.Address)
	}
	add := func(address config.Address) {
		for _, open := range addresses {
			if open.Port == address.Port && (!open.IP.IsValid() || open.IP == address.IP) {
				return
			}
		}
		if !address.IP.IsValid() { // which is all addresses
			addresses = slices.DeleteFunc(addresses, func(open config.Address) bool { return open.Port == address.Port })
		}
		addresses = append(addresses, address)
	}
	for _, host := range a.cfg.Hosts {
		for _, address := range host.Addresses {
			if address.Port != 0 && !a.listensOn(address) {
				add(address)
			}
		}
	}
	if len(addresses) == 0 {
		port := 80
		if tls := a.cfg.Main.TLS; tls != nil && tls.Engine != nil && *tls.Engine {
			port = 443
		}
		addresses = append(addresses, config.Address{Port: port})
	}
	listeners := make([]listener, 0, len(addresses))
	for _, address := range addresses {
		listeners = append(listeners, listener{address, a.groups(address)})
	}
	return listeners
}

// listensOn says whether a Listen has an address.
func (a *adaptation) listensOn(address config.Address) bool {
	return slices.ContainsFunc(a.cfg.Listen, func(l config.Listen) bool {
		return l.Port == address.Port && (!l.IP.IsValid() || !address.IP.IsValid() || l.IP == address.IP)
	})
}

// groups are the virtual hosts of a listener: those of an IP address hide those
// of any (lab case E13).
func (a *adaptation) groups(l config.Address) []group {
	var groups []group
	for _, host := range a.cfg.Hosts {
		for _, address := range host.Addresses {
			if address.Port != 0 && address.Port != l.Port || address.IP.IsValid() && l.IP.IsValid() && address.IP != l.IP {
				continue
			}
			i := slices.IndexFunc(groups, func(g group) bool { return g.ip == address.IP })
			if i < 0 {
				i = len(groups)
				groups = append(groups, group{ip: address.IP})
			}
			if !slices.Contains(groups[i].hosts, host) {
				groups[i].hosts = append(groups[i].hosts, host)
			}
		}
	}
	if l.IP.IsValid() {
		if i := slices.IndexFunc(groups, func(g group) bool { return g.ip.IsValid() }); i >= 0 {
			return []group{{hosts: groups[i].hosts}}
		}
	}
	// What no virtual host is for is the main server's.
	slices.SortStableFunc(groups, func(a, b group) int { return rank(a) - rank(b) })
	if n := len(groups); n == 0 || groups[n-1].ip.IsValid() {
		groups = append(groups, group{hosts: []*config.Server{a.cfg.Main}})
	}
	return groups
}

func rank(g group) int {
	if g.ip.IsValid() {
		return 0
	}
	return 1
}

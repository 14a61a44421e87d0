// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/config"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/remoteip"
)

// place is a port that a site is open at, and the addresses of this machine there:
// none means all of them.
type place struct {
	port int
	ips  []string
}

// places are those of a site, in the order of the file.
func places(cfg *config.Config, s *config.Server) []place {
	at := ports(cfg, s)
	all := make([]place, len(at))
	for i, port := range at {
		all[i] = place{port, listensOn(cfg, s, port)}
	}
	return all
}

func ports(cfg *config.Config, s *config.Server) (list []int) {
	add := func(port int) {
		if !slices.Contains(list, port) {
			list = append(list, port)
		}
	}
	for _, a := range addressesOf(s) {
		if a.Port != 0 {
			add(a.Port)
			continue
		}
		for _, l := range cfg.Listen {
			add(l.Port)
		}
	}
	if len(list) == 0 {
		_, usual := scheme(s)
		add(usual)
	}
	return list
}

// addressesOf are those of <VirtualHost>; the main server is open at all.
func addressesOf(s *config.Server) []config.Address {
	if len(s.Addresses) == 0 {
		return []config.Address{{}}
	}
	return s.Addresses
}

// listensOn are the addresses of this machine that a site is open at with a port, or
// none if it is at all of them.
func listensOn(cfg *config.Config, s *config.Server, port int) (ips []string) {
	add := func(a config.Address) {
		if text := a.IP.String(); !slices.Contains(ips, text) {
			ips = append(ips, text)
		}
	}
	for _, a := range addressesOf(s) {
		if a.Port != 0 && a.Port != port {
			continue
		}
		if !anywhere(a) {
			add(a)
			continue
		}
		found := false
		for _, l := range cfg.Listen {
			if l.Port != port {
				continue
			}
			if anywhere(l.Address) {
				return nil
			}
			add(l.Address)
			found = true
		}
		if !found {
			return nil
		}
	}
	slices.Sort(ips)
	return ips
}

func anywhere(a config.Address) bool { return !a.IP.IsValid() || a.IP.IsUnspecified() }

// listeners are a place in the words of the global option servers.
func (p place) listeners() []string {
	if len(p.ips) == 0 {
		return []string{":" + strconv.Itoa(p.port)}
	}
	var list []string
	for _, ip := range p.ips {
		list = append(list, net.JoinHostPort(ip, strconv.Itoa(p.port)))
	}
	return list
}

// scheme is that of a site, and its usual port.
func scheme(s *config.Server) (name string, usual int) {
	if speaksTLS(s) {
		return "https", 443
	}
	return "http", 80
}

// sites are the addresses of a site at a port. The first virtual host there takes
// what is for no other, so it has the address without a name as well.
func sites(cfg *config.Config, s *config.Server, port int) []string {
	scheme, usual := scheme(s)
	suffix := ""
	if port != usual {
		suffix = fmt.Sprintf(":%d", port)
	}
	var list []string
	for _, name := range s.Names() {
		if isHostname(name) && !strings.Contains(name, "?") && !slices.Contains(list, scheme+"://"+name+suffix) {
			list = append(list, scheme+"://"+name+suffix)
		}
	}
	if isFirst(cfg, s, port) && (scheme == "http" || len(list) == 0) {
		list = append(list, fmt.Sprintf("%s://:%d", scheme, port))
	}
	return list
}

// hasTLS says whether a site at a port has.
func hasTLS(cfg *config.Config, port int) bool {
	return slices.ContainsFunc(cfg.Hosts, func(h *config.Server) bool {
		return speaksTLS(config.Inherit(cfg.Main, h)) && slices.Contains(ports(cfg, h), port)
	})
}

// isFirst says whether no virtual host before s is for one of its addresses with a
// port.
func isFirst(cfg *config.Config, s *config.Server, port int) bool {
	for _, other := range cfg.Hosts {
		if other.Line == s.Line {
			return true
		}
		for _, a := range other.Addresses {
			same := func(own config.Address) bool {
				return a.IP == own.IP && (a.Port == 0 || a.Port == port) && (own.Port == 0 || own.Port == port)
			}
			if slices.ContainsFunc(addressesOf(s), same) {
				return false
			}
		}
	}
	return true
}

// proxyHeaders are the listeners whose connections begin with a PROXY header, in the
// order of the file, and the rules of each. They are of a listener, and not of a
// virtual host: what any of those there says counts for all.
func proxyHeaders(cfg *config.Config) (listeners []string, rules map[string][]remoteip.ProxyRule) {
	open := make(map[string][]*config.Server)
	hosts := cfg.Hosts
	if len(hosts) == 0 {
		hosts = []*config.Server{cfg.Main}
	}
	for _, h := range hosts {
		for _, p := range places(cfg, h) {
			for _, l := range p.listeners() {
				if open[l] == nil {
					listeners = append(listeners, l)
				}
				open[l] = append(open[l], h)
			}
		}
	}
	rules = make(map[string][]remoteip.ProxyRule)
	for l, here := range open {
		var own, others []*remoteip.Rules
		for _, h := range cfg.Hosts {
			if slices.Contains(here, h) {
				own = append(own, h.RemoteIP)
			} else {
				others = append(others, h.RemoteIP)
			}
		}
		if of := remoteip.ProxyHeader(cfg.Main.RemoteIP, own, others); of != nil {
			rules[l] = of
		}
	}
	return slices.DeleteFunc(listeners, func(l string) bool { return rules[l] == nil }), rules
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package importer writes httpd's configuration as a Caddyfile, for those who want
// to leave it for good. Each block says which lines it is from, and each line that
// cannot be said in a Caddyfile is named, with the reason.
package importer

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/config"
)

// Caddyfile writes a configuration. left are the lines that are not said in it, or
// not the whole of what they say; each is a comment in the text, too.
func Caddyfile(cfg *config.Config, name string) (text []byte, left []string) {
	w := &writer{}
	w.linef("# From %s, by caddy ws-tunnel import apache. Read it before you run it:", name)
	w.linef("# what begins with NOT is what could not be said here.")
	hosts := make([]*config.Server, len(cfg.Hosts))
	for i, h := range cfg.Hosts {
		hosts[i] = config.Inherit(cfg.Main, h)
	}
	if len(hosts) == 0 {
		hosts = []*config.Server{cfg.Main}
	}
	w.globals(cfg, hosts)
	for _, s := range hosts {
		w.site(cfg, s)
	}
	return caddyfile.Format([]byte(w.text.String())), w.left
}

// writer writes a Caddyfile. Blocks are indented by Format.
type writer struct {
	text strings.Builder
	left []string

	taken []string // addresses of sites, each with those of the machine that it is open at
}

func (w *writer) linef(format string, args ...any) {
	fmt.Fprintf(&w.text, format+"\n", args...)
}

// not says what cannot be said.
func (w *writer) not(line, what string) {
	w.left = append(w.left, line+": "+what)
	w.linef("# NOT %s: %s", line, strings.ReplaceAll(what, "\n", " "))
}

// globals are what a Caddyfile says of all sites: here, of listeners. httpd opens no
// port to redirect from by itself.
func (w *writer) globals(cfg *config.Config, hosts []*config.Server) {
	listeners, rules := proxyHeaders(cfg)
	secure := slices.ContainsFunc(hosts, speaksTLS)
	if len(listeners) == 0 && !secure {
		return
	}
	w.linef("{")
	if secure {
		w.linef("auto_https disable_redirects")
	}
	for _, l := range listeners {
		w.linef("servers %s {\nlistener_wrappers {\nproxy_header {", l)
		for _, r := range rules[l] {
			w.linef("%s %s", r.Policy, strings.Join(r.Ranges, " "))
		}
		w.linef("}\ntls\n}\n}")
	}
	w.linef("}")
}

// site writes a virtual host.
func (w *writer) site(cfg *config.Config, s *config.Server) {
	w.linef("")
	line := s.Line
	if line == "" {
		line = "the main server"
	}
	at, ips := w.addresses(cfg, s, line)
	if len(at) == 0 {
		return
	}
	for _, a := range at {
		w.taken = append(w.taken, a+" "+ips)
	}
	w.linef("# %s", line)
	for _, name := range s.Names() {
		switch {
		case !isHostname(name):
			w.not(line, name+" is no name of a host")
		case strings.ContainsAny(name, "*?"):
			w.not(line, "ServerAlias "+name+": * is one label in a Caddyfile, and there is no ?")
		}
	}
	if r := s.RemoteIP; r != nil && r.Header != "" {
		w.not(line, "RemoteIPHeader "+r.Header+": write trusted_proxies and client_ip_headers in servers, or clients have the address of the proxy")
	}
	w.linef("%s {", strings.Join(at, ", "))
	if ips != "" {
		w.linef("bind %s", ips)
	}
	b := &site{writer: w, s: s}
	b.tls()
	if s.DocumentRoot != "" {
		w.linef("root * %s", token(s.DocumentRoot))
	}
	b.headers(s.Dir.Header)
	w.linef("route {")
	b.rewrites(true)
	b.access()
	b.rewrites(false)
	b.passes()
	b.redirects()
	w.linef("}")
	if s.DocumentRoot != "" {
		b.files()
	}
	b.rest()
	w.linef("}")
}

// addresses are those of a site that no earlier one has, and those of the machine that
// it is open at. A site has one list of the latter for all of its ports.
func (w *writer) addresses(cfg *config.Config, s *config.Server, line string) (at []string, ips string) {
	all := places(cfg, s)
	ips = strings.Join(all[0].ips, " ")
	for _, p := range all {
		if !slices.Equal(p.ips, all[0].ips) {
			w.not(line, fmt.Sprintf("it is open at %s, too: repeat the site with that port and another bind", strings.Join(p.listeners(), " ")))
			continue
		}
		own := sites(cfg, s, p.port)
		switch tls := speaksTLS(s); {
		case p.port == 443 && !tls:
			w.not(line, "HTTP without TLS on port 443, which Caddy refuses; this may have a SSLEngine on in a file that is not included")
			continue
		case p.port == 80 && tls:
			w.not(line, "TLS on port 80, which Caddy refuses")
			continue
		case !tls && hasTLS(cfg, p.port):
			w.not(line, fmt.Sprintf("port %d has TLS for other sites, and in Caddy for all", p.port))
			continue
		}
		if own = slices.DeleteFunc(own, func(a string) bool { return slices.Contains(w.taken, a+" "+ips) }); len(own) == 0 {
			w.not(line, fmt.Sprintf("earlier sites have all of its names at port %d", p.port))
		}
		at = append(at, own...)
	}
	return at, ips
}

// ranges says whether all are addresses or ranges of them that Caddy takes.
func ranges(list []string) ([]string, bool) {
	var out []string
	for _, s := range list {
		if _, err := netip.ParseAddr(s); err == nil {
			out = append(out, s)
			continue
		}
		if p, err := netip.ParsePrefix(s); err == nil {
			out = append(out, p.Masked().String())
			continue
		}
		// 192.168 is 192.168.0.0/16 to httpd.
		parts := strings.Split(strings.TrimSuffix(s, "."), ".")
		if len(parts) > 3 {
			return nil, false
		}
		p, err := netip.ParsePrefix(strings.Join(append(parts, "0", "0", "0")[:4], ".") + fmt.Sprintf("/%d", 8*len(parts)))
		if err != nil {
			return nil, false
		}
		out = append(out, p.String())
	}
	return out, true
}

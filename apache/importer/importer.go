// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package importer writes httpd's configuration as a Caddyfile, for those who want
// to leave it for good. Each block says which lines it is from, and each line that
// cannot be said in a Caddyfile is named, with the reason.
package importer

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/config"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/remoteip"
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
	ports := make(map[string][]remoteip.ProxyRule)
	var order []string
	for _, h := range append([]*config.Server{cfg.Main}, cfg.Hosts...) {
		rules := remoteip.ProxyHeader(cfg.Main.RemoteIP, []*remoteip.Rules{h.RemoteIP}, nil)
		if rules == nil {
			continue
		}
		for _, a := range h.Addresses {
			if a.Port == 0 {
				continue
			}
			ips := listensOn(cfg, h)
			if len(ips) == 0 {
				ips = []string{""}
			}
			for _, ip := range ips {
				if key := net.JoinHostPort(ip, strconv.Itoa(a.Port)); ports[key] == nil {
					ports[key] = rules
					order = append(order, key)
				}
			}
		}
	}
	secure := slices.ContainsFunc(hosts, speaksTLS)
	if len(order) == 0 && !secure {
		return
	}
	w.linef("{")
	if secure {
		w.linef("auto_https disable_redirects")
	}
	for _, port := range order {
		w.linef("servers %s {\nlistener_wrappers {\nproxy_header {", port)
		for _, r := range ports[port] {
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
	at := addresses(cfg, s)
	if slices.ContainsFunc(at, func(a string) bool { return strings.HasPrefix(a, "http://") && strings.HasSuffix(a, ":443") }) {
		w.not(line, "HTTP without TLS on port 443, which Caddy refuses; this may have a SSLEngine on in a file that is not included")
		return
	}
	ips := strings.Join(listensOn(cfg, s), " ")
	at = slices.DeleteFunc(at, func(a string) bool { return slices.Contains(w.taken, a+" "+ips) })
	if len(at) == 0 {
		w.not(line, "earlier sites have all of its names")
		return
	}
	for _, a := range at {
		w.taken = append(w.taken, a+" "+ips)
	}
	w.linef("# %s", line)
	for _, name := range s.Names() {
		if strings.ContainsAny(name, "*?") {
			w.not(line, "ServerAlias "+name+": * is one label in a Caddyfile, and there is no ?")
		}
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

// listener is the scheme of a site and its port, and the usual one of that scheme.
func listener(cfg *config.Config, s *config.Server) (scheme string, port, usual int) {
	scheme, usual = "http", 80
	if speaksTLS(s) {
		scheme, usual = "https", 443
	}
	port = usual
	if len(s.Addresses) > 0 && s.Addresses[0].Port != 0 {
		port = s.Addresses[0].Port
	} else if len(cfg.Listen) > 0 {
		port = cfg.Listen[0].Port
	}
	return scheme, port, usual
}

// listensOn are the addresses of this machine that a site is open at, or none if it is
// at all of them.
func listensOn(cfg *config.Config, s *config.Server) (ips []string) {
	_, port, _ := listener(cfg, s)
	add := func(ip netip.Addr) {
		if text := ip.String(); !slices.Contains(ips, text) {
			ips = append(ips, text)
		}
	}
	at := s.Addresses
	if len(at) == 0 {
		at = []config.Address{{Port: port}} // the main server
	}
	for _, a := range at {
		if a.Port != 0 && a.Port != port {
			continue // the site is not open there
		}
		if a.IP.IsValid() && !a.IP.IsUnspecified() {
			add(a.IP)
			continue
		}
		found := false
		for _, l := range cfg.Listen {
			if l.Port != port {
				continue
			}
			if !l.IP.IsValid() || l.IP.IsUnspecified() {
				return nil
			}
			add(l.IP)
			found = true
		}
		if !found {
			return nil
		}
	}
	return ips
}

// addresses are those of a site. The first virtual host of a port takes what is
// for no other, so it has the address without a name as well.
func addresses(cfg *config.Config, s *config.Server) []string {
	scheme, port, usual := listener(cfg, s)
	suffix := ""
	if port != usual {
		suffix = fmt.Sprintf(":%d", port)
	}
	var list []string
	for _, name := range s.Names() {
		if !strings.ContainsAny(name, "?<> ") && !slices.Contains(list, scheme+"://"+name+suffix) {
			list = append(list, scheme+"://"+name+suffix)
		}
	}
	first := true
	for _, other := range cfg.Hosts {
		if other.Line == s.Line {
			break
		}
		first = first && !slices.Equal(other.Addresses, s.Addresses)
	}
	if first && (scheme == "http" || len(list) == 0) {
		list = append(list, fmt.Sprintf("%s://:%d", scheme, port))
	}
	return list
}

// token is a word of a Caddyfile.
func token(s string) string {
	if s == "" || strings.ContainsAny(s, " \t\n\"`{}#\\") {
		if strings.ContainsRune(s, '`') {
			return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
		}
		return "`" + s + "`"
	}
	return s
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

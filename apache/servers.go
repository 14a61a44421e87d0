// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package apache

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/config"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/remoteip"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/tlsconf"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/vhost"
)

// server makes the server of a listener.
func (a *adaptation) server(l listener) {
	address := fmt.Sprintf(":%d", l.Port)
	if l.IP.IsValid() {
		address = l.Address.String()
	}
	s := &caddyhttp.Server{
		Listen:    []string{address},
		AutoHTTPS: &caddyhttp.AutoHTTPSConfig{Disabled: true},
		Protocols: a.protocols(l),
	}
	a.listenerWrappers(s, l)
	for _, g := range l.groups {
		routes := a.group(s, l, g)
		if !g.ip.IsValid() {
			s.Routes = append(s.Routes, routes...)
			continue
		}
		s.Routes = append(s.Routes, caddyhttp.Route{
			Group:          "virtual hosts of " + g.ip.String(),
			MatcherSetsRaw: caddyhttp.RawMatcherSets{{"vars": marshal(caddyhttp.VarsMatcher{"{http.request.local.host}": {g.ip.String()}})}},
			HandlersRaw:    []json.RawMessage{subroute(routes)},
			Terminal:       true,
		})
	}
	name := "apache_" + strings.NewReplacer(":", "_", "[", "", "]", "", ".", "_").Replace(strings.TrimPrefix(address, ":"))
	a.http.Servers[name] = s
}

// protocols are those of all virtual hosts of a listener; HTTP/1.1 if none says
// any, as in httpd.
func (a *adaptation) protocols(l listener) []string {
	protocols := []string{"h1"}
	for _, g := range l.groups {
		for _, host := range g.hosts {
			for _, p := range config.Inherit(a.cfg.Main, host).Protocols {
				if p != "http/1.1" && !slices.Contains(protocols, p) {
					protocols = append(protocols, p)
				}
			}
		}
	}
	return protocols
}

// listenerWrappers is RemoteIPProxyProtocol, which counts for a listener and not
// for a virtual host (lab case E14c).
func (a *adaptation) listenerWrappers(s *caddyhttp.Server, l listener) {
	var here, others []*remoteip.Rules
	for _, host := range a.cfg.Hosts {
		is := slices.ContainsFunc(l.groups, func(g group) bool { return slices.Contains(g.hosts, host) })
		if is {
			here = append(here, host.RemoteIP)
		} else {
			others = append(others, host.RemoteIP)
		}
	}
	rules := remoteip.ProxyHeader(a.cfg.Main.RemoteIP, here, others)
	if rules == nil {
		return
	}
	s.ListenerWrappersRaw = []json.RawMessage{
		marshal(struct {
			Wrapper string               `json:"wrapper"`
			Rules   []remoteip.ProxyRule `json:"rules"`
		}{"proxy_header", rules}),
		marshal(map[string]string{"wrapper": "tls"}),
	}
}

// group makes the routes of virtual hosts that share requests by name. The first
// comes last, since it takes the rest.
func (a *adaptation) group(s *caddyhttp.Server, l listener, g group) caddyhttp.RouteList {
	hosts := make([]*host, 0, len(g.hosts))
	var before []string
	for i, server := range g.hosts {
		h := &host{server: config.Inherit(a.cfg.Main, server), first: i == 0, before: before}
		if server == a.cfg.Main {
			h.server = a.cfg.Main
		}
		h.names = h.server.Names()
		before = slices.Concat(before, h.names)
		hosts = append(hosts, h)
	}
	for _, h := range hosts[1:] {
		hosts[0].others = append(hosts[0].others, h.names...)
	}
	a.hostTLS(s, hosts, l.Port, g.ip)
	var routes caddyhttp.RouteList
	for _, h := range append(hosts[1:len(hosts):len(hosts)], hosts[0]) {
		route := caddyhttp.Route{
			Group:       h.title(),
			HandlersRaw: []json.RawMessage{subroute(a.host(s, h, l.Port))},
			Terminal:    true,
		}
		if !h.first {
			route.MatcherSetsRaw = h.matchers()
			if route.MatcherSetsRaw == nil {
				continue // it has no name that is not an earlier one's
			}
		}
		routes = append(routes, route)
	}
	return routes
}

// host is a virtual host on its way into the config.
type host struct {
	server *config.Server // with what it inherits
	names  []string
	first  bool
	before []string // names of earlier virtual hosts
	others []string // of the first: names of all others
	tls    bool

	requests *tlsconf.Rules // of TLS, that the handler looks at
}

// title is how a route says which lines it is from.
func (h *host) title() string {
	name := h.server.Name
	if name == "" {
		name = "without ServerName"
	}
	if h.server.Line == "" {
		return "main server: " + name
	}
	return h.server.Line + " virtual host " + name
}

// matchers are those of the virtual host's names. It returns nil if earlier ones
// have all of them.
func (h *host) matchers() caddyhttp.RawMatcherSets {
	var exact []string
	var patterns []string
	for _, name := range h.names {
		switch {
		case slices.Contains(h.before, name):
		case strings.ContainsAny(name, "*?"):
			patterns = append(patterns, wildcards(name))
		default:
			exact = append(exact, name)
		}
	}
	var sets caddyhttp.RawMatcherSets
	if len(exact) > 0 {
		sets = append(sets, caddy.ModuleMap{"host": marshal(exact)})
	}
	if len(patterns) == 0 {
		return sets
	}
	// * of ServerAlias goes across dots, which that of the host matcher does not.
	set := caddy.ModuleMap{"vars_regexp": marshal(map[string]any{
		"{http.request.host}": map[string]string{"pattern": "(?i)^(" + strings.Join(patterns, "|") + ")$"},
	})}
	if exact := h.plain(h.before); len(exact) > 0 {
		set["not"] = marshal([]caddy.ModuleMap{{"host": marshal(exact)}})
	}
	return append(sets, set)
}

// plain are the names without wildcards.
func (h *host) plain(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return strings.ContainsAny(name, "*?") })
}

// wildcards is a name with * and ? as a regular expression.
func wildcards(name string) string {
	return strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(name))
}

// host makes the routes of a virtual host: httpd's phases first, then a route for
// each place where a request may end up.
func (a *adaptation) host(s *caddyhttp.Server, h *host, port int) caddyhttp.RouteList {
	handler := vhost.Handler{Server: *h.server, ListenPort: h.port(port)}
	if h.tls {
		handler.SNI = &vhost.Names{In: h.names, Before: h.before, First: h.first, Others: h.others}
	}
	origins := a.origins(h)
	for _, o := range origins {
		handler.Workers = append(handler.Workers, o.name)
	}
	if hasOverrides(&h.server.Dir) {
		handler.Defines = a.cfg.Defines()
	}
	a.accessLogs(s, h, &handler)
	handler.Logs, handler.Server.TLS = nil, h.requests
	routes := caddyhttp.RouteList{{HandlersRaw: []json.RawMessage{withHandler("apache_vhost", handler)}}}
	for _, o := range origins {
		routes = append(routes, o.routes()...)
	}
	return append(routes, fileRoutes(h.server)...)
}

// port is what <VirtualHost> says of it: what redirects to the virtual host itself
// name, if there is no ServerName.
func (h *host) port(listening int) int {
	if h.server.Named() {
		return 0
	}
	for _, address := range h.server.Addresses {
		if address.Port == listening {
			return listening
		}
	}
	return 0
}

// fileRoutes are for what is served from the disk.
func fileRoutes(s *config.Server) caddyhttp.RouteList {
	type browse struct{}
	type fileServer struct {
		Hide   []string `json:"hide"`
		Browse *browse  `json:"browse,omitempty"`
	}
	hide := []string{".ht*"}
	routes := caddyhttp.RouteList{{
		MatcherSetsRaw: ends("apache_origin", "file"),
		HandlersRaw:    []json.RawMessage{withHandler("file_server", fileServer{Hide: hide})},
	}}
	if s.Dir.Lists() {
		routes = append(routes, caddyhttp.Route{
			MatcherSetsRaw: ends("apache_origin", "listing"),
			HandlersRaw:    []json.RawMessage{withHandler("file_server", fileServer{Hide: hide, Browse: new(browse)})},
		})
	}
	return routes
}

// ends matches requests that end up at a place.
func ends(variable, at string) caddyhttp.RawMatcherSets {
	return caddyhttp.RawMatcherSets{{"vars": marshal(caddyhttp.VarsMatcher{variable: {at}})}}
}

func subroute(routes caddyhttp.RouteList) json.RawMessage {
	return withHandler("subroute", caddyhttp.Subroute{Routes: routes})
}

// withHandler is a handler as JSON, with its name first.
func withHandler(name string, v any) json.RawMessage {
	text := marshal(v)
	head := `{"handler":` + string(marshal(name))
	if string(text) != "{}" {
		head += ","
	}
	return json.RawMessage(head + string(text[1:]))
}

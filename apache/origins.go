// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package apache

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/headers"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/config"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/mapping"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/rewrite"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/tlsconf"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/vhost"
)

// origin is a place that requests are passed on to.
type origin struct {
	name    string // the value of apache_origin
	target  mapping.Target
	dynamic bool // the address is known only when a request is there
	server  *config.Server
	backend *tlsconf.Backend // nil: no TLS
	ssl     tlsconf.Proxy    // the directives of backend
	tunnels bool             // it may get WebSockets
}

// origins are all that a virtual host names: by ProxyPass, as members of
// balancers, and by RewriteRule.
func (a *adaptation) origins(h *host) []*origin {
	var origins []*origin
	add := func(o *origin) {
		if i := slices.IndexFunc(origins, func(known *origin) bool { return known.name == o.name }); i >= 0 {
			origins[i].tunnels = origins[i].tunnels || o.tunnels
			return
		}
		origins = append(origins, o)
	}
	s := h.server
	var mapper *mapping.Mapper
	if s.Mapping != nil {
		var err error
		if mapper, err = s.Mapping.Compile(); err != nil {
			a.fail(s.Position, err)
			return nil
		}
	}
	dynamic := false
	worker := func(w *mapping.Worker) {
		if w.Match && strings.ContainsAny(w.URL, "$") {
			dynamic = true // unless $1 is in the path only, which the next line finds out
		}
		if t, ok := w.Target(); ok {
			add(a.origin(s, t))
		}
	}
	for _, w := range mapper.Workers() {
		worker(&w)
	}
	for _, b := range mapper.Balancers() {
		for i := range b.Members {
			worker(&b.Members[i])
		}
	}
	urls, open := rewriteTargets(&s.Dir)
	for _, url := range urls {
		t, err := mapper.ProxyURL(url, "", true)
		if err != nil || t.Scheme == "balancer" {
			continue // the request gets httpd's answer to that
		}
		add(a.origin(s, t))
	}
	if dynamic || open || hasOverrides(&s.Dir) {
		for _, scheme := range []string{"ws", "wss"} {
			name := "*"
			if scheme == "wss" {
				name = "*s"
			}
			o := a.origin(s, mapping.Target{Scheme: scheme})
			o.name, o.dynamic = name, true
			add(o)
		}
	}
	return origins
}

func (a *adaptation) origin(s *config.Server, t mapping.Target) *origin {
	o := &origin{name: vhost.WorkerName(&t), target: t, server: s}
	o.tunnels = t.Upgrades("websocket") || t.Worker == nil
	if t.Scheme == "https" || t.Scheme == "wss" || t.Scheme == "h2" {
		rules := proxyTLS(s, &t)
		o.ssl = rules.Proxy
		if o.ssl.Engine == nil && o.target.Address != "" && !a.cfg.Strict {
			on := true
			o.ssl.Engine = &on
			a.warnf(s.Position, "%s has TLS, and no SSLProxyEngine on: httpd would answer 500, here it is taken for on", t.URL())
		}
		o.backend = (&tlsconf.Rules{Proxy: o.ssl}).Backend()
	}
	return o
}

// proxyTLS is the TLS of a target: that of the server, and of the <Proxy> sections
// for it.
func proxyTLS(s *config.Server, t *mapping.Target) *tlsconf.Rules {
	rules := s.TLS
	if rules == nil {
		rules = new(tlsconf.Rules)
	}
	for _, section := range s.Sections {
		if section.Kind != "proxy" && section.Kind != "proxymatch" || section.TLS == nil {
			continue
		}
		if m, err := config.Compile(section); err == nil {
			if ok, err := m.Matches(t.URL()); err == nil && ok {
				rules = tlsconf.Merge(rules, section.TLS)
			}
		}
	}
	return rules
}

// authority is the URL of a substitution up to its path.
var authority = regexp.MustCompile(`^(?i:unix:[^|]*\|)?(?i:ws|wss|http|https|h2|h2c)://[^/]*`)

// rewriteTargets are scheme and authority of the URLs that RewriteRules of a
// virtual host proxy to, in order. dynamic says that some are put together of what
// a request has.
func rewriteTargets(d *config.Dir) (urls []string, dynamic bool) {
	if d.Rewrite != nil {
		for _, rule := range d.Rewrite.Rules {
			if !proxies(rule.Flags) {
				continue
			}
			url, open := rewriteTarget(&rule)
			dynamic = dynamic || open
			if url != "" {
				urls = append(urls, url)
			}
		}
	}
	for i := range d.Sections {
		inner, open := rewriteTargets(&d.Sections[i].Dir)
		urls, dynamic = append(urls, inner...), dynamic || open
	}
	return urls, dynamic
}

// rewriteTarget is scheme and authority that a rule names, if it does; open says
// that what a client sent may make it another.
func rewriteTarget(rule *rewrite.Rule) (url string, open bool) {
	url = authority.FindString(rule.Substitution)
	at := strings.IndexAny(url, "$%")
	switch {
	case url == "":
		return "", strings.HasPrefix(rule.Substitution, "$") || strings.HasPrefix(rule.Substitution, "%")
	case at < 0:
		return url, false
	case strings.HasSuffix(url[:at], ":") || strings.HasSuffix(url[:at], "/"):
		return "", true
	}
	// ws://host$1: if what $1 stands for begins with a slash, it is no part of the
	// host.
	return url[:at], !slashFirst(url[at:], rule.Pattern)
}

// slashFirst says whether what a reference stands for always begins with a slash.
func slashFirst(reference, pattern string) bool {
	if strings.HasPrefix(reference, "%{REQUEST_URI}") {
		return true
	}
	if len(reference) < 2 || reference[0] != '$' || reference[1] < '0' || reference[1] > '9' {
		return false
	}
	if reference[1] == '0' {
		return strings.HasPrefix(strings.TrimPrefix(pattern, "^"), "/")
	}
	groups := strings.Split(strings.NewReplacer(`\(`, "", "(?", "").Replace(pattern), "(")
	n := int(reference[1] - '0')
	return n < len(groups) && strings.HasPrefix(groups[n], "/") && !strings.Contains(groups[n], "|") && !strings.HasPrefix(groups[n], "/?") && !strings.HasPrefix(groups[n], "/*")
}

// proxies says whether flags as [P,L] have P.
func proxies(flags string) bool {
	for flag := range strings.SplitSeq(strings.Trim(flags, "[]"), ",") {
		if flag = strings.TrimSpace(flag); strings.EqualFold(flag, "P") || strings.EqualFold(flag, "proxy") {
			return true
		}
	}
	return false
}

// hasOverrides says whether .htaccess files may have rewriting rules.
func hasOverrides(d *config.Dir) bool {
	return slices.ContainsFunc(d.Sections, func(s config.Section) bool { return s.Files.Overrides() })
}

// tunnel is the handler ws_tunnel, which this package must not import.
type tunnel struct {
	Origins          []string         `json:"origins"`
	Headers          *headers.Handler `json:"headers,omitempty"`
	SNI              string           `json:"sni,omitempty"`
	TLSClient        json.RawMessage  `json:"tls_client,omitempty"`
	LocalAddresses   []string         `json:"local_address,omitempty"`
	DialTimeout      caddy.Duration   `json:"dial_timeout,omitempty"`
	HandshakeTimeout caddy.Duration   `json:"handshake_timeout,omitempty"`
	IdleTimeout      caddy.Duration   `json:"idle_timeout,omitempty"`
	Name             string           `json:"name,omitempty"`
	UncheckedAccept  bool             `json:"unchecked_accept"`
}

// routes hand requests to the origin: tunnels to one handler, all others to
// another.
func (o *origin) routes() caddyhttp.RouteList {
	if o.backend != nil && !o.backend.Enabled {
		refuse := withHandler("error", map[string]any{
			"error": "SSLProxyEngine is not on, which " + o.target.URL() + " needs", "status_code": http.StatusInternalServerError,
		})
		return caddyhttp.RouteList{o.route("apache_tunnel", refuse), o.route("apache_origin", refuse)}
	}
	var routes caddyhttp.RouteList
	if o.tunnels {
		routes = append(routes, o.route("apache_tunnel", withHandler("ws_tunnel", o.tunnel())))
	}
	return append(routes, o.route("apache_origin", withHandler("reverse_proxy", o.proxy())))
}

func (o *origin) route(variable string, handler json.RawMessage) caddyhttp.Route {
	return caddyhttp.Route{Group: o.title(), MatcherSetsRaw: ends(variable, o.name), HandlersRaw: []json.RawMessage{handler}, Terminal: true}
}

func (o *origin) title() string {
	if o.dynamic {
		return "origins that rules put together"
	}
	if w := o.target.Worker; w != nil && w.Line != "" {
		return w.Line + " " + w.URL
	}
	return "origin " + o.name
}

func (o *origin) tunnel() tunnel {
	t := tunnel{
		Origins:     []string{vhost.DialURL(&o.target)},
		Headers:     o.headers(),
		DialTimeout: caddy.Duration(o.connectTimeout()), HandshakeTimeout: caddy.Duration(o.readTimeout()),
		IdleTimeout: caddy.Duration(o.idleTimeout()), UncheckedAccept: true,
	}
	if w := o.target.Worker; w != nil {
		t.Name = w.URL
	}
	if o.dynamic {
		t.Origins[0] = "{http.apache.origin}"
		t.Name = "apache"
	}
	if o.backend != nil {
		t.SNI = o.serverName()
		t.TLSClient = json.RawMessage(`{"client":"apache",` + string(marshal(vhost.TLSClient{Proxy: o.ssl}))[1:])
	}
	if p := o.server.Proxy; p != nil && p.SourceAddress != "" {
		t.LocalAddresses = []string{p.SourceAddress}
	}
	return t
}

// proxy is the handler reverse_proxy, as far as it is needed.
type proxy struct {
	Upstreams     []map[string]string `json:"upstreams"`
	Headers       *headers.Handler    `json:"headers,omitempty"`
	Transport     json.RawMessage     `json:"transport,omitempty"`
	FlushInterval caddy.Duration      `json:"flush_interval,omitempty"`
}

func (o *origin) proxy() proxy {
	dial := o.target.Address
	if o.dynamic {
		dial = "{http.apache.address}"
	}
	off := false
	transport := reverseproxy.HTTPTransport{
		DialTimeout:           caddy.Duration(o.connectTimeout()),
		ResponseHeaderTimeout: caddy.Duration(o.readTimeout()),
		Compression:           &off,
		Versions:              []string{"1.1"},
	}
	switch o.target.Scheme {
	case "h2":
		transport.Versions = []string{"2"}
	case "h2c":
		transport.Versions = []string{"h2c", "2"}
	}
	p := proxy{Upstreams: []map[string]string{{"dial": dial}}, Headers: o.headers()}
	if w := o.target.Worker; w != nil {
		if w.Params.DisableReuse {
			transport.KeepAlive = &reverseproxy.KeepAlive{Enabled: &off}
		}
		if w.Params.FlushPackets == "on" || w.Params.FlushPackets == "auto" {
			p.FlushInterval = -1
		}
	}
	if o.backend == nil {
		p.Transport = json.RawMessage(`{"protocol":"http",` + string(marshal(transport)[1:]))
		return p
	}
	transport.TLS = new(reverseproxy.TLSConfig)
	p.Transport = json.RawMessage(`{"protocol":"apache",` + string(marshal(vhost.Transport{
		HTTPTransport: transport, TLSClient: vhost.TLSClient{Proxy: o.ssl}, ServerName: o.serverName(),
	}))[1:])
	return p
}

// serverName is the name that an origin is asked for in TLS: the client's Host
// under ProxyPreserveHost, and otherwise that of the URL.
func (o *origin) serverName() string {
	if p := o.server.Proxy; p != nil && p.PreserveHost != nil && *p.PreserveHost {
		return "{http.request.host}"
	}
	return ""
}

// headers leave the field Via to httpd's ProxyVia, and X-Forwarded-For without
// the client's address if ProxyAddHeaders is Off.
func (o *origin) headers() *headers.Handler {
	ops := new(headers.HeaderOps)
	options := o.server.Proxy
	if options != nil && (options.Via == "on" || options.Via == "full") {
		ops.Set = http.Header{"Via": {"{http.apache.via}"}}
	} else {
		ops.Delete = []string{"Via"}
	}
	if options != nil && options.AddHeaders != nil && !*options.AddHeaders {
		ops.Replace = map[string][]headers.Replacement{"X-Forwarded-For": {{SearchRegexp: `,? ?[^,]*$`}}}
	}
	return &headers.Handler{Request: ops}
}

const defaultTimeout = 60 * time.Second

func seconds(s *config.Seconds, otherwise time.Duration) time.Duration {
	if s == nil {
		return otherwise
	}
	return time.Duration(float64(*s) * float64(time.Second))
}

func (o *origin) timeout() time.Duration { return seconds(o.server.Timeout, defaultTimeout) }

// readTimeout is how long an answer may take: timeout= of the worker,
// ProxyTimeout or Timeout.
func (o *origin) readTimeout() time.Duration {
	if w := o.target.Worker; w != nil && w.Params.Timeout > 0 {
		return w.Params.Timeout
	}
	if p := o.server.Proxy; p != nil && p.Timeout != nil {
		return seconds(p.Timeout, 0)
	}
	return o.timeout()
}

func (o *origin) connectTimeout() time.Duration {
	if w := o.target.Worker; w != nil && w.Params.ConnectionTimeout > 0 {
		return w.Params.ConnectionTimeout
	}
	return o.readTimeout()
}

// idleTimeout is that of a tunnel: the longer one of Timeout and of the time for
// an answer (lab cases E15 to E15c). mod_proxy_wstunnel by itself has none (E15d).
func (o *origin) idleTimeout() time.Duration {
	if m := o.server.Mapping; m != nil && m.WebsocketFallback != nil && !*m.WebsocketFallback {
		if p := o.server.Proxy; p != nil {
			return seconds(p.IdleTimeout, 0)
		}
		return 0
	}
	return max(o.timeout(), o.readTimeout())
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package apache

import (
	"crypto/tls"
	"encoding/json"
	"net/netip"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddytls"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/config"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/tlsconf"
)

// tlsApp is Caddy's app tls, as far as it is needed.
type tlsApp struct {
	Certificates struct {
		LoadFiles caddytls.FileLoader `json:"load_files,omitempty"`
		Chains    []chained           `json:"load_apache,omitempty"`
		Automate  []string            `json:"automate,omitempty"`
	} `json:"certificates,omitzero"`
	Automation *caddytls.AutomationConfig `json:"automation,omitempty"`
}

// chained is a certificate whose chain is in another file.
type chained struct {
	Certificate string   `json:"certificate"`
	Key         string   `json:"key"`
	Chain       string   `json:"chain"`
	Tags        []string `json:"tags,omitempty"`
}

func (t *tlsApp) empty() bool {
	c := &t.Certificates
	return len(c.LoadFiles)+len(c.Chains)+len(c.Automate) == 0 && t.Automation == nil
}

// hostTLS makes the connection policies of virtual hosts: the certificate is
// chosen by the server name, in their order, and the first takes the rest.
func (a *adaptation) hostTLS(s *caddyhttp.Server, hosts []*host, port int, ip netip.Addr) {
	var policies caddytls.ConnectionPolicies
	var plain []*host
	for _, h := range append(hosts[1:len(hosts):len(hosts)], hosts[0]) {
		l := a.listenerTLS(h)
		if l == nil {
			return
		}
		h.requests = l.Requests
		if h.tls = l.Enabled; !l.Enabled {
			plain = append(plain, h)
			continue
		}
		policy := &caddytls.ConnectionPolicy{
			ProtocolMin: protocolName(l.MinVersion, tls.VersionTLS12), ProtocolMax: protocolName(l.MaxVersion, tls.VersionTLS13),
			CipherSuites: l.CipherSuites,
		}
		if c := l.ClientAuth; c != nil {
			policy.ClientAuthentication = &caddytls.ClientAuthentication{Mode: c.Mode}
			s.StrictSNIHost = new(bool) // the handler knows which names are of one virtual host
			if len(c.CAFiles) > 0 {
				policy.ClientAuthentication.CARaw = marshal(map[string]any{"provider": "file", "pem_files": c.CAFiles})
			}
		}
		if !h.first {
			if len(h.names) == 0 {
				continue
			}
			policy.MatchersRaw = h.serverNames()
		}
		if ip.IsValid() {
			if policy.MatchersRaw == nil {
				policy.MatchersRaw = make(caddy.ModuleMap)
			}
			policy.MatchersRaw["local_ip"] = marshal(caddytls.MatchLocalIP{Ranges: []string{ip.String()}})
		}
		a.certificates(h, l, policy)
		policies = append(policies, policy)
	}
	if len(policies) == 0 {
		return
	}
	for _, h := range plain {
		a.warnf(h.server.Position, "port %d has TLS for other virtual hosts, so it has for this one, which has no SSLEngine on", port)
	}
	s.TLSConnPolicies = append(s.TLSConnPolicies, policies...)
}

// listenerTLS is the TLS of a virtual host; nil after an error.
func (a *adaptation) listenerTLS(h *host) *tlsconf.Listener {
	rules := h.server.TLS
	if rules == nil {
		return new(tlsconf.Listener)
	}
	about := tlsconf.Host{Names: h.names, Admin: h.server.Admin, Sections: sectionTLS(h.server)}
	if on := rules.Engine != nil && *rules.Engine; on && a.managed && len(rules.CertificateFiles) == 0 && len(rules.Managed) == 0 {
		own := *rules
		own.Managed = []tlsconf.Domain{{Names: h.names}}
		rules = &own
	}
	l, err := rules.Listener(about)
	if err != nil {
		a.errorf(h.server.Position, "%s: %v", h.title(), err)
		return nil
	}
	if !l.Enabled && len(rules.CertificateFiles) > 0 {
		a.warnf(h.server.Position, "there is a certificate, and SSLEngine is not on: connections are not encrypted, on port 443 neither")
	}
	return l
}

func sectionTLS(s *config.Server) []*tlsconf.Rules {
	var rules []*tlsconf.Rules
	var add func([]config.Section)
	add = func(sections []config.Section) {
		for i := range sections {
			rules = append(rules, sections[i].TLS)
			add(sections[i].Sections)
		}
	}
	add(s.Sections)
	return rules
}

// serverNames matches the names of a virtual host in a handshake. * of ServerAlias
// goes across dots, which that of Caddy's matcher does not.
func (h *host) serverNames() caddy.ModuleMap {
	if len(h.plain(h.names)) == len(h.names) {
		return caddy.ModuleMap{"sni": marshal(h.names)}
	}
	patterns := make([]string, 0, len(h.names))
	for _, name := range h.names {
		patterns = append(patterns, wildcards(name))
	}
	return caddy.ModuleMap{"sni_regexp": marshal(map[string]string{"pattern": "(?i)^(" + strings.Join(patterns, "|") + ")$"})}
}

// certificates are those of a virtual host, and only those.
func (a *adaptation) certificates(h *host, l *tlsconf.Listener, policy *caddytls.ConnectionPolicy) {
	if l.ACME != nil {
		a.automate(l.ACME)
		return
	}
	tag := h.server.Line
	if tag == "" {
		tag = "main server"
	}
	policy.CertSelection = &caddytls.CustomCertSelectionPolicy{AnyTag: []string{tag}}
	for _, c := range l.Certificates {
		if c.Chain == "" {
			pair := caddytls.CertKeyFilePair{Certificate: c.File, Key: c.Key, Tags: []string{tag}}
			if !slices.ContainsFunc(a.tls.Certificates.LoadFiles, func(known caddytls.CertKeyFilePair) bool {
				return known.Certificate == pair.Certificate && known.Key == pair.Key && slices.Equal(known.Tags, pair.Tags)
			}) {
				a.tls.Certificates.LoadFiles = append(a.tls.Certificates.LoadFiles, pair)
			}
			continue
		}
		a.tls.Certificates.Chains = append(a.tls.Certificates.Chains, chained{c.File, c.Key, c.Chain, []string{tag}})
	}
}

// automate lets Caddy get certificates.
func (a *adaptation) automate(acme *tlsconf.ACME) {
	for _, name := range acme.Names {
		if !slices.Contains(a.tls.Certificates.Automate, name) {
			a.tls.Certificates.Automate = append(a.tls.Certificates.Automate, name)
		}
	}
	if acme.Email+acme.Authority+acme.KeyType+acme.RootCAs == "" {
		return
	}
	issuer := map[string]any{"module": "acme"}
	if acme.Email != "" {
		issuer["email"] = acme.Email
	}
	if acme.Authority != "" {
		issuer["ca"] = acme.Authority
	}
	if acme.RootCAs != "" {
		issuer["trusted_roots_pem_files"] = []string{acme.RootCAs}
	}
	if a.tls.Automation == nil {
		a.tls.Automation = new(caddytls.AutomationConfig)
	}
	a.tls.Automation.Policies = append(a.tls.Automation.Policies, &caddytls.AutomationPolicy{
		SubjectsRaw: acme.Names, IssuersRaw: []json.RawMessage{marshal(issuer)}, KeyType: acme.KeyType,
	})
}

// protocolName is a version in Caddy's words; empty if it is what Caddy does by
// itself.
func protocolName(version uint16, byItself uint16) string {
	switch {
	case version == byItself || version == 0:
		return ""
	case version == tls.VersionTLS13:
		return "tls1.3"
	}
	return "tls1.2"
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package tlsconf reads httpd's TLS: mod_ssl's directives for listeners and for
// backends, and mod_md's for certificates by ACME.
package tlsconf

import (
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// Rules are the directives of a server or a section. What is not said is empty.
// Paths are absolute.
type Rules struct {
	Engine           *bool    `json:"engine,omitempty"`                 // SSLEngine
	CertificateFiles []string `json:"certificate_files,omitempty"`      // SSLCertificateFile
	KeyFiles         []string `json:"certificate_key_files,omitempty"`  // SSLCertificateKeyFile
	ChainFile        string   `json:"certificate_chain_file,omitempty"` // SSLCertificateChainFile
	Protocol         []string `json:"protocol,omitempty"`               // of SSLProtocol what there is: TLSv1.2
	CipherSuite      string   `json:"cipher_suite,omitempty"`           // SSLCipherSuite, up to TLS 1.2
	VerifyClient     string   `json:"verify_client,omitempty"`          // none, optional, require or optional_no_ca
	VerifyDepth      *int     `json:"verify_depth,omitempty"`           // SSLVerifyDepth
	CAFile           string   `json:"ca_certificate_file,omitempty"`    // SSLCACertificateFile
	CAPath           string   `json:"ca_certificate_path,omitempty"`    // SSLCACertificatePath
	StrictSNI        *bool    `json:"strict_sni_vhost_check,omitempty"` // SSLStrictSNIVHostCheck
	Line             string   `json:"line,omitempty"`                   // of SSLEngine
	Proxy            Proxy    `json:"proxy,omitzero"`                   // SSLProxy…
	Managed          []Domain `json:"managed_domains,omitempty"`        // MDomain
	ContactEmail     string   `json:"contact_email,omitempty"`          // MDContactEmail
	Authority        string   `json:"certificate_authority,omitempty"`  // MDCertificateAuthority
	ManualNames      *bool    `json:"manual_names,omitempty"`           // MDMembers manual
	KeyType          string   `json:"managed_private_keys,omitempty"`   // MDPrivateKeys
	RootCAs          string   `json:"md_ca_certificate_file,omitempty"` // MDCACertificateFile
}

// Proxy are the directives for backends.
type Proxy struct {
	Engine          *bool    `json:"engine,omitempty"`                   // SSLProxyEngine
	Verify          string   `json:"verify,omitempty"`                   // none, optional, require or optional_no_ca
	VerifyDepth     *int     `json:"verify_depth,omitempty"`             // SSLProxyVerifyDepth
	CAFile          string   `json:"ca_certificate_file,omitempty"`      // SSLProxyCACertificateFile
	CAPath          string   `json:"ca_certificate_path,omitempty"`      // SSLProxyCACertificatePath
	CheckPeerName   *bool    `json:"check_peer_name,omitempty"`          // SSLProxyCheckPeerName
	CheckPeerCN     *bool    `json:"check_peer_cn,omitempty"`            // SSLProxyCheckPeerCN
	CheckPeerExpire *bool    `json:"check_peer_expire,omitempty"`        // SSLProxyCheckPeerExpire
	CertificateFile string   `json:"machine_certificate_file,omitempty"` // SSLProxyMachineCertificateFile
	ChainFile       string   `json:"machine_certificate_chain_file,omitempty"`
	Protocol        []string `json:"protocol,omitempty"`     // of SSLProxyProtocol what there is
	CipherSuite     string   `json:"cipher_suite,omitempty"` // SSLProxyCipherSuite, up to TLS 1.2
}

// Reads says whether name is one of the directives or, with < in front of it, of
// the sections.
func Reads(name string) bool {
	_, ok := directives[strings.ToLower(name)]
	return ok
}

// reader reads a directive. Where it may stand has been checked.
type reader struct {
	read   func(*Rules, *directive.Context, *syntax.Node) error
	places []directive.Place
}

var (
	inServers  = []directive.Place{directive.Server}
	inBackends = []directive.Place{directive.Server, directive.Proxy}
	inSections = []directive.Place{directive.Server, directive.Location, directive.Directory, directive.HTAccess, directive.Condition}
)

// Directive reads one of the directives or sections.
func (rs *Rules) Directive(ctx *directive.Context, n *syntax.Node) error {
	name := strings.ToLower(n.Name)
	if n.Section {
		name = "<" + name
	}
	d, ok := directives[name]
	if !ok {
		return fmt.Errorf("%s is none of the directives of mod_ssl and mod_md", n.Name)
	}
	if !slices.Contains(d.places, ctx.Place) {
		return fmt.Errorf("%s may not stand here: put it into the server or its <VirtualHost>", n.Name)
	}
	return d.read(rs, ctx, n)
}

// Merge returns the rules that hold inside: the inner ones, and the outer ones
// for what those say nothing of. A list of files replaces the other.
func Merge(outer, inner *Rules) *Rules {
	if outer == nil {
		return inner
	}
	if inner == nil {
		return outer
	}
	return &Rules{
		Engine:           either(inner.Engine, outer.Engine),
		CertificateFiles: list(inner.CertificateFiles, outer.CertificateFiles),
		KeyFiles:         list(inner.KeyFiles, outer.KeyFiles),
		ChainFile:        either(inner.ChainFile, outer.ChainFile),
		Protocol:         list(inner.Protocol, outer.Protocol),
		CipherSuite:      either(inner.CipherSuite, outer.CipherSuite),
		VerifyClient:     either(inner.VerifyClient, outer.VerifyClient),
		VerifyDepth:      either(inner.VerifyDepth, outer.VerifyDepth),
		CAFile:           either(inner.CAFile, outer.CAFile),
		CAPath:           either(inner.CAPath, outer.CAPath),
		StrictSNI:        either(inner.StrictSNI, outer.StrictSNI),
		Line:             either(inner.Line, outer.Line),
		Proxy:            mergeProxy(&outer.Proxy, &inner.Proxy),
		Managed:          slices.Concat(outer.Managed, inner.Managed),
		ContactEmail:     either(inner.ContactEmail, outer.ContactEmail),
		Authority:        either(inner.Authority, outer.Authority),
		ManualNames:      either(inner.ManualNames, outer.ManualNames),
		KeyType:          either(inner.KeyType, outer.KeyType),
		RootCAs:          either(inner.RootCAs, outer.RootCAs),
	}
}

func mergeProxy(outer, inner *Proxy) Proxy {
	return Proxy{
		Engine:          either(inner.Engine, outer.Engine),
		Verify:          either(inner.Verify, outer.Verify),
		VerifyDepth:     either(inner.VerifyDepth, outer.VerifyDepth),
		CAFile:          either(inner.CAFile, outer.CAFile),
		CAPath:          either(inner.CAPath, outer.CAPath),
		CheckPeerName:   either(inner.CheckPeerName, outer.CheckPeerName),
		CheckPeerCN:     either(inner.CheckPeerCN, outer.CheckPeerCN),
		CheckPeerExpire: either(inner.CheckPeerExpire, outer.CheckPeerExpire),
		CertificateFile: either(inner.CertificateFile, outer.CertificateFile),
		ChainFile:       either(inner.ChainFile, outer.ChainFile),
		Protocol:        list(inner.Protocol, outer.Protocol),
		CipherSuite:     either(inner.CipherSuite, outer.CipherSuite),
	}
}

// either is the inner value unless nothing is said there.
func either[T comparable](inner, outer T) T {
	var none T
	if inner == none {
		return outer
	}
	return inner
}

func list(inner, outer []string) []string {
	if len(inner) == 0 {
		return outer
	}
	return inner
}

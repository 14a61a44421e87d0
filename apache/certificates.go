// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package apache

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddytls"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/tlsconf"
)

func init() {
	caddy.RegisterModule(ChainLoader{})
}

// ChainLoader loads certificates whose chain is in a file of its own
// (SSLCertificateChainFile). They are read when the config is loaded.
type ChainLoader []chained

// CaddyModule returns the Caddy module information.
func (ChainLoader) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "tls.certificates.load_apache",
		New: func() caddy.Module { return new(ChainLoader) },
	}
}

// LoadCertificates reads all certificates.
func (cl ChainLoader) LoadCertificates() ([]caddytls.Certificate, error) {
	certificates := make([]caddytls.Certificate, 0, len(cl))
	for _, c := range cl {
		loaded, err := tlsconf.Certificate{File: c.Certificate, Key: c.Key, Chain: c.Chain}.Load()
		if err != nil {
			return nil, err
		}
		certificates = append(certificates, caddytls.Certificate{Certificate: loaded, Tags: c.Tags})
	}
	return certificates, nil
}

// Interface guards
var _ caddytls.CertificateLoader = ChainLoader(nil)

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package tlsconf

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Backend is the TLS to backends. Unless Enabled there is none, and a request to
// https or wss is answered with 500 (lab case E21).
//
// Without a word of the configuration httpd verifies no chain, but checks name
// and expiry (lab cases E21b to E21h). crypto/tls has nothing like it, so a
// Client does all of the checks itself.
type Backend struct {
	Enabled bool

	Verify string // of the chain: none, optional, require or optional_no_ca
	Depth  int
	CAFile string
	CAPath string

	CheckExpire bool
	CheckName   bool // by alternative names and common names
	CheckCN     bool // by the first common name alone

	CertificateFile string // certificates to present, with their keys
	ChainFile       string

	MinVersion, MaxVersion uint16
	CipherSuites           []string // as in Listener
}

// Backend returns the TLS that backends of a server or a <Proxy> have.
func (rs *Rules) Backend() *Backend {
	p := &rs.Proxy
	b := &Backend{
		Enabled:         p.Engine != nil && *p.Engine,
		Verify:          either(p.Verify, verifyNone),
		Depth:           defaultDepth,
		CAFile:          p.CAFile,
		CAPath:          p.CAPath,
		CheckExpire:     p.CheckPeerExpire == nil || *p.CheckPeerExpire,
		CertificateFile: p.CertificateFile,
		ChainFile:       p.ChainFile,
		CipherSuites:    cipherSuites(p.CipherSuite),
	}
	if p.VerifyDepth != nil {
		b.Depth = *p.VerifyDepth
	}
	b.MinVersion, b.MaxVersion = limits(p.Protocol)

	// Off for either of the two switches the name off, unless the other is on by
	// its own directive.
	name, cn := p.CheckPeerName, p.CheckPeerCN
	b.CheckName = (name == nil || *name) && (cn == nil || *cn || name != nil)
	b.CheckCN = !b.CheckName && cn != nil && *cn
	return b
}

// VerifyConnection makes those checks that need no authorities: of name and
// expiry. serverName is the host of the backend's URL, or the client's under
// ProxyPreserveHost.
func (b *Backend) VerifyConnection(cs tls.ConnectionState, serverName string) error {
	if len(cs.PeerCertificates) == 0 {
		return errors.New("the backend has no certificate")
	}
	cert := cs.PeerCertificates[0]
	if b.CheckExpire {
		if now := time.Now(); !now.After(cert.NotBefore) || !now.Before(cert.NotAfter) {
			return fmt.Errorf("the backend's certificate is valid from %s to %s only; SSLProxyCheckPeerExpire off would accept it",
				cert.NotBefore.Format(time.DateOnly), cert.NotAfter.Format(time.DateOnly))
		}
	}
	switch {
	case serverName == "":
	case b.CheckName:
		if !named(cert, serverName) {
			return fmt.Errorf("the backend's certificate is not for %s; SSLProxyCheckPeerName off would accept it", serverName)
		}
	case b.CheckCN:
		if !sameName(cert.Subject.CommonName, serverName) {
			return fmt.Errorf("the common name of the backend's certificate is not %s; SSLProxyCheckPeerCN off would accept it", serverName)
		}
	}
	return nil
}

// named says whether a certificate is for a host. Its common names count even if
// it has alternative ones, and addresses count by their text alone: httpd knows
// no alternative names of that kind.
func named(cert *x509.Certificate, host string) bool {
	for _, name := range cert.DNSNames {
		if sameName(name, host) {
			return true
		}
	}
	for _, attribute := range cert.Subject.Names {
		if name, ok := attribute.Value.(string); ok && attribute.Type.String() == commonName && sameName(name, host) {
			return true
		}
	}
	return false
}

const commonName = "2.5.4.3" // its OID

// sameName compares a name of a certificate, in which *. stands for one label.
func sameName(name, host string) bool {
	if strings.HasPrefix(name, "*.") {
		if i := strings.IndexByte(host, '.'); i >= 0 && strings.EqualFold(name[1:], host[i:]) {
			return true
		}
	}
	return strings.EqualFold(name, host)
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package tlsconf

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
)

// Host is what of a virtual host matters to its TLS.
type Host struct {
	Names    []string // ServerName and each ServerAlias
	Admin    string   // ServerAdmin, for the ACME authority
	Sections []*Rules // of <Location> and the like, which may ask for certificates, too
}

// Listener is the TLS of a virtual host. Unless Enabled it has none.
type Listener struct {
	Enabled      bool
	Certificates []Certificate
	ACME         *ACME    // instead of Certificates
	MinVersion   uint16   // as MaxVersion one of crypto/tls
	MaxVersion   uint16   //
	CipherSuites []string // up to TLS 1.2, in crypto/tls's names; empty: its own choice
	ClientAuth   *ClientAuth

	// Requests are those rules that each request is held against; nil: there are none.
	Requests *Rules
}

// Certificate is where a certificate is.
type Certificate struct {
	File  string
	Key   string // may be the same file
	Chain string // a file with what comes behind those of File; may be empty
}

// ClientAuth is what is asked of clients.
type ClientAuth struct {
	Mode    string   // in Caddy's words: request, verify_if_given or require_and_verify
	CAFiles []string // in PEM
}

const defaultDepth = 1 // of both SSLVerifyDepth and SSLProxyVerifyDepth

// Listener returns the TLS of a virtual host with these rules, which include the
// main server's.
func (rs *Rules) Listener(host Host) (*Listener, error) {
	if rs.Engine == nil || !*rs.Engine {
		return new(Listener), nil
	}
	l := &Listener{
		Enabled:      true,
		CipherSuites: cipherSuites(rs.CipherSuite),
	}
	l.MinVersion, l.MaxVersion = limits(rs.Protocol)
	for i, file := range rs.CertificateFiles {
		c := Certificate{File: file, Key: file, Chain: rs.ChainFile}
		if i < len(rs.KeyFiles) {
			c.Key = rs.KeyFiles[i]
		}
		l.Certificates = append(l.Certificates, c)
	}
	if l.Certificates == nil {
		if l.ACME = rs.acme(host); l.ACME == nil {
			return nil, errors.New("SSLEngine on without a certificate: there has to be a SSLCertificateFile, or a MDomain with the ServerName, or a line Define CADDY_CERTIFICATES managed to let Caddy get one")
		}
	}
	var err error
	if l.ClientAuth, err = rs.clientAuth(host.Sections); err != nil {
		return nil, err
	}
	if l.ClientAuth != nil || rs.StrictSNI != nil {
		l.Requests = &Rules{VerifyClient: rs.VerifyClient, VerifyDepth: rs.VerifyDepth, StrictSNI: rs.StrictSNI}
	}
	return l, nil
}

// clientAuth is what is asked of clients in the handshake. If only sections ask,
// a certificate is welcome everywhere, and missed where Permits is asked.
func (rs *Rules) clientAuth(sections []*Rules) (*ClientAuth, error) {
	asked := false
	for _, s := range sections {
		asked = asked || s != nil && (s.VerifyClient == verifyRequire || s.VerifyClient == verifyOptional)
	}
	a := new(ClientAuth)
	switch rs.VerifyClient {
	case verifyRequire:
		a.Mode = "require_and_verify"
	case verifyOptional:
		a.Mode = "verify_if_given"
	case verifyOptionalNoCA:
		if asked {
			return nil, errors.New("SSLVerifyClient optional_no_ca of the server does not go with SSLVerifyClient in a section")
		}
		a.Mode = "request"
		return a, nil
	default:
		if !asked {
			return nil, nil
		}
		a.Mode = "verify_if_given"
	}
	var err error
	if a.CAFiles, err = caFiles(rs.CAFile, rs.CAPath); err != nil {
		return nil, err
	}
	if len(a.CAFiles) == 0 {
		// httpd starts, and lets nobody in. Go would take the system's authorities.
		return nil, errors.New("SSLVerifyClient without an authority: there has to be a SSLCACertificateFile or a SSLCACertificatePath")
	}
	return a, nil
}

// checkDepth is the part of the verification that crypto/tls leaves: as in httpd, a
// chain ends at an authority that signed itself, and is not longer than SSLVerifyDepth
// allows.
func checkDepth(chains [][]*x509.Certificate, depth int) error {
	for _, chain := range chains {
		if n := len(chain); n > 0 && n-1 <= depth && selfSigned(chain[n-1]) {
			return nil
		}
	}
	return fmt.Errorf("no chain of certificates leads to a trusted authority within a depth of %d", depth)
}

func selfSigned(c *x509.Certificate) bool { return bytes.Equal(c.RawIssuer, c.RawSubject) }

// Permits says whether a place with these rules, which include those of its server,
// may be entered: otherwise the answer is 403. A certificate that crypto/tls has
// verified and these rules do not is no longer a verified one for what follows.
// Without TLS httpd asks for nothing.
func (rs *Rules) Permits(r *request.Request) bool {
	if r.TLS == nil {
		return true
	}
	depth := defaultDepth
	if rs.VerifyDepth != nil {
		depth = *rs.VerifyDepth
	}
	verified := checkDepth(r.TLS.VerifiedChains, depth) == nil
	if !verified && len(r.TLS.VerifiedChains) > 0 {
		state := *r.TLS
		state.VerifiedChains = nil
		r.TLS = &state
	}
	switch rs.VerifyClient {
	case verifyRequire:
		return verified
	case verifyOptional:
		return verified || len(r.TLS.PeerCertificates) == 0
	}
	return true
}

// Load reads the certificate with its key and its chain.
func (c Certificate) Load() (tls.Certificate, error) {
	var loaded tls.Certificate
	cert, err := os.ReadFile(c.File)
	if err != nil {
		return loaded, fmt.Errorf("SSLCertificateFile: %w", err)
	}
	key, err := os.ReadFile(c.Key)
	if err != nil {
		return loaded, fmt.Errorf("SSLCertificateKeyFile: %w", err)
	}
	if c.Chain != "" {
		chain, err := os.ReadFile(c.Chain)
		if err != nil {
			return loaded, fmt.Errorf("SSLCertificateChainFile: %w", err)
		}
		cert = append(append(cert, '\n'), chain...)
	}
	if bytes.Contains(key, []byte("ENCRYPTED")) {
		return loaded, fmt.Errorf("the key in %s is encrypted: openssl pkey -in … -out … makes one that is not", c.Key)
	}
	if loaded, err = tls.X509KeyPair(cert, key); err != nil {
		return loaded, fmt.Errorf("%s with the key in %s: %w", c.File, c.Key, err)
	}
	return loaded, nil
}

// hashed are the names that OpenSSL looks for in a folder of authorities.
var hashed = regexp.MustCompile(`^[0-9a-f]{8}\.[0-9]+$`)

// caFiles are the files of authorities: one, and those of a folder.
func caFiles(file, folder string) ([]string, error) {
	var files []string
	if file != "" {
		files = append(files, file)
	}
	if folder == "" {
		return files, nil
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("folder of authorities: %w", err)
	}
	for _, e := range entries {
		if hashed.MatchString(e.Name()) {
			files = append(files, filepath.Join(folder, e.Name()))
		}
	}
	return files, nil
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package tlsconf

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// Client connects to backends with TLS.
type Client struct {
	backend       *Backend
	config        *tls.Config
	roots         *x509.CertPool
	intermediates *x509.CertPool
}

// Compile reads the files and returns what connections are made with.
func (b *Backend) Compile() (*Client, error) {
	if !b.Enabled {
		return nil, errors.New("SSLProxyEngine is not on")
	}
	c := &Client{
		backend: b,
		config: &tls.Config{
			MinVersion:         b.MinVersion,
			MaxVersion:         b.MaxVersion,
			InsecureSkipVerify: true, // verify does all of it
		},
		roots:         x509.NewCertPool(),
		intermediates: x509.NewCertPool(),
	}
	for _, suite := range tls.CipherSuites() {
		if slices.Contains(b.CipherSuites, suite.Name) {
			c.config.CipherSuites = append(c.config.CipherSuites, suite.ID)
		}
	}
	if err := c.loadAuthorities(); err != nil {
		return nil, err
	}
	return c, c.loadCertificates()
}

// Config returns the configuration for a connection. serverName is as in
// Backend.VerifyConnection.
func (c *Client) Config(serverName string) *tls.Config {
	config := c.config.Clone()
	config.ServerName = serverName
	config.VerifyConnection = func(cs tls.ConnectionState) error { return c.verify(cs, serverName) }
	return config
}

func (c *Client) verify(cs tls.ConnectionState, serverName string) error {
	if err := c.backend.VerifyConnection(cs, serverName); err != nil || c.backend.Verify == verifyNone {
		return err
	}
	intermediates := c.intermediates.Clone()
	for _, cert := range cs.PeerCertificates[1:] {
		intermediates.AddCert(cert)
	}
	chains, err := cs.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: c.roots, Intermediates: intermediates})
	if err != nil {
		var unknown x509.UnknownAuthorityError
		if c.backend.Verify == verifyOptionalNoCA && errors.As(err, &unknown) {
			return nil
		}
		return fmt.Errorf("the backend's certificate: %w", err)
	}
	return checkDepth(chains, c.backend.Depth)
}

// loadAuthorities reads those that a chain may end at. As in OpenSSL only those
// that signed themselves are ends.
func (c *Client) loadAuthorities() error {
	files, err := caFiles(c.backend.CAFile, c.backend.CAPath)
	if err != nil {
		return err
	}
	for _, file := range files {
		certs, _, err := readPEM(file)
		if err != nil {
			return fmt.Errorf("SSLProxyCACertificateFile: %w", err)
		}
		for _, block := range certs {
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return fmt.Errorf("SSLProxyCACertificateFile %s: %w", file, err)
			}
			if selfSigned(cert) {
				c.roots.AddCert(cert)
			} else {
				c.intermediates.AddCert(cert)
			}
		}
	}
	return nil
}

// loadCertificates reads what the client presents: a file with any number of
// certificates and keys, of which those without a key belong to the chains.
func (c *Client) loadCertificates() error {
	if c.backend.CertificateFile == "" {
		return nil
	}
	certs, keys, err := readPEM(c.backend.CertificateFile)
	if err != nil {
		return fmt.Errorf("SSLProxyMachineCertificateFile: %w", err)
	}
	if len(keys) == 0 {
		return fmt.Errorf("SSLProxyMachineCertificateFile %s has no key that is not encrypted", c.backend.CertificateFile)
	}
	var chain []*pem.Block
	if c.backend.ChainFile != "" {
		if chain, _, err = readPEM(c.backend.ChainFile); err != nil {
			return fmt.Errorf("SSLProxyMachineCertificateChainFile: %w", err)
		}
	}
	for _, key := range keys {
		i := 0
		var pair tls.Certificate
		for ; i < len(certs); i++ {
			if pair, err = tls.X509KeyPair(pem.EncodeToMemory(certs[i]), pem.EncodeToMemory(key)); err == nil {
				break
			}
		}
		if i == len(certs) {
			return fmt.Errorf("SSLProxyMachineCertificateFile %s has a key without a certificate", c.backend.CertificateFile)
		}
		c.config.Certificates = append(c.config.Certificates, pair)
		certs = slices.Delete(certs, i, i+1)
	}
	for i := range c.config.Certificates {
		for _, block := range slices.Concat(certs, chain) {
			c.config.Certificates[i].Certificate = append(c.config.Certificates[i].Certificate, block.Bytes)
		}
	}
	return nil
}

// readPEM returns the certificates and the keys of a file.
func readPEM(file string) (certs, keys []*pem.Block, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		switch {
		case block.Type == "CERTIFICATE":
			certs = append(certs, block)
		case strings.HasSuffix(block.Type, "PRIVATE KEY") && block.Type != "ENCRYPTED PRIVATE KEY":
			keys = append(keys, block)
		}
	}
	if certs == nil {
		return nil, nil, fmt.Errorf("%s has no certificate in PEM", file)
	}
	return certs, keys, nil
}

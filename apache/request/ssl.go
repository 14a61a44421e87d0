// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package request

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
)

// sslVar returns one of mod_ssl's variables. Those of the server's own
// certificate are not known here, and empty.
func (r *Request) sslVar(name string) string {
	s := r.TLS
	if strings.EqualFold(name, "HTTPS") {
		return onOff(s != nil)
	}
	if s == nil {
		return ""
	}
	switch name = strings.ToUpper(name); name {
	case "SSL_PROTOCOL":
		return strings.ReplaceAll(strings.ReplaceAll(tls.VersionName(s.Version), "TLS 1.0", "TLSv1"), "TLS ", "TLSv")
	case "SSL_CIPHER":
		return tls.CipherSuiteName(s.CipherSuite)
	case "SSL_TLS_SNI":
		return s.ServerName
	case "SSL_SESSION_RESUMED":
		if s.DidResume {
			return "Resumed"
		}
		return "Initial"
	case "SSL_CLIENT_VERIFY":
		switch {
		case len(s.VerifiedChains) > 0:
			return "SUCCESS"
		case len(s.PeerCertificates) > 0:
			return "GENEROUS"
		}
		return "NONE"
	}
	if len(s.PeerCertificates) == 0 {
		return ""
	}
	return clientCertificate(name, s.PeerCertificates[0])
}

func clientCertificate(name string, c *x509.Certificate) string {
	switch name {
	case "SSL_CLIENT_S_DN":
		return c.Subject.String()
	case "SSL_CLIENT_I_DN":
		return c.Issuer.String()
	case "SSL_CLIENT_S_DN_CN":
		return c.Subject.CommonName
	case "SSL_CLIENT_I_DN_CN":
		return c.Issuer.CommonName
	case "SSL_CLIENT_M_SERIAL":
		return strings.ToUpper(fmt.Sprintf("%x", c.SerialNumber))
	case "SSL_CLIENT_CERT":
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	return ""
}

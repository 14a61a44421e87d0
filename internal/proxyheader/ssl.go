// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package proxyheader

import (
	"encoding/binary"
	"errors"
)

// SSL is the value of the TLV 0x20: what the sender knows of the client's TLS
// (2.2.6). Fields that were not sent are empty.
type SSL struct {
	// Client holds the flags SSLUsed, SSLCertConn and SSLCertSession.
	Client byte
	// Verify is the result of verifying the client's certificate. It is 0
	// also where there was no certificate: ask Verified instead.
	Verify uint32

	Version, CommonName, Cipher, SigAlg, KeyAlg, Group, SigScheme string

	// ClientCert is the client's certificate in DER.
	ClientCert []byte
}

// The flags of SSL.Client.
const (
	// SSLUsed: the client connected over TLS.
	SSLUsed = 0x01
	// SSLCertConn: it presented a certificate over this connection.
	SSLCertConn = 0x02
	// SSLCertSession: it presented one at least once over the TLS session.
	SSLCertSession = 0x04
)

// The types inside the value.
const (
	sslVersion    Type = 0x21
	sslCommonName Type = 0x22
	sslCipher     Type = 0x23
	sslSigAlg     Type = 0x24
	sslKeyAlg     Type = 0x25
	sslGroup      Type = 0x26
	sslSigScheme  Type = 0x27
	sslClientCert Type = 0x28
)

const sslFixed = 1 + 4

// Verified says whether the client presented a certificate and it was found
// good.
func (s *SSL) Verified() bool {
	return s.Verify == 0 && s.Client&(SSLCertConn|SSLCertSession) != 0
}

// SSL returns what the first SSL TLV says. A malformed one says nothing: facts
// that grant access are not guessed from it.
func (t TLVs) SSL() (*SSL, bool) {
	value, ok := t.Get(SSLInfo)
	if !ok {
		return nil, false
	}
	s, err := ParseSSL(value)
	return s, err == nil
}

// ParseSSL decodes the value of an SSL TLV.
func ParseSSL(value []byte) (*SSL, error) {
	if len(value) < sslFixed {
		return nil, errSSL
	}
	s := &SSL{Client: value[0], Verify: binary.BigEndian.Uint32(value[1:])}
	for sub := TLVs(value[sslFixed:]); len(sub) > 0; {
		typ, value, rest, ok := sub.next()
		if !ok {
			return nil, errSSL
		}
		sub = rest
		if typ == sslClientCert {
			if s.ClientCert == nil {
				s.ClientCert = append([]byte{}, value...)
			}
			continue
		}
		field := s.text(typ)
		if field == nil || *field != "" {
			continue // unknown, or there already: the first one counts
		}
		if *field, ok = Text(value); !ok {
			return nil, errSSL
		}
	}
	return s, nil
}

// Append appends the TLV's value to dst.
func (s *SSL) Append(dst []byte) []byte {
	dst = append(dst, s.Client)
	dst = binary.BigEndian.AppendUint32(dst, s.Verify)
	for typ := sslVersion; typ <= sslSigScheme; typ++ {
		if v := *s.text(typ); v != "" {
			dst = TLVs(dst).Append(typ, []byte(v))
		}
	}
	if len(s.ClientCert) > 0 {
		dst = TLVs(dst).Append(sslClientCert, s.ClientCert)
	}
	return dst
}

// text returns the field that a type belongs to, or nil.
func (s *SSL) text(typ Type) *string {
	switch typ {
	case sslVersion:
		return &s.Version
	case sslCommonName:
		return &s.CommonName
	case sslCipher:
		return &s.Cipher
	case sslSigAlg:
		return &s.SigAlg
	case sslKeyAlg:
		return &s.KeyAlg
	case sslGroup:
		return &s.Group
	case sslSigScheme:
		return &s.SigScheme
	}
	return nil
}

var errSSL = errors.New("malformed SSL TLV")

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package proxyheader

import "encoding/binary"

// Types that cloud providers took from the custom range 0xE0-0xEF (2.2.8).
const (
	gcpTLV   Type = 0xe0
	awsTLV   Type = 0xea
	azureTLV Type = 0xee

	awsVPCEndpointID = 0x01
	azureLinkID      = 0x01
)

// AWSVPCEndpointID returns the id of the VPC endpoint through which the client
// reached an AWS Network Load Balancer, such as vpce-08d2bf15fac5001c9.
func (t TLVs) AWSVPCEndpointID() (string, bool) {
	for typ, value := range t.All() {
		if typ == awsTLV && len(value) > 1 && value[0] == awsVPCEndpointID {
			return Text(value[1:])
		}
	}
	return "", false
}

// AzureLinkID returns the LINKID of the Azure Private Link endpoint that the
// client used. Unlike everything else in a header it is little-endian.
func (t TLVs) AzureLinkID() (uint32, bool) {
	for typ, value := range t.All() {
		if typ == azureTLV && len(value) == 1+4 && value[0] == azureLinkID {
			return binary.LittleEndian.Uint32(value[1:]), true
		}
	}
	return 0, false
}

// GCPPSCConnectionID returns the id of the Google Cloud Private Service Connect
// connection that the client used.
func (t TLVs) GCPPSCConnectionID() (uint64, bool) {
	for typ, value := range t.All() {
		if typ == gcpTLV && len(value) == 8 {
			return binary.BigEndian.Uint64(value), true
		}
	}
	return 0, false
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package extendedconnect lets Go's HTTP/2 server offer RFC 8441, WebSockets
// over HTTP/2, without the user setting GODEBUG=http2xconnect=1.
//
// golang.org/x/net/http2 reads that setting once, while it is initialised
// (golang/go#71128). Go initialises packages in the order of their import
// paths as soon as what they import is ready, so this package, which imports
// nothing but os, has its turn before any of net/http and golang.org/x/net.
package extendedconnect

import "os"

// Switch is the environment variable that, set to "off", leaves HTTP/2 as Go
// has it: extended CONNECT is then not offered to clients.
const Switch = "CADDY_WS_TUNNEL_H2"

const setting = "http2xconnect="

func init() {
	if os.Getenv(Switch) == "off" {
		return
	}
	if godebug := os.Getenv("GODEBUG"); godebug == "" {
		os.Setenv("GODEBUG", setting+"1")
	} else if !contains(godebug, setting) { // what the user chose stays
		os.Setenv("GODEBUG", godebug+","+setting+"1")
	}
}

// contains is strings.Contains, which this package must do without.
func contains(s, part string) bool {
	for i := 0; i+len(part) <= len(s); i++ {
		if s[i:i+len(part)] == part {
			return true
		}
	}
	return false
}

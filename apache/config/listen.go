// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// Listen is an address to listen on.
type Listen struct {
	syntax.Position
	Address
}

// Address is one of Listen or of <VirtualHost>.
type Address struct {
	IP   netip.Addr // invalid: any
	Port int        // 0: any, in <VirtualHost> only
}

// String returns the address as it stands in a configuration.
func (a Address) String() string {
	host := "*"
	if a.IP.IsValid() {
		host = a.IP.String()
		if a.IP.Is6() {
			host = "[" + host + "]"
		}
	}
	if a.Port == 0 {
		return host
	}
	return host + ":" + strconv.Itoa(a.Port)
}

func parseListen(text string) (Address, error) {
	host, port := "", text
	if i := strings.LastIndexByte(text, ':'); i >= 0 {
		host, port = text[:i], text[i+1:]
	}
	if strings.EqualFold(host, "localhost") {
		host = "127.0.0.1"
	}
	a, err := parseAddress(host, port)
	if err == nil && a.Port == 0 {
		err = fmt.Errorf("listen %q has no port", text)
	}
	return a, err
}

// parseHostAddress reads an address of <VirtualHost>. named is the host of one
// that is given by name, and taken for any address.
func parseHostAddress(text string) (a Address, named string, err error) {
	host, port := text, ""
	if i := strings.LastIndexByte(text, ':'); i >= 0 && !strings.HasSuffix(text, "]") && net.ParseIP(text) == nil {
		host, port = text[:i], text[i+1:]
	}
	if port == "*" {
		port = ""
	}
	switch _, err := netip.ParseAddr(strings.Trim(host, "[]")); {
	case err == nil, host == "", host == "*":
	case strings.EqualFold(host, "_default_"):
		host = "*"
	default:
		named, host = host, "*"
	}
	a, err = parseAddress(host, port)
	return a, named, err
}

func parseAddress(host, port string) (a Address, err error) {
	if host != "" && host != "*" {
		if a.IP, err = netip.ParseAddr(strings.Trim(host, "[]")); err != nil {
			return a, fmt.Errorf("%q is not an IP address", host)
		}
	}
	if port != "" {
		number, err := strconv.ParseUint(port, 10, 16)
		if err != nil || number == 0 {
			return a, fmt.Errorf("%q is not a port, which is a number from 1 to 65535", port)
		}
		a.Port = int(number)
	}
	return a, nil
}

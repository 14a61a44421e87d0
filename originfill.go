// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"github.com/caddyserver/caddy/v2"
)

// fillOrigin puts values into an origin as the config has it. What kind of origin
// it is, the config says: a value that is a part of it adds no port, makes no socket
// of it, and does not end the host before the config does.
func fillOrigin(text string, repl *caddy.Replacer) (address string, by filler, err error) {
	var filled strings.Builder
	for rest := text; ; {
		before, behind, ok := strings.Cut(rest, "{")
		filled.WriteString(before)
		if !ok {
			return filled.String(), by, nil
		}
		name, behind, ok := strings.Cut(behind, "}")
		if !ok {
			return "", by, errors.New("a { has no }")
		}
		value, err := repl.ReplaceOrErr("{"+name+"}", true, true)
		if err != nil {
			return "", by, err
		}
		h := hole{before: text[:len(text)-len(behind)-len(name)-len("{}")], name: name, behind: behind}
		if err := h.check(value); err != nil {
			return "", by, fmt.Errorf("{%s} is %q: %w", name, value, err)
		}
		by = max(by, h.filler())
		filled.WriteString(value)
		rest = behind
	}
}

// filler is who an origin's address comes from.
type filler uint8

const (
	byConfig  filler = iota
	byRequest        // something in it is known at a request only
	byClient         // host and port are a client's own words
)

// hole is a placeholder in an origin's text.
type hole struct{ before, name, behind string }

var (
	operatorsWords = []string{"env.", "file.", "system.", "time."}
	clientsWords   = []string{"http.request.", "http.regexp.", "http.auth.", "http.proxy_header."}
)

func (h hole) isOf(namespaces []string) bool {
	return slices.ContainsFunc(namespaces, func(prefix string) bool { return strings.HasPrefix(h.name, prefix) })
}

// isAll tells whether the text says nothing of its own but the kind of origin.
func (h hole) isAll() bool {
	return h.behind == "" && (h.before == "" || h.before == "unix/" || strings.HasSuffix(h.before, "://"))
}

func (h hole) filler() filler {
	switch {
	case h.isOf(operatorsWords):
		return byConfig
	case h.isAll() && h.isOf(clientsWords):
		return byClient
	default:
		return byRequest
	}
}

var (
	errClientsSocket = errors.New("a client cannot name a Unix socket")
	errNotAPart      = errors.New("that cannot stand here")
)

// check tells what a value must not be in its place.
func (h hole) check(value string) error {
	unix := strings.HasPrefix(h.before, "unix/")
	switch {
	case h.isOf(operatorsWords):
		return nil
	case h.isAll():
		if h.isOf(clientsWords) && (unix || strings.HasPrefix(value, "unix/")) {
			return errClientsSocket
		}
		if h.isOf(clientsWords) && !isGraphic(value) {
			return errNotAPart
		}
		return nil
	case unix:
		if value == "." || value == ".." || strings.Contains(value, "/") || !isGraphic(value) {
			return errNotAPart
		}
		return nil
	case strings.HasSuffix(h.before, "[") && strings.HasPrefix(h.behind, "]"):
		if ip, err := netip.ParseAddr(value); err != nil || ip.Zone() != "" {
			return errNotAPart
		}
		return nil
	}
	// The end of a name is what says whose it is: with one of its own, 10.0.0.{n}
	// would lead anywhere.
	begun := h.before != "" && !strings.HasSuffix(h.before, "://")
	last := h.behind == "" || strings.HasPrefix(h.behind, ":")
	if begun && last && h.isOf(clientsWords) && strings.Contains(value, ".") {
		return errNotAPart
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r != '-' && r != '.' && r != '_' && !isLetterOrDigit(r) }) {
		return errNotAPart
	}
	return nil
}

// isGraphic tells whether s is of ASCII characters that are seen.
func isGraphic(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

func isLetterOrDigit(r rune) bool {
	return '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}

// errReserved is an address that the config has to name itself.
var errReserved = errors.New("what a request says must not lead to this address; if it is meant, the config has to name it")

// reservedAddresses are, besides link-local ones, where clouds tell a machine its
// secrets, and the prefix that hides an IPv4 address in an IPv6 one (RFC 6052).
var (
	reservedAddresses = []netip.Addr{
		netip.MustParseAddr("100.100.100.200"), // Alibaba
		netip.MustParseAddr("168.63.129.16"),   // Azure
		netip.MustParseAddr("192.0.0.192"),     // Oracle
		netip.MustParseAddr("fd00:ec2::254"),   // AWS
		netip.MustParseAddr("fd20:ce::254"),    // Google
	}
	nat64 = netip.MustParsePrefix("64:ff9b::/96")
)

// checkAddress tells whether o may be found at an address. A client that names host
// and port has no business on this machine, either: Caddy's admin API is here.
func (o origin) checkAddress(ip netip.Addr) error {
	if o.by == byConfig {
		return nil
	}
	if ip = ip.WithZone("").Unmap(); nat64.Contains(ip) {
		raw := ip.As16()
		ip = netip.AddrFrom4([4]byte(raw[12:]))
	}
	if ip.IsLinkLocalUnicast() || ip.IsUnspecified() || ip.IsMulticast() || slices.Contains(reservedAddresses, ip) || o.by == byClient && ip.IsLoopback() {
		return fmt.Errorf("%s: %w", ip, errReserved)
	}
	return nil
}

// checkSocket is checkAddress where a name has been looked up, and nothing has been
// sent. It is a net.Dialer's Control.
func (o origin) checkSocket(network, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil { // a Unix socket
		return nil
	}
	return o.checkAddress(to.Addr())
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// tunnelQuery says which tunnels are meant. All of its parameters hold:
//
//   - id: that tunnel
//   - name: of the handler
//   - client_ip: an address, or a network as 203.0.113.0/24
//   - host: that was asked for, without its port
//   - path: what its path begins with
//   - origin: its address, as records have it, or a part of that
//   - proto: the client's version of HTTP, as HTTP/2.0
//   - older, younger: than a duration
//   - state: open, draining or closing
type tunnelQuery struct {
	texts          map[string]string
	network        netip.Prefix // of client_ip
	older, younger time.Duration
}

var queryTexts = []string{"id", "name", "client_ip", "host", "path", "origin", "proto", "state"}

// newTunnelQuery reads a query. Parameters that others read are allowed; any that
// nobody knows would be taken for a bound that it is not.
func newTunnelQuery(values url.Values, others ...string) (*tunnelQuery, error) {
	q := &tunnelQuery{texts: make(map[string]string)}
	for name := range values {
		text := values.Get(name)
		switch {
		case len(values[name]) > 1:
			return nil, badRequest("%s is given twice", name)
		case slices.Contains(others, name):
		case text == "":
			return nil, badRequest("%s is empty", name)
		case slices.Contains(queryTexts, name):
			q.texts[name] = text
		case name == "older" || name == "younger":
			d, err := caddy.ParseDuration(text)
			if err != nil || d < 0 {
				return nil, badRequest("%s %q is not a duration, as 1h", name, text)
			}
			if name == "younger" && d == 0 {
				return nil, badRequest("no tunnel is younger than %q", text)
			}
			if name == "older" {
				q.older = d
			} else {
				q.younger = d
			}
		default:
			return nil, badRequest("unknown parameter %q: use older, younger, %s", name, strings.Join(queryTexts, ", "))
		}
	}
	return q, q.check()
}

// check refuses values that no tunnel can have.
func (q *tunnelQuery) check() error {
	if state := q.texts["state"]; state != "" && state != stateOpen && state != stateDraining && state != stateClosing {
		return badRequest("there is no state %q: use open, draining or closing", state)
	}
	if proto := q.texts["proto"]; proto != "" && proto != "HTTP/1.1" && proto != "HTTP/2.0" && proto != "HTTP/3.0" {
		return badRequest("there are no tunnels over %q: use HTTP/1.1, HTTP/2.0 or HTTP/3.0", proto)
	}
	text := q.texts["client_ip"]
	if text == "" {
		return nil
	}
	if strings.Contains(text, "/") {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return badRequest("client_ip %q is no network, as 203.0.113.0/24", text)
		}
		if network.Addr().Is4In6() && network.Bits() >= 96 { // as addresses are written here
			network = netip.PrefixFrom(network.Addr().Unmap(), network.Bits()-96)
		}
		q.network = network.Masked()
	} else if _, err := netip.ParseAddr(text); err != nil {
		return badRequest("client_ip %q is no address, as 203.0.113.7, and no network", text)
	}
	return nil
}

// empty tells whether q holds all tunnels.
func (q *tunnelQuery) empty() bool { return len(q.texts) == 0 && q.older == 0 && q.younger == 0 }

// find returns the tunnels that q holds, in no order.
func (q *tunnelQuery) find() (found []*tunnel) {
	for _, t := range tunnels.running() {
		if q.holds(t) {
			found = append(found, t)
		}
	}
	return found
}

func (q *tunnelQuery) holds(t *tunnel) bool {
	for name, want := range q.texts {
		if !q.holdsText(t, name, want) {
			return false
		}
	}
	if q.older == 0 && q.younger == 0 {
		return true
	}
	age := t.relay.Status().Age
	return age >= q.older && (q.younger == 0 || age <= q.younger)
}

func (q *tunnelQuery) holdsText(t *tunnel, name, want string) bool {
	switch name {
	case "name":
		return t.generation.name == want
	case "state":
		return t.stage(t.relay.Status().Closing) == want
	}
	opened := t.opening()
	has := opened.field(name)
	switch name {
	case "proto":
		return opened.proto.String() == want
	case "origin":
		return strings.Contains(opened.origin, want)
	case "client_ip":
		ip, err := netip.ParseAddr(has)
		if q.network.IsValid() {
			return err == nil && q.network.Contains(ip.Unmap())
		}
		wanted, wantedErr := netip.ParseAddr(want)
		return has == want || err == nil && wantedErr == nil && ip.Unmap() == wanted.Unmap()
	case "host":
		return strings.EqualFold(has, want) || strings.EqualFold(hostOnly(has), want)
	case "path":
		return strings.HasPrefix(has, want)
	default:
		return has == want
	}
}

// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package remoteip

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
)

// Finder finds the client of requests.
type Finder struct {
	header        string // canonical, as the next one
	proxiesHeader string
	proxies       []proxy
	protocol      bool           // connections have a PROXY header,
	exceptions    []netip.Prefix // but not those of these peers
}

type proxy struct {
	netip.Prefix
	internal bool
}

// Compile returns the rules in the form that requests are handled with. Host
// names of proxies are looked up.
func (rs *Rules) Compile() (*Finder, error) {
	f := &Finder{
		header:        http.CanonicalHeaderKey(rs.Header),
		proxiesHeader: http.CanonicalHeaderKey(rs.ProxiesHeader),
		protocol:      rs.ProxyProtocol != nil && *rs.ProxyProtocol,
	}
	for _, p := range rs.Proxies {
		for _, list := range []struct {
			addresses []string
			internal  bool
		}{{p.Internal, true}, {p.Trusted, false}} {
			for _, address := range list.addresses {
				prefixes, err := subnets(address)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", p.Line, err)
				}
				for _, prefix := range prefixes {
					f.proxies = append(f.proxies, proxy{prefix, list.internal})
				}
			}
		}
	}
	for _, e := range rs.Exceptions {
		prefix, err := subnet(e)
		if err != nil {
			return nil, err
		}
		f.exceptions = append(f.exceptions, prefix)
	}
	return f, nil
}

// A nil Finder finds nothing.
//
// Find sets r.Remote to the client that the header names, as far as those who
// say so are trusted, and takes from the header what was used. A PROXY header
// goes before it.
func (f *Finder) Find(r *request.Request) {
	if f == nil || f.header == "" || f.byProxyHeader(r) {
		return
	}
	rest, ok := r.Lookup(f.header)
	if !ok {
		return
	}
	var (
		client   = plain(r.Remote.Addr())
		internal = len(f.proxies) > 0
		passed   []string // the trusted proxies on the way
		changed  bool
		more     = true
	)
	for more {
		if !f.trusts(client, &internal) {
			break
		}
		before, last, found := cutLast(rest)
		next, err := netip.ParseAddr(last)
		// What cannot be used stays in the field, and the walk ends. That includes
		// host names, which httpd would look up at whoever's server the client likes.
		if err != nil || next.Zone() != "" || !internal && !public(next.Unmap()) {
			rest = strings.TrimRight(rest, " ")
			if !found {
				rest = last
			}
			break
		}
		if !internal {
			passed = append(passed, client.String())
		}
		client, changed = next.Unmap(), true
		rest, more = before, found
	}
	if !changed {
		return
	}
	r.Remote = netip.AddrPortFrom(client, 0) // of its port nothing is known
	if more {
		r.Header[f.header] = []string{rest}
	} else {
		delete(r.Header, f.header)
	}
	if passed != nil && f.proxiesHeader != "" {
		r.Header[f.proxiesHeader] = []string{strings.Join(passed, ", ")}
	}
}

// byProxyHeader says whether the client was named by a PROXY header. httpd then
// looks no further, even if all that the header said is that it knows nothing.
func (f *Finder) byProxyHeader(r *request.Request) bool {
	peer := plain(r.Peer.Addr())
	if plain(r.Remote.Addr()) != peer {
		return true
	}
	if !f.protocol {
		return false
	}
	for _, e := range f.exceptions {
		if e.Contains(peer) {
			return false
		}
	}
	return true
}

// trusts says whether an address may name the one it acts for, which everyone
// may if there is no list. Once one of them was not internal, none is: it could
// have made up those before it.
func (f *Finder) trusts(a netip.Addr, internal *bool) bool {
	for _, p := range f.proxies {
		if p.Contains(a) {
			*internal = *internal && p.internal
			return true
		}
	}
	return len(f.proxies) == 0
}

// cutLast takes the last element off a list. Spaces around it are dropped.
func cutLast(list string) (before, last string, found bool) {
	if i := strings.LastIndexByte(list, ','); i >= 0 {
		before, last, found = list[:i], list[i+1:], true
	} else {
		last = list
	}
	return before, strings.Trim(last, " "), found
}

// public says whether a proxy that is not internal may name the address: none of
// a private network, and in IPv6 only global unicast.
func public(a netip.Addr) bool {
	if a.Is6() {
		return globalUnicast.Contains(a)
	}
	return !a.IsPrivate() && !a.IsLoopback() && !a.IsLinkLocalUnicast()
}

var globalUnicast = netip.MustParsePrefix("2000::/3")
